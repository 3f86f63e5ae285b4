"""One register write of a map, repeated until its echo came or its tries are used up."""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import add, diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableSequence

    from gateway.rack.writes import Heartbeat, LimitWrite, Write

UNLIMITED = 0

# What a rack's state holds of each job.
_PHASE = const(0)
_LEFT = const(1)  # tries
_DUE = const(2)
_CONFIRMED = const(3)
_REFUSED = const(4)
_FAILED = const(5)
_NOTE = const(6)
_FIELDS = const(7)

# Phases.
_DONE = const(0)  # nothing is to be written: confirmed, or never ordered
_ORDERED = const(1)  # what was ordered last has not been sent yet; something older may be
_SENT = const(2)  # it has, and is not confirmed
_GIVEN_UP = const(3)


class WriteJob:
    """`values` to registers from `address` on, tried `tries` times, `retry_ms` apart.

    `number` among the jobs of a rack. `limits`: for which of the `values` (direction, limit) is to
    be encoded anew for each request. `fixed`: it does not move with the position of the rack.

    One object serves all racks of a map: `state`, see `new_state`, is how far each rack is.
    """

    def __init__(
        self,
        number: int,
        write: Write | Heartbeat | LimitWrite,
        values: MutableSequence[int],
        tries: int,
        retry_ms: int,
    ) -> None:
        self.number = number
        self.function = write.function
        self.address = write.address
        self.fixed = bool(write.fixed)
        self.values = values
        self.limits: tuple[tuple[int, LimitWrite], ...] = ()
        self._tries = tries
        self._retry_ms = retry_ms
        self._at = number * _FIELDS

    def order(self, state: array[int], now: int) -> None:
        """Write from `now` on as soon as possible, with all tries; also while one is under way."""
        at = self._at
        state[at + _PHASE] = _ORDERED
        state[at + _LEFT] = self._tries
        state[at + _DUE] = now

    def insist(self, state: array[int]) -> None:
        """Write again and again, whatever was confirmed."""
        if state[self._at + _PHASE] != _SENT:
            state[self._at + _PHASE] = _ORDERED

    def cancel(self, state: array[int]) -> None:
        """Nothing is to be written any more."""
        state[self._at + _PHASE] = _DONE

    def settled(self, state: array[int]) -> bool:
        """The device has confirmed the last order."""
        return state[self._at + _PHASE] == _DONE

    def given_up(self, state: array[int]) -> bool:
        """All tries of the last order failed."""
        return state[self._at + _PHASE] == _GIVEN_UP

    def is_due(self, state: array[int], now: int) -> bool:
        """Whether to send it now."""
        at = self._at
        return state[at + _PHASE] in (_ORDERED, _SENT) and diff(now, state[at + _DUE]) >= 0

    def sent(self, state: array[int], now: int) -> None:
        """Its request is on its way."""
        at = self._at
        state[at + _PHASE] = _SENT
        state[at + _LEFT] -= 1
        state[at + _DUE] = add(now, self._retry_ms)

    def echoed(self, state: array[int]) -> None:
        """Its answer repeats the request: the device has taken it."""
        at = self._at
        state[at + _CONFIRMED] += 1
        if state[at + _PHASE] == _SENT:
            state[at + _PHASE] = _DONE

    def refused(self, state: array[int]) -> None:
        """Its answer was an exception; `not_echoed` follows."""
        state[self._at + _REFUSED] += 1

    def not_echoed(self, state: array[int]) -> bool:
        """No answer, or a refusal; True when it is given up by that."""
        at = self._at
        if self._tries == UNLIMITED or state[at + _LEFT] > 0 or state[at + _PHASE] != _SENT:
            return False
        state[at + _PHASE] = _GIVEN_UP
        state[at + _FAILED] += 1
        return True

    def note(self, state: array[int], number: int) -> None:
        """Keep a number for its owner."""
        state[self._at + _NOTE] = number

    def noted(self, state: array[int]) -> int:
        """The number kept; 0 at first."""
        return state[self._at + _NOTE]

    def confirmed(self, state: array[int]) -> int:
        """Echoes so far."""
        return state[self._at + _CONFIRMED]

    def keep_comparable(self, state: array[int], now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare."""
        at = self._at + _DUE
        if diff(now, state[at]) > 0:
            state[at] = now

    def counts(self, state: array[int]) -> Counts:
        """What became of it, to be looked at."""
        return Counts(self.address, state, self._at)


class Counts:
    """So often a write to `address` was confirmed by echo, refused by an exception, given up."""

    def __init__(self, address: int, state: array[int], at: int) -> None:
        self.address = address
        self._state = state
        self._at = at

    @property
    def confirmed(self) -> int:
        """By its echo."""
        return self._state[self._at + _CONFIRMED]

    @property
    def refused(self) -> int:
        """By an exception."""
        return self._state[self._at + _REFUSED]

    @property
    def failed(self) -> int:
        """Given up."""
        return self._state[self._at + _FAILED]


def new_state(jobs: int) -> array[int]:
    """Of one rack with so many jobs: none is ordered."""
    return array("i", [0] * (jobs * _FIELDS))
