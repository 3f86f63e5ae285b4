"""One register write, repeated until its echo came or its tries are used up."""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.rack.incidents import Repeats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request

UNLIMITED = 0


class WriteJob:
    """`order` makes it due; every failed try is repeated after `retry_ms`, `tries` times at most.

    Counters: `confirmed` by echo, `refused` by an exception, `failed` = given up. `refusals` and
    `failures` say which of them to tell.
    """

    def __init__(self, request: Request, address: int, tries: int, retry_ms: int) -> None:
        self.request = request
        self.address = address
        self._tries = tries
        self._retry_ms = retry_ms
        self._left = 0
        self._due = 0
        self._orders = 0
        self._sent_order = 0
        self._echoed_order = 0
        self.pending = False
        self.confirmed = 0
        self.refused = 0
        self.failed = 0
        self.refusals = Repeats()
        self.failures = Repeats()

    def order(self, now: int) -> None:
        """Write from `now` on as soon as possible, with all tries; also while one is under way."""
        self._orders += 1
        self._left = self._tries
        self._due = now
        self.pending = True

    @property
    def settled(self) -> bool:
        """The device has confirmed the last order."""
        return self._echoed_order == self._orders

    def cancel(self) -> None:
        """Nothing is to be written any more."""
        self.pending = False

    def is_due(self, now: int) -> bool:
        """Whether to send `request` now."""
        return self.pending and diff(now, self._due) >= 0

    def sent(self, now: int) -> None:
        """`request` is on its way."""
        self._sent_order = self._orders
        self._left -= 1
        self._due = add(now, self._retry_ms)

    def echoed(self) -> None:
        """Its answer repeats the request: the device has taken it."""
        self.confirmed += 1
        self._echoed_order = self._sent_order
        if self._sent_order == self._orders:
            self.pending = False

    def not_echoed(self) -> bool:
        """No answer, or a refusal; True when it is given up by that."""
        if self._tries == UNLIMITED or self._left > 0 or self._sent_order != self._orders:
            return False
        self.pending = False
        self.failed += 1
        return True

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now: ticks more than 6 days apart do not compare."""
        if diff(now, self._due) > 0:
            self._due = now
        self.refusals.keep_comparable(now)
        self.failures.keep_comparable(now)
