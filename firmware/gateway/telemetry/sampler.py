"""Hands what the racks say to whoever keeps it: the memory of the last minute, and the tiers.

Watches sequence numbers instead of being called, so nothing in front of a relay waits for it. A
rack without fresh data is noted once per period all the same, with its quality and age.
"""

from __future__ import annotations

from array import array

from gateway.clock import add, diff
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.rack.data import RackData
    from gateway.telemetry.rack_summary import RackSummary
    from gateway.telemetry.rewind import Rewind
    from gateway.telemetry.tier import Tier


class Sampler:
    """Steps every few 10 ms; at most one sample per rack, and one section per tier, and step."""

    def __init__(
        self,
        racks: Sequence[RackData],
        summary: RackSummary,
        rewind: Rewind,
        tiers: Sequence[Tier],
        clock: Clock,
        period_ms: int,
    ) -> None:
        now = clock.ticks()
        self._racks = racks
        self._summary = summary
        self._rewind = rewind
        self._tiers = tiers
        self._clock = clock
        self._period_ms = period_ms
        self._values = array("i", [0] * len(records.SAMPLE_FIELDS))
        self._sequences = [0] * len(racks)
        self._sampled = [now] * len(racks)
        self._cells_sequences = [0] * len(racks)

    def step(self, now: int) -> None:
        """Take every rack that has something new, or has had nothing for too long."""
        for index, data in enumerate(self._racks):
            if data.sequence != self._sequences[index]:
                self._sequences[index] = data.sequence
                self._sampled[index] = now
                self._take_summary(index)
            elif diff(now, self._sampled[index]) >= self._period_ms + self._period_ms // 2:
                self._sampled[index] = add(self._sampled[index], self._period_ms)
                self._take_summary(index)
            if data.cells_sequence != self._cells_sequences[index]:
                self._cells_sequences[index] = data.cells_sequence
                self._take_cells(index, data, now)
        for tier in self._tiers:
            tier.step(now)

    def finish(self) -> None:
        """Bring the sets that are under way to an end; nothing is taken afterwards."""
        for tier in self._tiers:
            tier.finish()

    def _take_summary(self, index: int) -> None:
        self._summary.fill(index, self._values)
        self._rewind.take_summary(index, self._values, self._clock.uptime_ms())

    def _take_cells(self, index: int, data: RackData, now: int) -> None:
        acquired_ms = max(0, self._clock.uptime_ms() - diff(now, data.cells_acquired))
        temps = data.temps_dc if data.temps_sequence else None  # not read is not 0 degC
        self._rewind.take_cells(index, data.cells_mv, temps, acquired_ms)
