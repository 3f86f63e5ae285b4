"""Blocks that are read in spare time, one after the other, all of them within a period."""

from __future__ import annotations

from array import array

from gateway.clock import add, diff, subtract
from gateway.rack.fields_array import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_read import BlockRead


class Scan:
    """`lateness_pm` compares scans of different periods, so that spare time is shared fairly."""

    def __init__(
        self,
        reads: tuple[BlockRead, ...],
        period_ms: int,
        now: int,
        place: int = 0,
        places: int = 1,
    ) -> None:
        """The first block is due at `place` / `places` of the time to the second one."""
        self.reads = reads
        self._period_ms = period_ms
        self._pace_ms = max(1, period_ms // max(1, len(reads)))
        self._next = 0
        self._due = add(now, self._pace_ms * place // places)
        self._begins = True  # no block of the scan that goes on has ended yet
        self._whole = True
        self.began = now  # ticks of the first question of the scan that goes on
        self._sums = array("i", [-1] * len(reads))  # of what each block held the last time

    @property
    def current(self) -> BlockRead:
        """The block that is read next."""
        return self.reads[self._next]

    def lateness_pm(self, now: int) -> int:
        """How late the next block is, in 0.1 % of the period; negative while it is not due."""
        if not self.reads or self.current.empty:
            return -1
        late_ms = diff(now, self._due)
        return late_ms if late_ms < 0 else late_ms * 1000 // self._period_ms

    def due_in_ms(self, now: int) -> int:
        """Milliseconds until the next block is due; a whole period for a scan of nothing."""
        return diff(self._due, now) if self.reads else self._period_ms

    def block_begins(self, asked: int) -> None:
        """A request for the current block goes out."""
        if self._begins and not self.current.under_way:
            self.began = asked

    def has_changed(self) -> bool:
        """Whether the current block, just read, holds anything else than the last time."""
        read = self.current
        found = checksum(read.data, read.start, 2 * read.block.count)
        before = self._sums[self._next]
        self._sums[self._next] = found
        return found != before

    def block_ended(self, now: int, good: bool) -> bool:
        """The current block was read (or cannot be); True when a whole scan is complete by it.

        A block of which nothing exists is passed over, and does not make a scan incomplete.
        """
        self._whole = good and (self._begins or self._whole)
        self._begins = False
        self._due = add(self._due, self._pace_ms)
        self.keep_comparable(now)
        complete = False
        for _ in self.reads:
            self._next += 1
            if self._next == len(self.reads):
                self._next = 0
                self._begins = True
                complete = self._whole
            if not self.current.empty:
                break
        return complete

    def keep_comparable(self, now: int) -> None:
        """Forget lateness beyond a period; to be called every few days at least."""
        if diff(now, self._due) > self._period_ms:
            self._due = subtract(now, self._period_ms)

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms that reading it takes, ms after which it is read again) of each block."""
        return [(link.transfer_ms(read.request()), self._period_ms) for read in self.reads]

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing."""
        for read in self.reads:
            if not read.whole:
                read.restore()
        self._next = 0
        self._begins = True
