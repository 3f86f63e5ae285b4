"""Reads of any map against a model that looks at every register by itself."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.rack.blocks import plan

Run = tuple[int, int, int]
Span = tuple[int, int]


@st.composite
def stretches(draw: st.DrawFn) -> list[Run]:
    """Runs that do not overlap: (address, count, atom)."""
    runs = []
    address = draw(st.integers(0, 50))
    for _ in range(draw(st.integers(1, 12))):
        atom = draw(st.integers(1, 6))
        count = atom * draw(st.integers(1, 30))
        runs.append((address, count, atom))
        address += count + draw(st.integers(0, 20))
    return runs


def atoms(runs: list[Run]) -> list[range]:
    return [
        range(first, first + atom)
        for address, count, atom in runs
        for first in range(address, address + count, atom)
    ]


def crosses(read: Span, barrier: Span) -> bool:
    """Whether a read touches what is barred, or goes from before a boundary to behind it."""
    registers = range(read[0], sum(read))
    if barrier[0] == barrier[1]:
        return barrier[0] - 1 in registers and barrier[0] in registers
    return any(each in registers for each in range(*barrier))


@settings(max_examples=500, deadline=None)
@example(runs=[(0, 14, 14), (14, 11, 11)], cuts=[], barred=[], hole=0, longest=14, seed=0)
@given(
    runs=stretches(),
    cuts=st.lists(st.integers(0, 400), max_size=4),
    barred=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=3),
    hole=st.integers(0, 25),
    longest=st.integers(6, 40),
    seed=st.integers(0, 5),
)
def test_reads_cover_what_is_wanted_and_keep_every_rule(
    runs: list[Run],
    cuts: list[int],
    barred: list[tuple[int, int]],
    hole: int,
    longest: int,
    seed: int,
) -> None:
    wanted = {address for atom in atoms(runs) for address in atom}
    barriers = [(cut, cut) for cut in cuts]
    barriers += [(first, first + size) for first, size in barred]
    impossible = any(
        crosses((atom.start, len(atom)), barrier) for atom in atoms(runs) for barrier in barriers
    )
    mixed = runs[seed:] + runs[:seed]
    if impossible:
        with pytest.raises(ValueError, match="barrier"):
            plan(mixed, barriers, hole, longest)
        return

    reads = plan(mixed, barriers, hole, longest)
    registers = [address for first, count in reads for address in range(first, first + count)]
    assert len(registers) == len(set(registers))  # nothing twice
    assert wanted <= set(registers)  # everything
    assert reads == sorted(reads)
    for read in reads:
        assert 1 <= read[1] <= longest
        assert not any(crosses(read, barrier) for barrier in barriers)
        assert read[0] in wanted
        assert sum(read) - 1 in wanted
        gap = 0
        for address in range(read[0], sum(read)):
            gap = 0 if address in wanted else gap + 1
            assert gap <= hole
    for atom in atoms(runs):
        assert any(read[0] <= atom.start and atom.stop <= sum(read) for read in reads)


@settings(max_examples=300, deadline=None)
@given(count=st.integers(1, 1100), longest=st.integers(1, 125))
def test_single_registers_take_the_fewest_reads_and_even_ones(count: int, longest: int) -> None:
    reads = plan([(0x1000, count, 1)], [], 0, longest)
    assert len(reads) == -(-count // longest)
    assert max(size for _, size in reads) - min(size for _, size in reads) < len(reads)


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(ValueError, match="overlap"):
        plan([(0, 4, 1), (3, 2, 1)], [], 0, 125)
    with pytest.raises(ValueError, match="atoms"):
        plan([(0, 5, 2)], [], 0, 125)
    with pytest.raises(ValueError, match="belong together"):
        plan([(0, 8, 8)], [], 0, 7)
