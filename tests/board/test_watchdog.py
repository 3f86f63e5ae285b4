"""A protecting loop that stands still: the watchdog resets the machine, so relays drop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from host_tools.emulator.board_config import tree_of
from host_tools.emulator.board_site import BoardSite
from host_tools.emulator.memory import BOOTS, DEAD_MAN
from host_tools.protection_matrix.case import SMALL
from host_tools.toolchain.emulated_board import Image

_SCRIPT = Path(__file__).parent / "guest" / "hang.py"
_HANG = 0xC0  # as guest/hang.py has it
_OVER = {
    "outputs": {"arm_delay_ms": 1000},
    "limits": {"comm_loss": {"l3": {"set": 10000}}},
    "telemetry": {"rewind_s": 0, "aftermath_s": 0, "fine_period_ms": 0},
    "watchdog_ms": 2000,
}


def test_a_hang_resets_the_machine_and_relays_are_open_in_between(
    image: Image, tmp_path: Path
) -> None:
    async def story() -> None:
        board = BoardSite(image.elf, tmp_path, SMALL, tree_of(SMALL, _OVER))
        board.memory.format("root", {"main.py": _SCRIPT.read_bytes()})
        async with board:
            await board.until(board.all_closed, "all relays closed")
            boots = board.memory.word(BOOTS)
            before = len(board.changes)
            board.memory.set_word(_HANG, 1)
            await board.sleep_until(board.clock() + 300)  # now it stands
            toggles = board.memory.word(DEAD_MAN)
            await board.until(lambda: not any(board.relays), "every relay open")
            assert {"WATCHDOG", "RESET"} <= set(board.machine.qmp.events)
            board.memory.set_word(_HANG, 0)
            await board.until(board.all_closed, "closed again")
            assert board.memory.word(BOOTS) > boots
            assert board.memory.word(DEAD_MAN) > toggles
            # every relay dropped once, and came back once
            changes = board.changes[before:]
            racks = len(board.tree["racks"])
            assert [on for _, _, on in changes] == [False] * racks + [True] * racks

    asyncio.run(story())
