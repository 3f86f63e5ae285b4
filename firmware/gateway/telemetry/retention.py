"""What goes when the flash is full: the lanes share its capacity."""

from __future__ import annotations

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.telemetry.lane import Lane

_BLOCK_BYTES = 4096
_SPARE_BLOCKS = 4  # for the small files, on a flash smaller than said
_MOST_IN_VAIN = 3


class Retention:
    """Drops oldest segments: 10 s samples first, then minutes, then events.

    Minutes still have the time of the 10 s samples that went. Events beyond their share
    `events_pm` (0.1 %) go before everything: a storm of them must not eat the samples.

    After three of them a page must have been written before another goes: a worn flash says "full"
    for ever, and what can still be read of it must not be given up for that.
    """

    def __init__(self, capacity_bytes: int, events_pm: int, segment_bytes: int) -> None:
        self._blocks = capacity_bytes // _BLOCK_BYTES
        self._events_pm = events_pm
        self._least_blocks = 2 * segment_bytes // _BLOCK_BYTES
        self._in_vain = 0  # segments dropped since the last page
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
        self._in_vain = 0

    def drop_one(self) -> bool:
        """Delete one segment, delivered or not; False when none may go. Raises OSError."""
        if self._in_vain >= _MOST_IN_VAIN or not self._drop():
            return False
        self._in_vain += 1
        return True

    def _drop(self) -> bool:
        events = self.lanes[records.EVENTS]
        if events.files.blocks() * 1000 > self._blocks * self._events_pm and events.drop_oldest():
            return True
        for number in (records.FINE, records.MINUTE, records.EVENTS):
            if self.lanes[number].drop_oldest():
                return True
        return False

    def shrink(self) -> None:
        """The volume is full: it is smaller than `capacity_bytes`, if dropping helps at all."""
        if self._in_vain >= _MOST_IN_VAIN:
            return
        self._blocks = min(self._blocks, max(self._used() - _SPARE_BLOCKS, self._least_blocks))

    def _used(self) -> int:
        return sum([lane.files.blocks() for lane in self.lanes])
