"""CPython's stand-in for MicroPython's built-in module, so that umodbus and the gateway import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    # Words of viper's annotations; on a device the compiler knows them, nobody imports them.
    ptr8 = Any
    ptr16 = Any
    ptr32 = Any


def const(value: _T) -> _T:
    """Return `value`; a compile-time constant on MicroPython only."""
    return value


def viper(function: _Function) -> _Function:
    """Return `function`; machine code on MicroPython only."""
    return function


def asm_thumb(function: _Function) -> _Function:
    """Return `function`, which nothing can call; assembler on MicroPython for ARM only."""
    return function


def native(function: _Function) -> _Function:
    """Return `function`; machine code on MicroPython only."""
    return function
