"""When registers that a device turned out to lack are asked for again."""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff

# Where the rack cannot be served without them after 2 s, then after twice as long each time: many
# a BMS does not know its registers while it starts.
_USUAL_MS = const(3600000)
_VITAL_MS = const(2000)
_VITAL_LONGEST_MS = const(256000)


class RestoreTime:
    """`wanted`: at the next opportunity. Allocates nothing."""

    def __init__(self, now: int) -> None:
        self.wanted = False
        self._due = add(now, _USUAL_MS)
        self._pause_ms = _VITAL_MS

    def is_due(self, now: int) -> bool:
        """Whether to ask for everything now."""
        return self.wanted or diff(now, self._due) >= 0

    def done(self, now: int) -> None:
        """It is being asked for."""
        self.wanted = False
        self._due = add(now, _USUAL_MS)

    def vital_missing(self, now: int) -> None:
        """The rack cannot be served: earlier than usual, unless that is under way already."""
        if diff(self._due, now) > self._pause_ms:
            self._due = add(now, self._pause_ms)
            self._pause_ms = min(2 * self._pause_ms, _VITAL_LONGEST_MS)

    def served(self) -> None:
        """Nothing vital is missing: begin with short pauses the next time."""
        self._pause_ms = _VITAL_MS
