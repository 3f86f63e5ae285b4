"""A gateway that holds relays closed is not stopped without a word."""

from __future__ import annotations

import io

import pytest
from cable_end import at_cable

from gateway.northbound.cable_console import ETX
from host_tools.cable.prompt import Prompt
from host_tools.deploy.command import confirm_stop
from host_tools.deploy.deployment import Start, ask_start
from host_tools.errors import UserError
from host_tools.monitor.console_client import Status

CLOSED = {"racks": [{"relay": 1, "current_da": -1200}, {"relay": 0, "current_da": None}]}
SILENT: Status = {}
OPEN = {"racks": [{"relay": 0, "current_da": 0}]}


def test_without_a_person_it_is_refused_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UserError, match=r"1 of 2 racks are closed, 120 A flow\..*--yes goes on"):
        confirm_stop(CLOSED, False)


def test_nothing_is_asked_when_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    confirm_stop(None, False)
    confirm_stop(OPEN, False)
    confirm_stop(CLOSED, True)


def test_silence_is_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(UserError, match="relays there may be closed.*--yes goes on"):
        confirm_stop(SILENT, False)
    confirm_stop(SILENT, True)


def test_a_program_that_knows_no_second_configuration_runs_the_first() -> None:
    answer = f'{ETX}selftest {{"slot": "slot_a"}}\n'.encode()
    with at_cable(answer, b"selftest\n") as port:
        prompt = Prompt(port)
        prompt.open()
        try:
            assert ask_start(prompt) == Start("slot_a", "config")
        finally:
            prompt.close()
