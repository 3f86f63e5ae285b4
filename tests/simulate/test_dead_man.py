"""The dead man of the simulated board: how often its wire is used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_hardware import HandClock

BOARD = Path(__file__).resolve().parents[2] / "boards" / "sim"


class Wire:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def send(self, line: bytes) -> bool:
        self.lines.append(line)
        return True


def test_a_busy_loop_sends_a_line_every_50_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BOARD))
    monkeypatch.delitem(sys.modules, "wiring", raising=False)
    from wiring import DeadMan

    wire, clock = Wire(), HandClock(0x3FFFFF00)
    dead_man = DeadMan(wire, clock)
    dead_man.toggle()
    assert wire.lines == [b"H\n"]  # the first one arms it at once
    for _ in range(1000):  # across the wrap of the clock
        clock.advance(1)
        dead_man.toggle()
    assert wire.lines == [b"H\n"] * 21
    clock.advance(400)
    dead_man.toggle()
    assert len(wire.lines) == 22
