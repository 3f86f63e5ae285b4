"""Which rules hold a trip, how often they tripped, and who may release them.

AUTOMATIC rules never latch. WAIT rules are released by themselves once their condition is clear,
but only a few times; then they wait for a person like OPERATOR rules. SERVICE rules want the
service key. Every byte is kept twice, the second time inverted; a difference means that the memory
is not to be trusted, and counts as tripped.
"""

from __future__ import annotations

from micropython import const

from gateway.config.rules import AUTOMATIC, LATCH, NAME, NONE, REACTIONS, RULES, SERVICE, WAIT

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
_HELD_SHIFT = const(7)  # of a mark
_TRIPS = const(0x7F)


class Latches:
    """Latches of the rules first .. first + count - 1; `changed` is set with every change and
    cleared by whoever keeps them on flash. Nothing here allocates.
    """

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count
        self._marks = bytearray(count)  # whether it is held, how often it tripped
        self._copies = bytearray(b"\xff" * count)  # the same inverted
        self._holding = 0  # how many hold
        self.changed = False

    @property
    def any_held(self) -> bool:
        """At least one rule holds its trip."""
        return self._holding != 0

    @property
    def sound(self) -> bool:
        """Both copies agree."""
        holding = 0
        for index in range(self.count):
            mark = self._marks[index]
            if mark ^ self._copies[index] != 0xFF:
                return False
            holding += mark >> _HELD_SHIFT
        return holding == self._holding

    def names(self) -> list[str]:
        """Names of the rules that hold their trip; allocates."""
        return [
            RULES[rule][NAME]
            for rule in range(self.first, self.first + self.count)
            if self.held(rule)
        ]

    def held(self, rule: int) -> int:
        """1 while this rule holds its trip."""
        return self._marks[rule - self.first] >> _HELD_SHIFT

    def trips(self, rule: int) -> int:
        """How often a WAIT rule tripped since a person released it."""
        return self._marks[rule - self.first] & _TRIPS

    def trip(self, rule: int) -> None:
        """Level 3 of this rule has become active."""
        if RULES[rule][LATCH] == AUTOMATIC:
            return
        trips = self.trips(rule)
        if not self.held(rule) and RULES[rule][LATCH] == WAIT:
            trips = min(trips + 1, AUTOMATIC_RELEASES + 1)
        self._set(rule - self.first, 1, trips)

    def cleared(self, rule: int) -> None:
        """Level 3 of this rule was clear for its whole clear delay."""
        trips = self.trips(rule)
        if RULES[rule][LATCH] == WAIT and trips <= AUTOMATIC_RELEASES:
            self._set(rule - self.first, 0, trips)

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
            if self.held(self.first + index) and levels[index] == _LEVEL_3:
                return STILL_HOLDS
        for rule in range(self.first, self.first + self.count):
            if self.held(rule) and by != BY_SERVICE and RULES[rule][LATCH] == SERVICE:
                return NEEDS_SERVICE
        for index in range(self.count):
            self._set(index, 0, 0)
        return RELEASED

    def keep(self, into: bytearray, at: int) -> None:
        """Write what must outlive a restart, 2 x count bytes, to `into` at `at`."""
        for index in range(self.count):
            into[at + index] = self.held(self.first + index)
            into[at + self.count + index] = self.trips(self.first + index)

    def restore(self, kept: bytes | bytearray, at: int) -> None:
        """Take back what `keep` wrote; a value that cannot be counts as held."""
        for index in range(self.count):
            trips = min(kept[at + self.count + index], AUTOMATIC_RELEASES + 1)
            self._set(index, 1 if kept[at + index] else 0, trips)
        self.changed = False

    def hold_all(self) -> None:
        """Nothing is known: every rule that can latch holds, and none releases itself."""
        for index in range(self.count):
            row = RULES[self.first + index]
            if row[REACTIONS][2] != NONE and row[LATCH] != AUTOMATIC:
                self._set(index, 1, AUTOMATIC_RELEASES + 1)

    def _set(self, index: int, held: int, trips: int) -> None:
        before = self._marks[index]
        mark = held << _HELD_SHIFT | trips
        if mark != before:
            self.changed = True
        self._holding += held - (before >> _HELD_SHIFT)
        self._marks[index] = mark
        self._copies[index] = mark ^ 0xFF
