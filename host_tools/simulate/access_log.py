"""What a Modbus master did to one rack and when, noted by the rack itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from gateway.rack.maps import generic_416s as register_map

_Entry = TypeVar("_Entry")
KEPT = 100_000  # entries of each kind; half a day of summaries at 500 ms


class AccessLog:
    """Times in ms of the clock handed in; the oldest entries go first, `forgotten` counts them.

    `summary_reads` holds the times of reads of the whole summary block, `block_reads`
    (time, address, count) of cell and temperature reads, `writes` (time, address, values) of
    every accepted write.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.summary_reads: deque[int] = deque(maxlen=KEPT)
        self.block_reads: deque[tuple[int, int, int]] = deque(maxlen=KEPT)
        self.writes: deque[tuple[int, int, tuple[int, ...]]] = deque(maxlen=KEPT)
        self.forgotten = 0
        self._clock = clock

    def read(self, address: int, count: int) -> None:
        """Note an answered read; other reads than those named above are not kept."""
        if (address, count) == register_map.SUMMARY:
            self._keep(self.summary_reads, self._clock())
        elif address >= register_map.CELLS_ADDRESS:
            self._keep(self.block_reads, (self._clock(), address, count))

    def written(self, address: int, values: list[int]) -> None:
        """Note an accepted write."""
        self._keep(self.writes, (self._clock(), address, tuple(values)))

    def _keep(self, entries: deque[_Entry], entry: _Entry) -> None:
        self.forgotten += len(entries) == KEPT
        entries.append(entry)
