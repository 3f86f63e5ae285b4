"""What a rack's contactor does: whether it obeys an order to open, how its precharges end."""

from __future__ import annotations

from micropython import const

from gateway.clock import diff, subtract
from gateway.rack.data import ABSENT, CONTACTOR_CLOSED, CONTACTOR_OPEN

_PRECHARGING = const(2)
_LONGEST_TRY_MS = const(15000)  # a precharge that takes longer has failed
_FORGET_MS = const(60000)  # without another try
_LONGEST_MS = const(1 << 20)
_MOST_TRIES = const(100)


class ContactorWatch:
    """One rack's; pure but for what it remembers, allocates nothing. `ordered`: to open."""

    def __init__(self) -> None:
        self.ordered = False
        self._ordered_at = 0
        self._state = ABSENT
        self._flowing = False
        self._taken = 0  # summaries since the order
        self._odd = False  # a current through an open contactor
        self._odd_since = 0
        self._tries = 0
        self._trying = False
        self._try_since = 0

    def is_counting(self) -> bool:
        """Time alone may change what it tells, without an order or a fresh summary."""
        return self.ordered or self._odd or self._trying or self._tries > 0

    def order(self, ordered: bool, now: int) -> None:
        """The contactor was ordered open (register or trip relay), or no longer is."""
        if ordered and not self.ordered:
            self._ordered_at = now
            self._taken = 0
        self.ordered = ordered

    def take(self, state: int, flowing: bool) -> None:
        """A fresh summary: contactor state, and whether a current flows that is not rest."""
        self._state = state
        self._flowing = flowing
        self._taken += 1

    def mismatch_ms(self, fresh: bool, now: int) -> int:
        """How long it has not done what it should; ABSENT while the data cannot tell."""
        if not self.ordered:
            odd_ms = self._odd_ms(now)
            return odd_ms if fresh else ABSENT
        self._ordered_at = _comparable(self._ordered_at, now)
        if not fresh or self._taken < 2:  # the first may have been measured before the order
            return ABSENT
        if not self._flowing and self._state != CONTACTOR_CLOSED:
            self._ordered_at = now
        return diff(now, self._ordered_at)

    def failed_tries(self, fresh: bool, now: int) -> int:
        """Precharges in a row that did not end in a closed contactor."""
        self._try_since = _comparable(self._try_since, now)
        if not fresh:
            return self._tries
        trying = self._state == _PRECHARGING
        if trying and not self._trying:
            self._try_since = now
        over = not trying or diff(now, self._try_since) > _LONGEST_TRY_MS
        if self._trying and over and self._state != CONTACTOR_CLOSED:
            self._tries = min(self._tries + 1, _MOST_TRIES)
            self._try_since = now
        self._trying = trying
        if self._state == CONTACTOR_CLOSED or (
            not trying and diff(now, self._try_since) > _FORGET_MS
        ):
            self._tries = 0
        return self._tries

    def _odd_ms(self, now: int) -> int:
        """A current through a contactor that reads open, since when."""
        self._odd_since = _comparable(self._odd_since, now)
        odd = self._state == CONTACTOR_OPEN and self._flowing
        if not odd or not self._odd:
            self._odd_since = now
        self._odd = odd
        return diff(now, self._odd_since)


def _comparable(ticks: int, now: int) -> int:
    """Not so old that it no longer compares with now."""
    return subtract(now, _LONGEST_MS) if diff(now, ticks) > _LONGEST_MS else ticks
