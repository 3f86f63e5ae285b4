"""How regularly racks were read: summaries by what was delivered, cells by what the racks saw."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.rack.data import GOOD
from host_tools.decode.records import Sample
from host_tools.run.evidence import Evidence, Life
from host_tools.simulate.access_log import BlockRead


def percentile(values: Sequence[int], percent: float) -> int | None:
    """Smallest value that `percent` of all do not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def summary_gaps_ms(samples: Iterable[Sample], leave_out: set[int]) -> list[int]:
    """Times between the acquisitions of consecutive good summaries of a rack, within a boot.

    A summary that was missed or lost makes a longer gap; racks in `leave_out` do not count.
    """
    runs: dict[tuple[int, int], list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.acquired_ms):
        if sample.rack in leave_out or sample.quality != GOOD:
            continue
        run = runs[sample.boot, sample.rack]
        if not run or run[-1].summary_number != sample.summary_number:
            run.append(sample)
    return [
        later.acquired_ms - earlier.acquired_ms
        for run in runs.values()
        for earlier, later in zip(run, run[1:], strict=False)
    ]


def tails_ms(evidence: Evidence) -> dict[int, int]:
    """Time from each rack's last good summary to the end of the last gateway.

    Counted from the start of its process, so longer than the truth by the time of its boot.
    """
    if not evidence.lives or evidence.lives[-1].ended_ms is None:
        return {}
    length_ms = evidence.lives[-1].ended_ms - evidence.lives[-1].started_ms
    samples = evidence.delivered.samples
    boot = max((sample.boot for sample in samples), default=0)
    last_ms = dict.fromkeys(range(len(evidence.racks)), 0)
    for sample in samples:
        if sample.boot == boot and sample.quality == GOOD:
            last_ms[sample.rack] = max(last_ms[sample.rack], sample.acquired_ms)
    return {rack: length_ms - at_ms for rack, at_ms in last_ms.items()}


def cell_gaps_ms(evidence: Evidence) -> tuple[list[int], int, int]:
    """(times between two reads of the same cell, longest wait for one, cells ever read).

    The longest wait also counts from a gateway's start to its first read, and from its last read
    to its end; the time between two gateways belongs to none. Racks apart do not count.
    """
    reads = [rack.cell_reads for rack in evidence.racks]
    return _gaps(evidence, reads, evidence.cells_per_rack)


def temp_gaps_ms(evidence: Evidence) -> tuple[list[int], int, int]:
    """The same of temperature sensors."""
    reads = [rack.temp_reads for rack in evidence.racks]
    return _gaps(evidence, reads, evidence.temps_per_rack)


def _gaps(
    evidence: Evidence, reads: Sequence[Sequence[BlockRead]], size: int
) -> tuple[list[int], int, int]:
    gaps: list[int] = []
    longest = 0
    ever_read = 0
    for index, of_rack in enumerate(reads):
        seen = np.zeros(size, bool)
        for life in evidence.lives:
            found, longest_here, read = _gaps_of_life(of_rack, life, size)
            seen |= read
            if index not in evidence.apart:
                gaps += found
                longest = max(longest, longest_here)
        ever_read += int(seen.sum())
    return gaps, longest, ever_read


def _gaps_of_life(
    reads: Sequence[BlockRead], life: Life, size: int
) -> tuple[list[int], int, NDArray[np.bool_]]:
    last = np.full(size, life.started_ms)
    read = np.zeros(size, bool)
    gaps: list[int] = []
    longest = 0
    for at_ms, first, count in reads:
        if not life.covers(at_ms):
            continue
        window = slice(first, first + count)
        waited = at_ms - last[window]
        longest = max(longest, int(waited.max(initial=0)))
        gaps += waited[read[window]].tolist()
        last[window] = at_ms
        read[window] = True
    if life.ended_ms is not None:
        longest = max(longest, int((life.ended_ms - last).max(initial=0)))
    return gaps, longest, read
