"""The summary of one rack: its blocks, read one after the other, on a fixed grid of slots."""

from __future__ import annotations

from gateway.clock import add, diff, subtract
from gateway.rack.block_read import BlockRead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.register_map import RegisterMap


class SummaryCycle:
    """`asked`: ticks at which the summary under way was begun, the time its values count from.

    `under_way`: some of its blocks have been read, others not yet. `skipped`: slots that passed
    unused. Allocates nothing but for registers that turn out to be missing.
    """

    def __init__(
        self, register_map: RegisterMap, address: UnitAddress, period_ms: int, first_due: int
    ) -> None:
        self.reads = tuple([BlockRead(block, address) for block in register_map.summary])
        self.trial = False  # everything was missing: the block is asked for once, uncut
        self.asked = first_due
        self.skipped = 0
        self._period_ms = period_ms
        self._part = 0
        self._due = first_due
        self._begun = first_due  # of the last one, kept comparable
        self._again = False  # the last try failed

    @property
    def under_way(self) -> bool:
        """Some of it has been read, the rest not yet."""
        return self._part > 0 or self.reads[0].under_way

    def late_ms(self, now: int) -> int:
        """How long it has been due; negative before. One that failed is due at once."""
        late_ms = diff(now, self._due)
        return 0 if self._again and late_ms < 0 else late_ms

    def since_begun_ms(self, now: int) -> int:
        """Milliseconds since one was begun; stops at a period."""
        return diff(now, self._begun)

    def next_read(self, now: int) -> BlockRead:
        """The block to read now; takes the slot when it is the first one."""
        if not self.under_way:
            self.asked = now
            self._begun = now
            self._again = False
            if diff(now, self._due) >= 0:
                self._next_slot(now)
        if self.reads[self._part].empty and self._skip_missing():
            self.reads[0].restore()
            self.trial = True
            self._part = 0
        return self.reads[self._part]

    def block_taken(self) -> bool:
        """A block is complete; True when it was the last one."""
        self._part += 1
        if not self._skip_missing():
            return False
        self._part = 0
        return True

    def begin_again(self, at_once: bool) -> None:
        """What was read is void: begin anew, at once or in the next slot."""
        self.reads[self._part].rewind()
        self._part = 0
        self._again = at_once

    def keep_grid(self, now: int) -> bool:
        """Skip the slots that passed unused; True when there was one. Call twice a period."""
        if diff(now, self._begun) > self._period_ms:
            self._begun = subtract(now, self._period_ms)
        if diff(now, self._due) < self._period_ms:
            return False
        self._next_slot(now)
        return True

    def restore(self) -> None:
        """Ask for every register again, also for those that were missing; not while under way."""
        for read in self.reads:
            if not read.whole:
                read.restore()
        self._part = 0
        self.trial = False

    def transfer_ms(self, link: Link) -> int:
        """How long reading all of it takes; only while nothing is under way."""
        total_ms = 0
        for read in self.reads:
            total_ms += read.transfer_ms(link)
        return total_ms

    def _skip_missing(self) -> bool:
        """Pass over blocks of which nothing exists; True when no other is left."""
        while self._part < len(self.reads) and self.reads[self._part].empty:
            self._part += 1
        return self._part == len(self.reads)

    def _next_slot(self, now: int) -> None:
        """Keep the grid: the next slot after `now`."""
        self._due = add(self._due, self._period_ms)
        while diff(now, self._due) >= 0:
            self._due = add(self._due, self._period_ms)
            self.skipped += 1
