"""Blocks that are read in spare time, one after the other, all of them within a period."""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff, subtract
from gateway.rack.fields_array import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.fields_bind import Block
    from gateway.rack.rack_scans import RackScans

# What the state of a rack holds of each scan.
_NEXT = const(0)  # block to be read
_DUE = const(1)
_ENDED = const(2)  # what the blocks were that have ended since the first one
_BEGAN = const(3)  # ticks of the first question of the scan that goes on
_SUMS = const(4)  # of what each block held the last time

# What the ended blocks were.
_NONE = const(0)
_GOOD = const(1)
_NOT_ALL_GOOD = const(2)


class Scan:
    """`lateness_pm` compares scans of different periods, so that spare time is shared fairly.

    One object serves all racks of a map: `rack` says how far each is, see RackScans; its numbers
    stand from `at` to `end` of its state.
    """

    def __init__(self, blocks: tuple[Block, ...], at: int) -> None:
        self.blocks = blocks
        self.kind = blocks[0].poll
        self.end = at + _SUMS + len(blocks)
        self._at = at

    def period_ms(self, rack: RackScans) -> int:
        """In which all blocks are read."""
        return rack.periods.of[self.kind]

    def start(self, rack: RackScans, now: int, place: int, places: int) -> None:
        """The first block is due at `place` / `places` of the time to the second one."""
        state, at = rack.state, self._at
        state[at + _NEXT] = 0
        state[at + _DUE] = add(now, self._pace_ms(rack) * place // places)
        state[at + _ENDED] = _NONE
        state[at + _BEGAN] = now

    def current(self, rack: RackScans) -> Block:
        """The block that is read next."""
        return self.blocks[rack.state[self._at + _NEXT]]

    def began(self, rack: RackScans) -> int:
        """Ticks of the first question of the scan that goes on, or has just ended."""
        return rack.state[self._at + _BEGAN]

    def begins(self, rack: RackScans) -> bool:
        """No block of the scan that goes on has ended yet."""
        return rack.state[self._at + _ENDED] == _NONE

    def lateness_pm(self, rack: RackScans, now: int) -> int:
        """How late the next block is, in 0.1 % of the period; negative while it is not due."""
        if rack.reads.empty(self.current(rack)):
            return -1
        late_ms = diff(now, rack.state[self._at + _DUE])
        return late_ms if late_ms < 0 else late_ms * 1000 // self.period_ms(rack)

    def due_in_ms(self, rack: RackScans, now: int) -> int:
        """Milliseconds until the next block is due."""
        return diff(rack.state[self._at + _DUE], now)

    def set_due(self, rack: RackScans, ticks: int) -> None:
        """When the next block is due."""
        rack.state[self._at + _DUE] = ticks

    def block_begins(self, rack: RackScans, asked: int) -> None:
        """A request for the current block goes out."""
        if self.begins(rack) and not rack.reads.under_way(self.current(rack)):
            rack.state[self._at + _BEGAN] = asked

    def has_changed(self, rack: RackScans, buffer: bytearray, start: int) -> bool:
        """Whether the current block, which stands there now, holds anything else than before."""
        state, at = rack.state, self._at
        at_sum = at + _SUMS + state[at + _NEXT]
        found = checksum(buffer, start, 2 * self.current(rack).count)
        before = state[at_sum]
        state[at_sum] = found
        return found != before

    def block_ended(self, rack: RackScans, now: int, good: bool) -> bool:
        """The current block was read (or cannot be); True when a whole scan is complete by it.

        A block of which nothing exists is passed over, and does not make a scan incomplete.
        """
        state, at = rack.state, self._at
        all_good = good and state[at + _ENDED] != _NOT_ALL_GOOD
        state[at + _ENDED] = _GOOD if all_good else _NOT_ALL_GOOD
        state[at + _DUE] = add(state[at + _DUE], self._pace_ms(rack))
        self.keep_comparable(rack, now)
        complete = False
        for _ in self.blocks:
            state[at + _NEXT] += 1
            if state[at + _NEXT] == len(self.blocks):
                state[at + _NEXT] = 0
                state[at + _ENDED] = _NONE
                complete = all_good
            if not rack.reads.empty(self.current(rack)):
                break
        return complete

    def keep_comparable(self, rack: RackScans, now: int) -> None:
        """Forget lateness beyond a period; to be called every few days at least."""
        state, at_due = rack.state, self._at + _DUE
        period_ms = self.period_ms(rack)
        if diff(now, state[at_due]) > period_ms:
            state[at_due] = subtract(now, period_ms)

    def exchanges(self, rack: RackScans, link: Link) -> list[tuple[int, int]]:
        """(ms that reading it takes, ms after which it is read again) of each block."""
        period_ms = self.period_ms(rack)
        return [(link.transfer_ms(rack.reads.request(block)), period_ms) for block in self.blocks]

    def restore(self, rack: RackScans) -> None:
        """Ask for every register again, also for those that were missing."""
        for block in self.blocks:
            rack.reads.restore(block)
        rack.state[self._at + _NEXT] = 0
        rack.state[self._at + _ENDED] = _NONE

    def _pace_ms(self, rack: RackScans) -> int:
        """Between two blocks."""
        return max(1, self.period_ms(rack) // len(self.blocks))
