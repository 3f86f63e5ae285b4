"""What protection decided, for whoever keeps records: a bounded ring that never waits.

Written in the enforcing step without allocation, drained later by another task. When nobody drains
it the oldest entries are lost and counted; protection does not notice.
"""

from __future__ import annotations

from array import array

from micropython import const

UNKNOWN = -1
_FIELDS = const(4)  # rack, rule, level, active


class Changes:
    """Ring of level changes: (rack, rule, level 1..3, 1 set or 0 cleared, value)."""

    def __init__(self, capacity: int = 64) -> None:
        self._capacity = capacity
        self._entries = bytearray(capacity * _FIELDS)
        self._values = array("i", [0] * capacity)
        self._counted_ms = array("i", [0] * capacity)
        self._written = 0
        self._read = 0
        self.lost = 0

    def put(
        self, rack: int, rule: int, level: int, active: int, value: int, counted_ms: int = 0
    ) -> None:
        """Append one change; `counted_ms`: bad time before a level is set. Allocates nothing."""
        entries = self._entries
        place = self._written % self._capacity
        base = place * _FIELDS
        entries[base] = rack
        entries[base + 1] = rule
        entries[base + 2] = level
        entries[base + 3] = active
        self._values[place] = value
        self._counted_ms[place] = counted_ms
        self._written += 1

    def take(self) -> tuple[int, ...] | None:
        """The oldest change not yet taken, or None."""
        behind = self._written - self._read - self._capacity
        if behind > 0:
            self.lost += behind
            self._read += behind
        if self._read == self._written:
            return None
        place = self._read % self._capacity
        base = place * _FIELDS
        self._read += 1
        return tuple(self._entries[base : base + _FIELDS]) + (self._values[place],)

    def counted_ms(self, rack: int, rule: int, level: int) -> int:
        """Bad time that was counted before this level was set the last time; UNKNOWN when so much
        has changed since that nobody knows any more.
        """
        for back in range(1, min(self._written, self._capacity) + 1):
            place = (self._written - back) % self._capacity
            base = place * _FIELDS
            if tuple(self._entries[base : base + _FIELDS]) == (rack, rule, level, 1):
                return self._counted_ms[place]
        return UNKNOWN
