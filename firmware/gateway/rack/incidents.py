"""What the bus side noticed and a person should know: a ring of small entries.

Written without allocation by the pollers, turned into events by telemetry.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import diff, subtract

# Codes. `value` is an address, `extra` what belongs to it.
UNIT_DOWN = 1  # no answer any more; extra: answers missed in a row
UNIT_BACK = 2
REGISTER_MISSING = 3  # value: address
WRITE_REFUSED = 4  # value: address, extra: exception code
WRITE_FAILED = 5  # value: address
IDENTITY = 6  # the text stands in the rack's data
OPEN_FORBIDDEN = 7  # value: address; the map's interlock does not let the contactor be opened

NUMBERS = 0x3FFFFFFF  # entries are counted up to this, then from 0
_FIELDS = const(4)
_MOST_WRITES = const(4)  # of one rack
_HIGHEST = const(0xFFFF)
_REPEAT_MS = const(600000)
_NEVER = const(-1)
_OF_WRITES = (WRITE_REFUSED, WRITE_FAILED, OPEN_FORBIDDEN)
_TOLD_PER_RACK = const(12)  # each of these of each write


class Incidents:
    """The last `capacity` entries (rack, code, value, extra); `count` of all that ever were."""

    def __init__(self, capacity: int = 32) -> None:
        self.capacity = capacity
        self.count = 0
        self._entries = array("H", [0] * (capacity * _FIELDS))
        # ticks at which each code was last told of each write of each rack
        self._told_at = array("i")

    def make_room(self, rack: int) -> None:
        """For what is told of the writes of `rack`; at start."""
        room = (rack + 1) * _TOLD_PER_RACK - len(self._told_at)
        if room > 0:
            self._told_at.extend(array("i", [_NEVER] * room))

    def put(self, rack: int, code: int, value: int, extra: int) -> None:
        """Note one; the oldest goes. Numbers end at 65535. Allocates nothing."""
        entries = self._entries
        at = self.count % self.capacity * _FIELDS
        entries[at] = rack
        entries[at + 1] = code
        entries[at + 2] = value
        entries[at + 3] = extra if extra < _HIGHEST else _HIGHEST
        self.count = (self.count + 1) & NUMBERS

    def put_of_write(
        self, rack: int, code: int, write: int, value: int, extra: int, now: int
    ) -> None:
        """Note one of the rack's write number `write`, unless the same was told a while ago.

        A flood of them must not push out all others. Allocates nothing.
        """
        told_at = self._told_at
        at = rack * _TOLD_PER_RACK + _OF_WRITES.index(code) * _MOST_WRITES + write
        if told_at[at] == _NEVER or diff(now, told_at[at]) >= _REPEAT_MS:
            told_at[at] = now
            self.put(rack, code, value, extra)

    def keep_comparable(self, rack: int, now: int) -> None:
        """To be called every few days at least."""
        told_at = self._told_at
        for at in range(rack * _TOLD_PER_RACK, (rack + 1) * _TOLD_PER_RACK):
            if told_at[at] != _NEVER and diff(now, told_at[at]) > _REPEAT_MS:
                told_at[at] = subtract(now, _REPEAT_MS)

    def get(self, number: int) -> tuple[int, int, int, int]:
        """Entry `number`, counted from the first one ever; only the last `capacity` are there."""
        at = number % self.capacity * _FIELDS
        entries = self._entries
        return entries[at], entries[at + 1], entries[at + 2], entries[at + 3]
