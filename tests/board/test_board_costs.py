"""What the firmware costs the emulated board: exact, and no more than what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_tools.bench import board_costs
from host_tools.emulator.machine import ICOUNT, Machine
from host_tools.emulator.memory import FRAMES_BYTES, Memory
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
    assert 0 < costs["frames_peak_bytes"] < FRAMES_BYTES / 6


def test_a_recursion_without_end_meets_that_of_the_c_stack_first(
    image: Image, memory: Memory, tmp_path: Path
) -> None:
    names = [f"v{number}" for number in range(40)]
    body = "".join(f" {name} = depth\n" for name in names)
    script = (
        f"import machine\ndef fall(depth):\n{body} return fall(depth + 1)\n"
        "try:\n fall(0)\nexcept RuntimeError as error:\n print(error)\nmachine.reset()\n"
    )
    memory.format("root", {"main.py": script.encode()})
    with Machine(image.elf, memory, tmp_path, more=ICOUNT) as machine:
        assert machine.wait(60)
        assert "maximum recursion depth exceeded" in machine.said()
    assert FRAMES_BYTES / 4 < memory.frames_bytes() < FRAMES_BYTES / 2
