"""The smallest heap that twelve racks were seen to run in, without rewind and 10 s samples."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from host_tools.bench.board_costs import SMALL
from host_tools.emulator.board_config import tree_of
from host_tools.emulator.board_site import BoardSite
from host_tools.protection_matrix.case import LARGE
from host_tools.site.compile import merge
from host_tools.toolchain.emulated_board import Image, ensure_image

HEAP_BYTES = 448 * 1024
RUN_MS = 45_000  # with two samples of all values, for which the largest pieces are needed
SAMPLE_MS = 20_000
PATIENCE_S = 220
# As in test_gateway: QEMU brings a UART byte by byte, which a busy host makes slow.
_OVER = {
    "outputs": {"arm_delay_ms": 1000},
    "poll": {"summary_period_ms": 1000},
    "telemetry": {"minute_period_ms": SAMPLE_MS},
    "limits": {
        "comm_loss": {
            f"l{level}": {"set": set_ms, "clear": 2000}
            for level, set_ms in ((1, 3000), (2, 5000), (3, 10000))
        }
    },
}


@pytest.fixture(scope="module")
def small(image: Image) -> Image:
    return ensure_image(HEAP_BYTES)


def test_twelve_racks_start_and_run(small: Image, tmp_path: Path) -> None:
    async def story() -> None:
        tree = tree_of(LARGE, merge(SMALL, _OVER))
        async with BoardSite(small.elf, tmp_path, LARGE, tree) as board:
            await board.until(board.all_closed, "all relays closed", PATIENCE_S)
            end_ms = board.clock() + RUN_MS
            await board.until(lambda: board.clock() >= end_ms, "the run", PATIENCE_S)
            assert board.all_closed()
            assert "MemoryError" not in board.machine.said()

    asyncio.run(story())
