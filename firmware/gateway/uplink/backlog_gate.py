"""When a backlog of samples may go: not at once after a connect, and not faster than is fair."""

from __future__ import annotations

from gateway.backoff import jitter_ms
from gateway.clock import add, diff
from gateway.uplink.token_bucket import TokenBucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.backoff import Random
    from gateway.clock import Clock
    from gateway.uplink.settings import UplinkSettings

# Why it is closed.
DELAY = "delay"
RATE = "rate"


class BacklogGate:
    """Opens at a random time within `backlog_delay_ms` of a connect, for as much as
    `TokenBucket` lets through. A fleet that lost its broker does not fall upon it at the same
    moment, and live data keeps its place on a thin link.
    """

    def __init__(self, settings: UplinkSettings, clock: Clock, random: Random) -> None:
        self._delay_ms = settings.backlog_delay_ms
        self._clock = clock
        self._random = random
        self._bucket = TokenBucket(settings.backlog_factor, clock)
        self._opens: int | None = None  # ticks; None = it is open
        self.waiting = ""  # DELAY, RATE or nothing

    def connected(self) -> None:
        """A session has begun.

        A wait under way goes on: on a link that never lasts as long, a new one each time would
        keep the backlog here for ever.
        """
        self._bucket.begin()
        if self._opens is None and self._delay_ms:
            self._opens = add(self._clock.ticks(), jitter_ms(self._delay_ms, self._random))

    def watch(self, inflow_bytes: int) -> None:
        """So many bytes were appended or sent live since start; call it several times a second."""
        self._bucket.watch(inflow_bytes)

    def is_open(self) -> bool:
        """A message may go now; `waiting` says why not."""
        self.waiting = ""
        if self._opens is not None:
            if 0 < diff(self._opens, self._clock.ticks()) <= self._delay_ms:
                self.waiting = DELAY
                return False
            self._opens = None
        if not self._bucket.may_send():
            self.waiting = RATE
            return False
        return True

    def passed(self, length: int) -> None:
        """A message of so many bytes went through."""
        self._bucket.spend(length)
