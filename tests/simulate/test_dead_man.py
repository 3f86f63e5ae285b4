"""The dead man of the simulated board: what its wire carries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BOARD = Path(__file__).resolve().parents[2] / "boards" / "sim"


class Wire:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def send(self, line: bytes) -> bool:
        self.lines.append(line)
        return True


def test_every_toggle_is_on_the_wire_so_that_the_field_sees_the_loop_and_no_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop toggles once per cycle; a pause between two must not look longer than it was."""
    monkeypatch.syspath_prepend(str(BOARD))
    monkeypatch.delitem(sys.modules, "wiring", raising=False)
    from wiring import DeadMan

    wire = Wire()
    dead_man = DeadMan(wire)
    for count in range(1, 4):
        dead_man.toggle()
        assert wire.lines == [b"H\n"] * count
