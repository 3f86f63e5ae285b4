"""One register write of one rack, repeated until its echo came or its tries are used up."""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.planned_writes import PlannedWrite

UNLIMITED = 0

_DONE = const(0)  # nothing is to be written: confirmed, or never ordered
_ORDERED = const(1)  # what was ordered last has not been sent yet; something older may be
_SENT = const(2)  # it has, and is not confirmed
_GIVEN_UP = const(3)


class WriteJob:
    """`order` makes it due; every failed try is repeated until the tries of its plan are used up.

    Counters: `confirmed` by echo, `refused` by an exception, `failed` = given up.
    """

    def __init__(self, plan: PlannedWrite) -> None:
        self.plan = plan
        self._state = _DONE
        self._left = 0
        self._due = 0
        self.confirmed = 0
        self.refused = 0
        self.failed = 0

    @property
    def address(self) -> int:
        """Its register in the map."""
        return self.plan.address

    def order(self, now: int) -> None:
        """Write from `now` on as soon as possible, with all tries; also while one is under way."""
        self._state = _ORDERED
        self._left = self.plan.tries
        self._due = now

    def insist(self) -> None:
        """Write again and again, whatever was confirmed."""
        if self._state != _SENT:
            self._state = _ORDERED

    @property
    def settled(self) -> bool:
        """The device has confirmed the last order."""
        return self._state == _DONE

    @property
    def given_up(self) -> bool:
        """All tries of the last order failed."""
        return self._state == _GIVEN_UP

    def cancel(self) -> None:
        """Nothing is to be written any more."""
        self._state = _DONE

    def is_due(self, now: int) -> bool:
        """Whether to send it now."""
        return (self._state == _ORDERED or self._state == _SENT) and diff(now, self._due) >= 0

    def sent(self, now: int) -> None:
        """Its request is on its way."""
        self._state = _SENT
        self._left -= 1
        self._due = add(now, self.plan.retry_ms)

    def echoed(self) -> None:
        """Its answer repeats the request: the device has taken it."""
        self.confirmed += 1
        if self._state == _SENT:
            self._state = _DONE

    def not_echoed(self) -> bool:
        """No answer, or a refusal; True when it is given up by that."""
        if self.plan.tries == UNLIMITED or self._left > 0 or self._state != _SENT:
            return False
        self._state = _GIVEN_UP
        self.failed += 1
        return True

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare."""
        if diff(now, self._due) > 0:
            self._due = now


class OpeningJob(WriteJob):
    """The command that opens the contactor."""

    def __init__(self, plan: PlannedWrite) -> None:
        super().__init__(plan)
        self._before = 0

    def begin(self, now: int) -> None:
        """It is wanted from now on."""
        self._before = self.confirmed
        self.order(now)

    @property
    def commands(self) -> int:
        """How often it was confirmed since it is wanted."""
        return self.confirmed - self._before


class BeatJob(WriteJob):
    """The sign of life; `value` is written next."""

    def __init__(self, plan: PlannedWrite) -> None:
        super().__init__(plan)
        self.value = 0
