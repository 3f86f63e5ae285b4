"""What goes when the flash is full: the lanes share its capacity."""

from __future__ import annotations

from micropython import const

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.telemetry.lane import Lane

_BLOCK_BYTES = const(4096)
_SPARE_BLOCKS = const(4)  # for the small files, on a flash smaller than said
_MOST_IN_VAIN = const(3)

# What dropping the oldest segment of a lane came to.
NOTHING = 0  # there is none
PREPARED = 1  # not dropped yet: flash had to be told first
DELIVERED = 2  # nothing was lost
LOST = 3


class Retention:
    """Drops oldest segments: 10 s samples first, then minutes, then events.

    Minutes still have the time of the 10 s samples that went. Events beyond their share
    `events_pm` (0.1 %) go before everything: a storm of them must not eat the samples.

    `is_full`: flash said so to the last page, of whichever lane.

    After three that were not delivered a page must have been written before another goes: a worn
    flash says "full" for ever, and what can still be read of it must not be given up for that.
    """

    def __init__(self, capacity_bytes: int, events_pm: int, segment_bytes: int) -> None:
        self._blocks = capacity_bytes // _BLOCK_BYTES
        self._events_pm = events_pm
        self._least_blocks = 2 * segment_bytes // _BLOCK_BYTES
        self._in_vain = 0  # segments lost since the last page
        self._shrunk = 0  # times since the last page
        self.is_full = False
        self.lanes: tuple[Lane, ...] = ()  # indexed by their numbers

    @property
    def events_bytes(self) -> int:
        """The events' share."""
        return self._blocks * self._events_pm // 1000 * _BLOCK_BYTES

    def has_room(self) -> bool:
        """Another page fits."""
        return self._used() < self._blocks

    def wrote(self) -> None:
        """A page was written: there was room for it."""
        self._in_vain = self._shrunk = 0
        self.is_full = False

    def drop_one(self) -> int:
        """Delete one segment, delivered or not, or write what must be on flash before.

        NOTHING when none may go. Raises OSError.
        """
        if self._in_vain >= _MOST_IN_VAIN:
            return NOTHING
        outcome = self._drop()
        self._in_vain += outcome == LOST
        return outcome

    def _drop(self) -> int:
        order = [self.lanes[number] for number in (records.FINE, records.MINUTE, records.EVENTS)]
        events = order[-1]
        if events.files.blocks() * 1000 > self._blocks * self._events_pm:
            order.insert(0, events)
        for lane in order:
            outcome = lane.disposal.drop_oldest()
            if outcome != NOTHING:
                return outcome
        return NOTHING

    def shrink(self) -> None:
        """The volume is full: it is smaller than `capacity_bytes`, if dropping helps at all."""
        if max(self._in_vain, self._shrunk) >= _MOST_IN_VAIN:
            return
        self._shrunk += 1
        self._blocks = min(self._blocks, max(self._used() - _SPARE_BLOCKS, self._least_blocks))

    def _used(self) -> int:
        return sum([lane.files.blocks() for lane in self.lanes])
