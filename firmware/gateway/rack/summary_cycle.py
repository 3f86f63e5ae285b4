"""The summary of one rack: its blocks, read one after the other, on a fixed grid of slots."""

from __future__ import annotations

from gateway.clock import add, diff, subtract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_reads import BlockReads
    from gateway.rack.fields_bind import Block
    from gateway.rack.rack_scans import Periods


class SummaryCycle:
    """`asked`: ticks at which the summary under way was begun, the time its values count from.

    `under_way`: some of its blocks have been read, others not yet. `skipped`: slots that passed
    unused. Allocates nothing but for registers that turn out to be missing.
    """

    def __init__(
        self, blocks: tuple[Block, ...], reads: BlockReads, periods: Periods, first_due: int
    ) -> None:
        self._blocks = blocks
        self._reads = reads
        self.trial = False  # everything was missing: the block is asked for once, uncut
        self.asked = first_due
        self.skipped = 0
        self._periods = periods
        self._part = 0
        self._due = first_due
        self._begun = first_due  # of the last one, kept comparable
        self._again = False  # the last try failed

    @property
    def under_way(self) -> bool:
        """Some of it has been read, the rest not yet."""
        return self._part > 0 or self._reads.under_way(self._blocks[0])

    def late_ms(self, now: int) -> int:
        """How long it has been due; negative before. One that failed is due at once."""
        late_ms = diff(now, self._due)
        return 0 if self._again and late_ms < 0 else late_ms

    def hot_late_ms(self, now: int) -> int:
        """How long it has been due for a rack that is hot; negative before."""
        return diff(now, self._begun) - self._periods.hot_ms

    def next_block(self, now: int) -> Block:
        """The block to read now; takes the slot when it is the first one."""
        if not self.under_way:
            self.asked = now
            self._begun = now
            self._again = False
            if diff(now, self._due) >= 0:
                self._next_slot(now)
        if self._reads.empty(self._blocks[self._part]) and self._skip_missing():
            self._reads.restore(self._blocks[0])
            self.trial = True
            self._part = 0
        return self._blocks[self._part]

    def block_taken(self) -> bool:
        """A block is complete; True when it was the last one."""
        self._part += 1
        if not self._skip_missing():
            return False
        self._part = 0
        return True

    def begin_again(self, at_once: bool) -> None:
        """What was read is void: begin anew, at once or in the next slot."""
        self._reads.rewind(self._blocks[self._part])
        self._part = 0
        self._again = at_once

    def keep_grid(self, now: int) -> bool:
        """Skip the slots that passed unused; True when there was one. Call twice a period."""
        if diff(now, self._begun) > self._periods.summary_ms:
            self._begun = subtract(now, self._periods.summary_ms)
        if diff(now, self._due) < self._periods.summary_ms:
            return False
        self._next_slot(now)
        return True

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing; not while under way."""
        for block in self._blocks:
            self._reads.restore(block)
        self._part = 0
        self.trial = False

    def transfer_ms(self, link: Link) -> int:
        """How long reading all of it takes; only while nothing is under way."""
        total_ms = 0
        for block in self._blocks:
            total_ms += self._reads.transfer_ms(block, link)
        return total_ms

    def _skip_missing(self) -> bool:
        """Pass over blocks of which nothing exists; True when no other is left."""
        blocks = self._blocks
        while self._part < len(blocks) and self._reads.empty(blocks[self._part]):
            self._part += 1
        return self._part == len(blocks)

    def _next_slot(self, now: int) -> None:
        """Keep the grid: the next slot after `now`."""
        self._due = add(self._due, self._periods.summary_ms)
        while diff(now, self._due) >= 0:
            self._due = add(self._due, self._periods.summary_ms)
            self.skipped += 1
