"""The limits that are set in the BMS: read when it is known who it is, then now and then again."""

from __future__ import annotations

from micropython import const

from gateway.clock import add
from gateway.rack.scan import Scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.rack_scans import RackScans

PERIOD_MS = 3600000
_RETRY_MS = const(60000)  # after a reading in which a block failed
_PACE_MS = const(1000)  # between two blocks of one reading: nobody waits for them


class ThresholdScan(Scan):
    """All blocks at a slow pace, then a long pause.

    Compared by parts of its long period it comes last among the scans.
    """

    def period_ms(self, rack: RackScans) -> int:
        """The same for all."""
        return PERIOD_MS

    def order(self, rack: RackScans, now: int) -> None:
        """Read all of them again: at once, or after the reading that is under way."""
        rack.ordered = True
        if self.begins(rack):
            self.set_due(rack, now)

    def block_begins(self, rack: RackScans, asked: int) -> None:
        """A request for the current block goes out."""
        if self.begins(rack) and not rack.reads.under_way(self.current(rack)):
            rack.ordered = False
        super().block_begins(rack, asked)

    def block_ended(self, rack: RackScans, now: int, good: bool) -> bool:
        """The current block was read (or cannot be); True when all of them are, by it."""
        complete = super().block_ended(rack, now, good)
        pause_ms = _PACE_MS
        if self.begins(rack) and not rack.ordered:
            pause_ms = PERIOD_MS if complete else _RETRY_MS
        self.set_due(rack, add(now, pause_ms))
        return complete
