"""The same firmware as everywhere, on the emulated board: start, twelve racks, trip, end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from journal import events_of, journal_of, trips

from gateway.config.rules import NAMES
from gateway.telemetry import records as layout
from host_tools.emulator.board_config import files_of, tree_of
from host_tools.emulator.board_site import BoardSite
from host_tools.emulator.machine import Machine
from host_tools.emulator.memory import DEAD_MAN, Memory
from host_tools.protection_matrix.case import LARGE, SMALL
from host_tools.simulate import faults
from host_tools.site.compile import merge
from host_tools.toolchain.emulated_board import Image
from host_tools.toolchain.paths import ROOT

_OVER = {
    "outputs": {"arm_delay_ms": 1000},
    "poll": {"summary_period_ms": 1000},
    "telemetry": {"rewind_s": 0, "aftermath_s": 0, "fine_period_ms": 0},
    "limits": {
        "comm_loss": {
            f"l{level}": {"set": set_ms, "clear": 2000}
            for level, set_ms in ((1, 3000), (2, 5000), (3, 10000))
        }
    },
}

RESET, KEY = 0, 1  # numbers of inputs
_WITH_KEY = {
    "inputs": [
        {"name": "reset", "number": RESET, "role": "reset"},
        {"name": "key", "number": KEY, "role": "service_key"},
    ]
}
CLEAR_MS = 60_000  # the longest clear delay of a rule that latches
PUSH_MS = 500
PAUSE_MS = 5_000  # of a person who is told to push again


def test_twelve_racks_over_three_lines(image: Image, tmp_path: Path) -> None:
    async def story() -> None:
        tree = tree_of(LARGE, _OVER)
        async with BoardSite(image.elf, tmp_path, LARGE, tree) as board:
            await board.until(board.all_closed, "all relays closed")
            assert len(tree["racks"]) == 12
            toggles = board.memory.word(DEAD_MAN)
            faults.begin(board.site, faults.by_name("cell_overvoltage"), 4)
            wanted = {(4, NAMES.index("cell_overvoltage"))}
            await board.until(lambda: wanted <= trips(board.memory, tmp_path), "the trip")
            await board.until(lambda: not board.closed(4), "its relay open, after 2 s at most")
            assert [rack for rack in range(12) if not board.closed(rack)] == [4]
            assert board.memory.word(DEAD_MAN) > toggles
            await board.stop_board()
            await board.until(lambda: not any(board.relays), "all relays open after the end")
            assert not journal_of(board.memory, tmp_path).damaged
        assert [bus.bad_frames for bus in board.buses] == [0, 0, 0]

    asyncio.run(story())


async def push_reset(board: BoardSite) -> None:
    for level, pause_ms in ((True, PUSH_MS), (False, PAUSE_MS)):
        board.memory.set_input(RESET, level)
        await board.sleep_until(board.clock() + pause_ms)


def test_a_blank_flash_holds_every_rack_until_service_resets_it(
    image: Image, tmp_path: Path
) -> None:
    async def story() -> None:
        tree = tree_of(SMALL, merge(_OVER, _WITH_KEY))
        racks = set(range(len(tree["racks"])))
        async with BoardSite(image.elf, tmp_path, SMALL, tree, blank=True) as board:

            def asked(code: int, who: str) -> set[int]:
                events = events_of(board.memory, tmp_path, code)
                return {each.rack for each in events if each.text.startswith(f"by {who}: ")}

            await board.until(
                lambda: "latch" in board.machine.said(), "told that latches are lost"
            )
            await board.sleep_until(board.clock() + CLEAR_MS + PAUSE_MS)
            await push_reset(board)
            await board.until(
                lambda: racks <= asked(layout.RESET_REFUSED, "the operator"),
                "a push without the key refused",
            )
            assert not any(board.relays)
            board.memory.set_input(KEY, True)
            while not racks <= asked(layout.RESET, "service"):
                await push_reset(board)
            await board.until(board.all_closed, "all relays closed")
            board.memory.set_input(KEY, False)
            await board.power_cut()
            board.power_up()
            await board.until(board.all_closed, "still released after a power cut")

    asyncio.run(story())


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_without_its_configuration_nothing_closes(
    damage: str, image: Image, memory: Memory, tmp_path: Path
) -> None:
    files = files_of(tree_of(SMALL, _OVER))
    if damage == "changed":
        files["config.json"] = files["config.json"].replace(b"1", b"2", 1)
    memory.format("root", {"main.py": (ROOT / "firmware" / "main.py").read_bytes()})
    memory.format("config", {} if damage == "missing" else files)
    with Machine(image.elf, memory, tmp_path) as machine:
        end_s = time.monotonic() + 60
        while "not started: config." not in machine.said():
            assert time.monotonic() < end_s and not machine.wait(0.1), machine.said()
        assert not any(machine.relays()[0])
