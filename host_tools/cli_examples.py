"""Examples below the help of a command, a line each and not wrapped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

_Command = TypeVar("_Command", bound=Callable[..., object])


def examples(*lines: str) -> Callable[[_Command], _Command]:
    """Adds what stands behind `gatewayctl` in each of them to a command's docstring."""

    def add(command: _Command) -> _Command:
        shown = "\n".join(f"  gatewayctl {line}" for line in lines)
        # \b: the help's own mark for "leave these lines as they are"
        command.__doc__ = f"{inspect.getdoc(command)}\n\n\b\nExamples:\n{shown}"
        return command

    return add
