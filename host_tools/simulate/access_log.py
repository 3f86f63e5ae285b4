"""What a Modbus master did to one rack and when, noted by the rack itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from host_tools.simulate import registers as meaning

_Entry = TypeVar("_Entry")
KEPT = 100_000  # entries of each kind; half a day of summaries at 500 ms
# What a sample of the gateway tells about its rack, and in which it must agree with the rack.
SERVED = (
    "rack_voltage_dv",
    "rack_current_da",
    "soc_pm",
    "cell_max_mv",
    "cell_max_index",
    "cell_min_mv",
    "cell_min_index",
    "temp_max_dc",
    "temp_min_dc",
)
LIMITS = (meaning.CHARGE_LIMIT, meaning.DISCHARGE_LIMIT)
LimitChange = tuple[int, str, int]  # ms, one of LIMITS, 0.1 A
BlockRead = tuple[int, int, int]  # ms, first cell or sensor, count


class Summaries:
    """Readings (SERVED, in this order) of every summary given out; only their hashes are kept."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def add(self, readings: tuple[int, ...]) -> None:
        """One was given out."""
        self._hashes.add(hash(readings))

    def __contains__(self, readings: object) -> bool:
        return hash(readings) in self._hashes


class AccessLog:
    """Times in ms of the clock handed in; the oldest entries go first, `forgotten` counts them.

    `summary_reads` holds the times of reads of the whole summary, `cell_reads` and `temp_reads`
    (time, first index, count), `writes` (time, address, values) of every accepted write and
    `open_commands` the times at which one of them told the contactor to open. `limit_changes` are
    the limits that the master wrote, where they differ from what it had written before. `served`
    are the summaries given out.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.summary_reads: deque[int] = deque(maxlen=KEPT)
        self.cell_reads: deque[BlockRead] = deque(maxlen=KEPT)
        self.temp_reads: deque[BlockRead] = deque(maxlen=KEPT)
        self.writes: deque[tuple[int, int, tuple[int, ...]]] = deque(maxlen=KEPT)
        self.open_commands: deque[int] = deque(maxlen=KEPT)
        self.limit_changes: deque[LimitChange] = deque(maxlen=KEPT)
        self.served = Summaries()
        self.forgotten = 0
        self._clock = clock
        self._limits: dict[str, int] = {}

    def read(
        self, subject: str, first: int, count: int, values: Mapping[str, int] | None = None
    ) -> None:
        """Note an answered read of one of the subjects of `registers`.

        `values` are those of the rack at this moment.
        """
        if subject == meaning.SUMMARY:
            self._keep(self.summary_reads, self._clock())
            if values is not None:
                self.served.add(tuple(values[name] for name in SERVED))
        elif subject == meaning.CELLS:
            self._keep(self.cell_reads, (self._clock(), first, count))
        elif subject == meaning.TEMPS:
            self._keep(self.temp_reads, (self._clock(), first, count))

    def written(self, address: int, values: list[int], commands: Mapping[str, int]) -> None:
        """Note an accepted write and what it commanded."""
        self._keep(self.writes, (self._clock(), address, tuple(values)))
        if commands.get(meaning.CONTACTOR) == 0:
            self._keep(self.open_commands, self._clock())
        for name in LIMITS:
            limit_da = commands.get(name)
            if limit_da is not None and limit_da != self._limits.get(name):
                self._limits[name] = limit_da
                self._keep(self.limit_changes, (self._clock(), name, limit_da))

    def _keep(self, entries: deque[_Entry], entry: _Entry) -> None:
        self.forgotten += len(entries) == KEPT
        entries.append(entry)
