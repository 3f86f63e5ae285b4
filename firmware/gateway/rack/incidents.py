"""What the bus side noticed and a person should know: a ring of small entries.

Written without allocation by the pollers, turned into events by telemetry.
"""

from __future__ import annotations

from array import array

# Codes. `value` is an address, `extra` what belongs to it.
UNIT_DOWN = 1  # no answer any more; extra: answers missed in a row
UNIT_BACK = 2
REGISTER_MISSING = 3  # value: address
WRITE_REFUSED = 4  # value: address, extra: exception code
WRITE_FAILED = 5  # value: address
IDENTITY = 6  # the text stands in the rack's data

NUMBERS = 0x3FFFFFFF  # entries are counted up to this, then from 0
_FIELDS = 4


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
