"""A question to the person at the keyboard before something is opened, erased or written."""

from __future__ import annotations

import sys

import typer

from host_tools.errors import UserError


def confirm(what: str, *, hint: str = "--yes goes on without a question") -> None:
    """`what` ends with a full stop. Anything but yes ends the command with status 130; without a
    terminal nobody can answer, and UserError says so with `hint`.
    """
    if not sys.stdin.isatty():
        raise UserError(f"{what} {hint}")
    typer.confirm(f"{what} Go on?", abort=True, err=True)
