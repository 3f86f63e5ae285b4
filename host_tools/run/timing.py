"""How regularly racks were read: summaries by what was delivered, cells by what the racks saw."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.rack.data import GOOD
from gateway.rack.maps import generic_416s as register_map
from host_tools.decode.records import Record, Sample
from host_tools.run.evidence import BlockRead, Evidence, Life


def percentile(values: Sequence[int], percent: float) -> int | None:
    """Smallest value that `percent` of all do not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def summary_gaps_ms(records: Iterable[Record], leave_out: set[int]) -> list[int]:
    """Times between the acquisitions of consecutive good summaries of a rack, within a boot.

    A summary that was missed or lost makes a longer gap; racks in `leave_out` do not count.
    """
    runs: dict[tuple[int, int], list[Sample]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.key):
        if not isinstance(record, Sample) or record.rack in leave_out or record.quality != GOOD:
            continue
        run = runs[record.boot, record.rack]
        if not run or run[-1].summary_number != record.summary_number:
            run.append(record)
    return [
        later.acquired_ms - earlier.acquired_ms
        for run in runs.values()
        for earlier, later in zip(run, run[1:], strict=False)
    ]


def cell_gaps_ms(evidence: Evidence) -> tuple[list[int], int, int]:
    """(times between two reads of the same cell or sensor, longest wait for one, cells ever read).

    The longest wait also counts from a gateway's start to its first read, and from its last read
    to its end; the time between two gateways belongs to none. Silenced racks do not count.
    """
    gaps: list[int] = []
    longest = 0
    cells_read = 0
    sizes = (
        (register_map.CELLS_ADDRESS, evidence.cells_per_rack),
        (register_map.TEMPS_ADDRESS, evidence.temps_per_rack),
    )
    for index, rack in enumerate(evidence.racks):
        for address, size in sizes:
            seen = np.zeros(size, bool)
            for life in evidence.lives:
                found, longest_here, read = _gaps_of_life(rack.block_reads, life, address, size)
                seen |= read
                if index not in evidence.silenced:
                    gaps += found
                    longest = max(longest, longest_here)
            if address == register_map.CELLS_ADDRESS:
                cells_read += int(seen.sum())
    return gaps, longest, cells_read


def _gaps_of_life(
    reads: Sequence[BlockRead], life: Life, address: int, size: int
) -> tuple[list[int], int, NDArray[np.bool_]]:
    last = np.full(size, life.started_ms)
    read = np.zeros(size, bool)
    gaps: list[int] = []
    longest = 0
    for at_ms, first, count in reads:
        start = first - address
        if not 0 <= start < size or not life.covers(at_ms):
            continue
        window = slice(start, start + count)
        waited = at_ms - last[window]
        longest = max(longest, int(waited.max()))
        gaps += waited[read[window]].tolist()
        last[window] = at_ms
        read[window] = True
    if life.ended_ms is not None:
        longest = max(longest, int((life.ended_ms - last).max()))
    return gaps, longest, read
