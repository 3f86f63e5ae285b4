"""The emulator is killed in the middle of writes: nothing that was told to be on flash is lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

from journal import journal_of

from host_tools.emulator.machine import Machine
from host_tools.emulator.memory import Memory
from host_tools.toolchain.emulated_board import Image

CUTS = 50
EARLY = 5  # one in so many is killed during its start
_SCRIPT = Path(__file__).parent / "guest" / "append.py"
_PATIENCE_S = 60


def words(machine: Machine) -> list[list[str]]:
    """What the console said, by lines; one that is not all there was not said."""
    whole, _, _ = machine.said().rpartition("\n")
    return [line.split() for line in whole.splitlines()]


def wait_for(machine: Machine, word: str) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not any(line[:1] == [word] for line in words(machine)):
        assert machine.running() and time.monotonic() < end_s, machine.said()
        time.sleep(0.02)


def test_nothing_acknowledged_is_lost_by_fifty_cuts(
    image: Image, memory: Memory, tmp_path: Path
) -> None:
    memory.format("root", {"main.py": _SCRIPT.read_bytes()})
    chance = random.Random(1)
    kept: set[tuple[int, int]] = set()
    count = boots = 0
    for cut in range(CUTS):
        machine = Machine(image.elf, memory, tmp_path)
        early = cut % EARLY == EARLY - 1
        with machine:
            if not early:
                wait_for(machine, "kept")
            time.sleep(chance.uniform(0.0, 0.5))
        said = words(machine)
        for line in said:
            if line[0] == "booted":
                boots += 1
                found = int(line[2])
                assert count <= found <= count + 1, f"cut {cut}: {found}, told {count}"
                count = found
            elif line[0] == "kept":
                kept.add((int(line[1]), int(line[2])))
            elif line[0] == "count":
                count = int(line[1])
            else:
                raise AssertionError(f"cut {cut}: {machine.said()}")
        journal = journal_of(memory, tmp_path)
        there = {(record.boot, record.seq) for record in journal.records}
        assert not kept - there, f"cut {cut}"
        assert not journal.damaged, f"cut {cut}: {journal.damaged}"
    assert boots >= CUTS - CUTS // EARLY
    assert len(kept) > CUTS
