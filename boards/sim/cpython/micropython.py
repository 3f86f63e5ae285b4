"""CPython's stand-in for MicroPython's built-in module, so that umodbus imports on both."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


def const(value: _T) -> _T:
    """Return `value`; a compile-time constant on MicroPython only."""
    return value
