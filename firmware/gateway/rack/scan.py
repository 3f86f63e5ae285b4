"""Blocks that are read in spare time, one after the other, all of them within a period."""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import add, diff, subtract
from gateway.rack.fields_array import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_reads import BlockReads
    from gateway.rack.fields_bind import Block

# What the blocks were that have ended since the first one.
_NONE = const(0)
_GOOD = const(1)
_NOT_ALL_GOOD = const(2)


class Scan:
    """`lateness_pm` compares scans of different periods, so that spare time is shared fairly."""

    def __init__(
        self,
        blocks: tuple[Block, ...],
        reads: BlockReads,
        period_ms: int,
        now: int,
        place: int = 0,
        places: int = 1,
    ) -> None:
        """The first block is due at `place` / `places` of the time to the second one."""
        self.blocks = blocks
        self._reads = reads
        self._period_ms = period_ms
        self._next = 0
        self._due = add(now, self._pace_ms() * place // places)
        self._ended = _NONE
        self.began = now  # ticks of the first question of the scan that goes on
        self._sums = array("i", [-1] * len(blocks))  # of what each block held the last time

    @property
    def current(self) -> Block:
        """The block that is read next."""
        return self.blocks[self._next]

    @property
    def _begins(self) -> bool:
        return self._ended == _NONE

    def lateness_pm(self, now: int) -> int:
        """How late the next block is, in 0.1 % of the period; negative while it is not due."""
        if self._reads.empty(self.current):
            return -1
        late_ms = diff(now, self._due)
        return late_ms if late_ms < 0 else late_ms * 1000 // self._period_ms

    def due_in_ms(self, now: int) -> int:
        """Milliseconds until the next block is due."""
        return diff(self._due, now)

    def block_begins(self, asked: int) -> None:
        """A request for the current block goes out."""
        if self._begins and not self._reads.under_way(self.current):
            self.began = asked

    def has_changed(self, buffer: bytearray, start: int) -> bool:
        """Whether the current block, which stands there now, holds anything else than before."""
        found = checksum(buffer, start, 2 * self.current.count)
        before = self._sums[self._next]
        self._sums[self._next] = found
        return found != before

    def block_ended(self, now: int, good: bool) -> bool:
        """The current block was read (or cannot be); True when a whole scan is complete by it.

        A block of which nothing exists is passed over, and does not make a scan incomplete.
        """
        self._ended = _GOOD if good and self._ended != _NOT_ALL_GOOD else _NOT_ALL_GOOD
        self._due = add(self._due, self._pace_ms())
        self.keep_comparable(now)
        complete = False
        for _ in self.blocks:
            self._next += 1
            if self._next == len(self.blocks):
                self._next = 0
                complete = self._ended == _GOOD
                self._ended = _NONE
            if not self._reads.empty(self.current):
                break
        return complete

    def keep_comparable(self, now: int) -> None:
        """Forget lateness beyond a period; to be called every few days at least."""
        if diff(now, self._due) > self._period_ms:
            self._due = subtract(now, self._period_ms)

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms that reading it takes, ms after which it is read again) of each block."""
        return [
            (link.transfer_ms(self._reads.request(block)), self._period_ms)
            for block in self.blocks
        ]

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing."""
        for block in self.blocks:
            self._reads.restore(block)
        self._next = 0
        self._ended = _NONE

    def _pace_ms(self) -> int:
        """Between two blocks."""
        return max(1, self._period_ms // len(self.blocks))
