"""What the bus side noticed and a person should know: a ring of small entries.

Written without allocation by the pollers, turned into events by telemetry.
"""

from __future__ import annotations

from array import array

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
_FIELDS = 4
_REPEAT_MS = 600000


class Repeats:
    """One of many equal incidents in a while: a flood of them must not push out all others."""

    def __init__(self) -> None:
        self._told = False
        self._told_at = 0

    def is_news(self, now: int) -> bool:
        """Whether to tell it now: the first time, then after ten minutes. Allocates nothing."""
        if self._told and diff(now, self._told_at) < _REPEAT_MS:
            return False
        self._told = True
        self._told_at = now
        return True

    def keep_comparable(self, now: int) -> None:
        """To be called every few days at least."""
        if diff(now, self._told_at) > _REPEAT_MS:
            self._told_at = subtract(now, _REPEAT_MS)


class Incidents:
    """The last `capacity` entries (rack, code, value, extra); `count` of all that ever were."""

    def __init__(self, capacity: int = 32) -> None:
        self.capacity = capacity
        self.count = 0
        self._entries = array("i", [0] * (capacity * _FIELDS))

    def put(self, rack: int, code: int, value: int, extra: int) -> None:
        """Note one; the oldest goes. Allocates nothing."""
        entries = self._entries
        at = self.count % self.capacity * _FIELDS
        entries[at] = rack
        entries[at + 1] = code
        entries[at + 2] = value
        entries[at + 3] = extra
        self.count = (self.count + 1) & NUMBERS

    def get(self, number: int) -> tuple[int, int, int, int]:
        """Entry `number`, counted from the first one ever; only the last `capacity` are there."""
        at = number % self.capacity * _FIELDS
        entries = self._entries
        return entries[at], entries[at + 1], entries[at + 2], entries[at + 3]
