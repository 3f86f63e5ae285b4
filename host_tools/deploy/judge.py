"""Whether a board that was just started does what was deployed to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from host_tools.cable.console_on_cable import CableConsole
from host_tools.monitor.console_client import ConsoleError, Status

_START_S = 60.0
_ASK_S = 3.0
_LINES = 200


@dataclass(frozen=True)
class Verdict:
    """`problem` is "" for a board that passed; `notes` are worth a look all the same."""

    problem: str
    notes: tuple[str, ...]
    status: Status
    report: Status


class Listener:
    """Asks until the program answers, and notices when it ends instead."""

    def __init__(self, serial: object, show: Callable[[str], object]) -> None:
        self._show = show
        self._lines: list[str] = []
        self._end = ""
        self.console = CableConsole(serial, self._line)

    def start(self) -> tuple[Status, Status]:
        """(status, report of the self-test); ConsoleError when there are none."""
        end_s = time.monotonic() + _START_S
        while True:
            try:
                report = self.console.ask("selftest", _ASK_S)
                return self.console.ask("status"), report
            except ConsoleError:
                if self._end:
                    raise ConsoleError(self._end) from None
                if time.monotonic() > end_s:
                    last = self._lines[-1] if self._lines else "nothing"
                    raise ConsoleError(
                        f"no answer within {_START_S:g} s; the last line was: {last}"
                    ) from None

    def _line(self, line: str) -> None:
        self._lines = [*self._lines[-_LINES:], line]
        self._show(line)
        if line.startswith("MicroPython v") or line.startswith(">>>"):
            before = [text for text in self._lines if ": " in text and ">>>" not in text]
            errors = [text for text in before if text.split(":")[0].endswith(("Error", "Exit"))]
            self._end = f"the program ended: {(errors or ['no message'])[-1]}"


def judge(listener: Listener, *, slot: str, version: str, crc: str) -> Verdict:
    """Start-up and self-test of the program in `slot` ("" = whichever); CableError."""
    try:
        status, report = listener.start()
    except ConsoleError as error:
        return Verdict(str(error), (), {}, {})
    return Verdict(_problem(status, report, slot, version, crc), _notes(status), status, report)


def _problem(status: Status, report: Status, slot: str, version: str, crc: str) -> str:
    if status["mode"] != "run":
        return f"safe mode: {status.get('reason', '')}"
    if status["self_check"]:
        return f"self-check: {status['self_check']}"
    if status["version"] != version:
        return f"version {status['version']} runs, not {version}"
    if slot and report["slot"] != slot:
        return f"it runs from {report['slot'] or 'its image'}, not from {slot}"
    if status["config"]["crc"] != crc:
        return "it runs another configuration"
    if report["flash"]["error"]:
        return f"data flash: {report['flash']['error']}"
    if report["board_problems"]:
        return f"board: {report['board_problems'][0]}"
    return ""


def _notes(status: Status) -> tuple[str, ...]:
    if status["mode"] != "run":
        return ()
    silent = [bus["name"] for bus in status["buses"] if not bus["replies"]]
    return tuple(f"bus {name}: no answer yet" for name in silent)
