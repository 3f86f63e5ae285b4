"""Which rules hold a trip, how often they tripped, and who may release them.

AUTOMATIC rules never latch. WAIT rules are released by themselves once their condition is clear,
but only a few times; then they wait for a person like OPERATOR rules. SERVICE rules want the
service key. Every byte is kept twice, the second time inverted; a difference means that the memory
is not to be trusted, and counts as tripped.
"""

from __future__ import annotations

from micropython import const

from gateway.config.rules import AUTOMATIC, LATCH, NAME, NONE, REACTIONS, RULES, SERVICE, WAIT
from gateway.protection.rules import RACK_RULES

# Who asks for a reset.
BY_OPERATOR = 0
BY_SERVICE = 1
IDENTITIES = ("the operator", "service")

# What became of it.
RELEASED = 0
NOTHING_TO_RELEASE = 1
NO_DATA = 2  # the rack does not answer, so it cannot show that it is healthy
STILL_HOLDS = 3
NEEDS_SERVICE = 4
RESET_RESULTS = (
    "released", "nothing to release", "no data", "its condition still holds", "needs service",
)  # fmt: skip

AUTOMATIC_RELEASES = 5
_LEVEL_3 = const(3)
_NONE = bytes(RACK_RULES)


class Latches:
    """Latches of the rules first .. first + count - 1; `changed` is set with every change and
    cleared by whoever keeps them on flash. Nothing here allocates.
    """

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count
        self._none = _NONE if count == len(_NONE) else bytes(count)
        self._held = bytearray(count)
        self._not_held = bytearray(b"\xff" * count)
        self._trips = bytearray(count)
        self._not_trips = bytearray(b"\xff" * count)
        self.changed = False

    @property
    def any_held(self) -> bool:
        """At least one rule holds its trip."""
        return self._held != self._none

    @property
    def sound(self) -> bool:
        """Both copies agree."""
        for index in range(self.count):
            if self._held[index] ^ self._not_held[index] != 0xFF:
                return False
            if self._trips[index] ^ self._not_trips[index] != 0xFF:
                return False
        return True

    def names(self) -> list[str]:
        """Names of the rules that hold their trip; allocates."""
        return [
            RULES[self.first + index][NAME] for index in range(self.count) if self._held[index]
        ]

    def held(self, rule: int) -> int:
        """1 while this rule holds its trip."""
        return self._held[rule - self.first]

    def trips(self, rule: int) -> int:
        """How often a WAIT rule tripped since a person released it."""
        return self._trips[rule - self.first]

    def trip(self, rule: int) -> None:
        """Level 3 of this rule has become active."""
        if RULES[rule][LATCH] == AUTOMATIC:
            return
        index = rule - self.first
        if not self._held[index] and RULES[rule][LATCH] == WAIT:
            self._set_trips(index, min(self._trips[index] + 1, AUTOMATIC_RELEASES + 1))
        self._set_held(index, 1)

    def cleared(self, rule: int) -> None:
        """Level 3 of this rule was clear for its whole clear delay."""
        index = rule - self.first
        if RULES[rule][LATCH] == WAIT and self._trips[index] <= AUTOMATIC_RELEASES:
            self._set_held(index, 0)

    def reset(self, levels: bytearray, by: int, fresh: bool) -> int:
        """Release all of them on a person's request, or none; what became of it.

        `levels` of the rules from `first` on, as the detectors have them now; `fresh`: they are
        from good data.
        """
        if not self.any_held:
            return NOTHING_TO_RELEASE
        if not fresh:
            return NO_DATA
        for index in range(self.count):
            if self._held[index] and levels[index] == _LEVEL_3:
                return STILL_HOLDS
        for index in range(self.count):
            if (
                self._held[index]
                and by != BY_SERVICE
                and (RULES[self.first + index][LATCH] == SERVICE)
            ):
                return NEEDS_SERVICE
        for index in range(self.count):
            self._set_held(index, 0)
            self._set_trips(index, 0)
        return RELEASED

    def keep(self, into: bytearray, at: int) -> None:
        """Write what must outlive a restart, 2 x count bytes, to `into` at `at`."""
        for index in range(self.count):
            into[at + index] = self._held[index]
            into[at + self.count + index] = self._trips[index]

    def restore(self, kept: bytes | bytearray, at: int) -> None:
        """Take back what `keep` wrote; a value that cannot be counts as held."""
        for index in range(self.count):
            self._set_held(index, 1 if kept[at + index] else 0)
            self._set_trips(index, min(kept[at + self.count + index], AUTOMATIC_RELEASES + 1))
        self.changed = False

    def hold_all(self) -> None:
        """Nothing is known: every rule that can latch holds, and none releases itself."""
        for index in range(self.count):
            row = RULES[self.first + index]
            if row[REACTIONS][2] != NONE and row[LATCH] != AUTOMATIC:
                self._set_held(index, 1)
                self._set_trips(index, AUTOMATIC_RELEASES + 1)

    def _set_held(self, index: int, held: int) -> None:
        if self._held[index] != held:
            self.changed = True
        self._held[index] = held
        self._not_held[index] = held ^ 0xFF

    def _set_trips(self, index: int, trips: int) -> None:
        if self._trips[index] != trips:
            self.changed = True
        self._trips[index] = trips
        self._not_trips[index] = trips ^ 0xFF
