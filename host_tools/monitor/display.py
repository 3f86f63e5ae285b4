"""Shows a status again and again: a table that renews itself, or plain lines for a log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from host_tools.monitor.console_client import Status
from host_tools.monitor.table import one_line, render

LINE_PERIOD_S = 5.0


class Display(Protocol):
    """A context manager that is told the newest status."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, status: Status | None, note: str = "") -> None:
        """Show `status` (None while there is none yet) and, if any, what is wrong with it."""


def open_display(title: str, rack_names: Sequence[str], console: Console) -> Display:
    """A live table on a terminal, lines everywhere else."""
    if console.is_terminal:
        return _LiveTable(title, rack_names, console)
    return _Lines(title, console)


class _LiveTable:
    def __init__(self, title: str, rack_names: Sequence[str], console: Console) -> None:
        self._title = title
        self._rack_names = rack_names
        self._console = console
        # Nothing refreshes it but `show`: no thread takes time from the simulated racks.
        self._live = Live(
            self._rendered(None), console=console, auto_refresh=False, transient=False
        )

    def __enter__(self) -> Display:
        self._live.__enter__()
        self._live.refresh()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, status: Status | None, note: str = "") -> None:
        self._live.update(self._rendered(status, note), refresh=True)

    def _rendered(self, status: Status | None, note: str = "") -> RenderableType:
        # the width anew each time: a person may pull at the window
        return render(self._title, self._rack_names, status, note, self._console.width)


class _Lines:
    def __init__(self, title: str, console: Console) -> None:
        self._title = title
        self._console = console
        self._shown_s = 0.0

    def __enter__(self) -> Display:
        self._print(f"{self._title}: starting")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, status: Status | None, note: str = "") -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s < LINE_PERIOD_S:
            return
        line = note or (one_line(status) if status else "")
        if line:
            self._shown_s = now_s
            self._print(line)

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
