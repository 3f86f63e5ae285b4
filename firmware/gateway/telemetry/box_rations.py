"""How many black boxes flash may keep, so that those of later trips never push out the first.

Two measures: a rack has four boxes and one more each hour; and those that are not delivered yet
take no more than a part of what events may have of the flash.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.telemetry.lanes import Lanes

_AT_ONCE = const(4)  # boxes of a rack; then one an hour
_HOUR_MS = const(3600000)
# Eighths of the events' share that undelivered boxes may take before another one is refused ...
_FURTHER = const(1)  # to a rack that has one of them
_FIRST = const(2)  # to any rack
# ... and beyond which one that is being written ends. The rest is for files half used.
_LARGEST = const(3)


class BoxRations:
    """For `racks` racks; NO_RACK stands for the site, which has boxes of its own.

    `lanes` are open: boxes of earlier boots that are not delivered count, too, and until they are
    counted all that was not delivered then.
    """

    def __init__(self, lanes: Lanes, racks: int, now: int) -> None:
        self._lanes = lanes
        self._site = racks
        self._left = bytearray([_AT_ONCE] * (racks + 1))
        self._undelivered = bytearray(racks + 1)  # 1: the rack has an undelivered box of this boot
        self._refill_at = add(now, _HOUR_MS)
        self._last = 0  # newest record of a box in this boot
        self._bytes = 0  # of this boot's undelivered boxes
        self._earlier = lanes.earlier_boxes

    def step(self, now: int) -> None:
        """Time passes; call it in every pass."""
        if diff(now, self._refill_at) < 0:
            return
        self._refill_at = add(now, _HOUR_MS)
        for owner in range(len(self._left)):
            self._left[owner] = min(self._left[owner] + 1, _AT_ONCE)

    def may_begin(self, rack: int) -> bool:
        """Whether a trip of this rack gets a box. Changes nothing that `begun` would have to."""
        self._forget_delivered()
        owner = min(rack, self._site)
        eighths = _FURTHER if self._undelivered[owner] else _FIRST
        has_room = self._undelivered_bytes * 8 < self._lanes.events_bytes * eighths
        return self._left[owner] > 0 and has_room

    def begun(self, rack: int) -> None:
        """It got one. Allocates nothing."""
        owner = min(rack, self._site)
        self._left[owner] -= 1
        self._undelivered[owner] = 1

    def has_room(self, payload_bytes: int) -> bool:
        """Whether a record of that payload may follow in a box."""
        self._forget_delivered()
        length = records.HEADER_BYTES + payload_bytes
        return (self._undelivered_bytes + length) * 8 <= self._lanes.events_bytes * _LARGEST

    def took(self, sequence: int, payload_bytes: int) -> None:
        """A record of a box was appended."""
        self._last = sequence
        self._bytes += records.HEADER_BYTES + payload_bytes

    @property
    def _undelivered_bytes(self) -> int:
        return self._bytes + self._earlier.bytes

    def _forget_delivered(self) -> None:
        """All at once, when the newest is delivered: events go upstream first."""
        lane = self._lanes.events
        if self._undelivered_bytes and lane.delivered >= (lane.boot, self._last):
            self._bytes = 0
            self._earlier.forget()
            for owner in range(len(self._undelivered)):
                self._undelivered[owner] = 0
