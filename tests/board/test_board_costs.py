"""What the firmware costs the emulated board: exact, and no more than what is committed."""

from __future__ import annotations

import pytest

from host_tools.bench import board_costs
from host_tools.emulator.memory import FRAMES_BYTES
from host_tools.toolchain.emulated_board import Image

FIGURES = (
    "instructions_protection_per_rack",
    "instructions_decode_per_416_cells",
    "instructions_codec_per_frame",
    "instructions_crc16_per_256B",
    "instructions_idle_cycle",
    "heap_peak_bytes",
    "frozen_bytes",
)


@pytest.fixture(scope="module")
def costs(image: Image) -> dict[str, float]:
    return board_costs.costs()


def test_nothing_has_become_dearer(costs: dict[str, float]) -> None:
    assert set(FIGURES) <= costs.keys()
    grown = board_costs.growth(costs, board_costs.baseline())
    assert not grown, "\n".join([*grown, board_costs.UPDATE])


def test_the_same_image_counts_the_same_again(image: Image, costs: dict[str, float]) -> None:
    again = board_costs.run(image.elf, board_costs.SMALL)
    assert again == {name: costs[name] for name in again}


def test_frames_leave_most_of_their_stack_free(costs: dict[str, float]) -> None:
    assert 0 < costs["frames_peak_bytes"] < FRAMES_BYTES / 4
