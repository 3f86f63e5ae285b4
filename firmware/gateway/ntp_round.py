"""One round of questions to a time server, two seconds apart, without ever waiting.

Of the answers the one that took the shortest way counts, since what a packet waits on the way is
the error that it brings.
"""

from __future__ import annotations

import struct

from micropython import const

from gateway.clock import diff
from gateway.ntp import PACKET_BYTES, PORT, Answer, put_question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.contracts import Datagram, Random

_QUESTIONS = const(4)
_FEWEST_ANSWERS = const(2)
_PAUSE_MS = const(2000)  # from one answer to the next question, as RFC 4330 asks for
_WAIT_MS = const(1500)  # for an answer
_LISTEN_MS = const(5)  # how often it is looked for: what comes between two looks counts as delay
_SPREAD_MS = const(1000)  # the answers may differ by it

_IDLE = const(0)
_PAUSE = const(1)
_WAIT = const(2)


class NtpRound:
    """`begin`, then `step` while `busy`. Then `good` tells whether the round has a result:
    `utc_at_start_ms` (of uptime 0), `delay_ms`, `stratum`; or the `reason` why not, with `kiss`
    when the server wants to be left alone.
    """

    def __init__(
        self,
        clock: Clock,
        datagram: Callable[[str, int], Datagram],
        random: Random,
        host: str,
        port: int = PORT,
    ) -> None:
        self._clock = clock
        self._datagram = datagram
        self._random = random
        self._host = host
        self._port = port
        self._socket: Datagram | None = None
        self._question = bytearray(PACKET_BYTES)
        self._packet = bytearray(PACKET_BYTES)
        self._cookie = b""
        self._answer = Answer()
        self._state = _IDLE
        self._since = clock.ticks()
        self._asked = 0
        self._found: list[tuple[int, int]] = []  # (delay, UTC of uptime 0)
        self.good = False
        self.utc_at_start_ms = 0
        self.delay_ms = 0
        self.stratum = 0
        self.kiss = ""
        self.reason = ""

    @property
    def busy(self) -> bool:
        """The round is not over."""
        return self._state != _IDLE

    def begin(self, now: int) -> int:
        """Ask the first question; milliseconds until the next `step`."""
        self._asked = 0
        self._found = []
        self.good = False
        self.kiss = ""
        return self._ask(now)

    def step(self, now: int) -> int:
        """Go on; milliseconds until the next call. Raises nothing."""
        if self._state == _WAIT:
            return self._listen(now)
        left_ms = _PAUSE_MS - diff(now, self._since)
        return left_ms if left_ms > 0 else self._ask(now)

    def _ask(self, now: int) -> int:
        bits = self._random.getrandbits
        self._cookie = struct.pack(">II", bits(30), bits(30))
        put_question(self._question, self._cookie)
        self._asked += 1
        self._since = now
        self._state = _WAIT
        self.reason = "no answer within %d ms" % _WAIT_MS
        try:
            if self._socket is None:
                self._socket = self._datagram(self._host, self._port)
            self._socket.send(self._question)
        except OSError as error:
            return self._give_up("cannot be asked: %s" % error, now)
        return _LISTEN_MS

    def _listen(self, now: int) -> int:
        try:
            count = self._socket.readinto(self._packet)  # type: ignore[union-attr]
        except OSError as error:
            return self._give_up("does not listen: %s" % error, now)
        if count is None:
            if diff(now, self._since) < _WAIT_MS:
                return _LISTEN_MS
            return self._give_up(self.reason, now)
        answer = self._answer
        self.reason = answer.take(self._packet, count, self._cookie, self._since, now)
        self.kiss = answer.kiss
        if self.kiss:
            return self._end(False)
        if self.reason:
            return _LISTEN_MS  # somebody else's: the right one may still come
        self._found.append((answer.delay_ms, answer.utc_ms - self._clock.uptime_ms()))
        self.stratum = answer.stratum
        return self._go_on(now)

    def _give_up(self, reason: str, now: int) -> int:
        """No answer to this question; the next one gets a fresh socket."""
        self.reason = reason
        self._close()
        return self._go_on(now)

    def _go_on(self, now: int) -> int:
        if self._asked < _QUESTIONS:
            self._state = _PAUSE
            self._since = now
            return _PAUSE_MS
        if len(self._found) < _FEWEST_ANSWERS:
            self.reason = self.reason or "a single answer"
            return self._end(False)
        starts = [start for _, start in self._found]
        spread_ms = max(starts) - min(starts)
        if spread_ms > _SPREAD_MS:
            self.reason = "its answers differ by %d ms" % spread_ms
            return self._end(False)
        self.delay_ms, self.utc_at_start_ms = min(self._found)
        self.reason = ""
        return self._end(True)

    def _end(self, good: bool) -> int:
        self.good = good
        self._state = _IDLE
        self._close()
        return 0

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
