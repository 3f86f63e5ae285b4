"""The limits that are set in the BMS: read when it is known who it is, then now and then again."""

from __future__ import annotations

from micropython import const

from gateway.clock import add
from gateway.rack.scan import Scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.block_reads import BlockReads
    from gateway.rack.fields_bind import Block

PERIOD_MS = 3600000
_RETRY_MS = const(60000)  # after a reading in which a block failed
_PACE_MS = const(1000)  # between two blocks of one reading: nobody waits for them


class ThresholdScan(Scan):
    """All blocks at a slow pace, then a long pause.

    Compared by parts of its long period it comes last among the scans.
    """

    def __init__(self, blocks: tuple[Block, ...], reads: BlockReads, now: int) -> None:
        super().__init__(blocks, reads, PERIOD_MS, now)
        self._ordered = False

    def order(self, now: int) -> None:
        """Read all of them again: at once, or after the reading that is under way."""
        self._ordered = True
        if self._begins:
            self._due = now

    def block_begins(self, asked: int) -> None:
        """A request for the current block goes out."""
        if self._begins and not self._reads.under_way(self.current):
            self._ordered = False
        super().block_begins(asked)

    def block_ended(self, now: int, good: bool) -> bool:
        """The current block was read (or cannot be); True when all of them are, by it."""
        complete = super().block_ended(now, good)
        pause_ms = _PACE_MS
        if self._begins and not self._ordered:
            pause_ms = PERIOD_MS if complete else _RETRY_MS
        self._due = add(now, pause_ms)
        return complete
