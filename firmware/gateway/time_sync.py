"""Keeps the wall clock: from the board's clock at the start, then from a time server.

Nothing that protects depends on it: delays are counted in ticks. It only says when a record was
made, whether a certificate or a command is of today, and when a proof test is due (note 0014).
"""

from __future__ import annotations

from micropython import const

from gateway.clock import NTP, RTC, UNSET, diff
from gateway.ntp import EARLIEST_S, PORT
from gateway.ntp_round import NtpRound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.contracts import BoardRtc, Datagram, Log, Random

_IDLE_MS = const(1000)
_LARGE_MS = const(900000)  # a clock that is set moves further only when two rounds in a row say so
_AGREE_MS = const(5000)  # and they may differ by this
_TOLD_MS = const(1000)  # a step is told above it
_SOON_MS = const(16000)  # after a round without a result; doubles up to the period
_LEFT_ALONE = const(8)  # periods, when the server asks for it,
_LONGEST_MS = const(432000000)  # but no longer than ticks compare
_RTC_MS = const(86400000)  # between two writes of the board's clock
_GOOD_FOR_MS = const(86400000)  # without a server; a crystal of 50 ppm is 4 s off then


def _nobody(_moved_ms: int, _before: int) -> None:
    pass


class TimeSync:
    """Asks `host` every `period_s`; an empty one is never asked.

    `datagram(host, port)` and `rtc` (None: there is none) are the board's. `changed(moved_ms,
    quality before)` is called after the clock has become better or moved by more than a second.
    `reason`: why the last round had no result.
    """

    def __init__(
        self,
        clock: Clock,
        datagram: Callable[[str, int], Datagram],
        rtc: BoardRtc | None,
        random: Random,
        log: Log,
        *,
        host: str,
        period_s: int,
        port: int = PORT,
    ) -> None:
        self._clock = clock
        self._rtc = rtc
        self._log = log
        self._host = host
        self._period_ms = period_s * 1000
        self._round = NtpRound(clock, datagram, random, host, port)
        self._since = clock.ticks()  # of the end of the last round
        self._pause_ms = random.getrandbits(12)  # a fleet asks not all at once
        self._soon_ms = _SOON_MS
        self._doubted_ms: int | None = None  # a large step that one round asked for
        self._synced_uptime_ms: int | None = None
        self._rtc_uptime_ms: int | None = None
        self.changed: Callable[[int, int], None] = _nobody
        self.rounds = 0
        self.failures = 0  # rounds without a result
        self.moved_ms = 0  # by the last round that had one
        self.reason = ""

    def read_rtc(self) -> None:
        """At the start: take the time of the board's clock, if it has one that was ever set."""
        if self._rtc is None or self._clock.utc_quality != UNSET:
            return
        try:
            utc_ms = self._rtc.read()
        except OSError as error:
            self._log.warning("the board's clock cannot be read: %s", error)
            return
        if utc_ms >= EARLIEST_S * 1000:
            self._clock.set_utc(utc_ms, RTC)

    def status(self) -> dict[str, object]:
        """For whoever looks at the gateway."""
        synced_ms = self._synced_uptime_ms
        return {
            "server": self._host,
            "age_s": None if synced_ms is None else (self._clock.uptime_ms() - synced_ms) // 1000,
            "rounds": self.rounds,
            "failures": self.failures,
            "moved_ms": self.moved_ms,
            "delay_ms": self._round.delay_ms,
            "stratum": self._round.stratum,
            "reason": self.reason,
        }

    def step(self, now: int) -> int:
        """Do what is due; milliseconds until the next call. Waits for nothing, raises nothing."""
        self._age()
        if not self._host:
            return _IDLE_MS
        if not self._round.busy:
            left_ms = self._pause_ms - diff(now, self._since)
            if left_ms > 0:
                return min(left_ms, _IDLE_MS)
            return min(self._round.begin(now), _IDLE_MS)
        wait_ms = self._round.step(now)
        if not self._round.busy:
            self._end_round(now)
        return min(wait_ms, _IDLE_MS)

    def _age(self) -> None:
        """After a day without a server the time is worth what a board's clock is."""
        synced_ms = self._synced_uptime_ms
        if synced_ms is not None and self._clock.uptime_ms() - synced_ms > _GOOD_FOR_MS:
            self._clock.utc_quality = RTC

    def _end_round(self, now: int) -> None:
        self.rounds += 1
        self._since = now
        clock = self._clock
        error_ms = self._round.utc_at_start_ms + clock.uptime_ms() - clock.utc_ms()
        self.reason = self._round.reason or self._doubt(error_ms)
        if self._round.kiss:
            self._pause_ms = min(self._period_ms * _LEFT_ALONE, _LONGEST_MS)
        elif self.reason:
            self._pause_ms = self._soon_ms
            self._soon_ms = min(2 * self._soon_ms, max(self._period_ms, _SOON_MS))
        else:
            self._pause_ms = self._period_ms
            self._soon_ms = _SOON_MS
            self._set(error_ms)
            return
        self.failures += 1
        self._log.warning("time server %s: %s", self._host, self.reason)

    def _doubt(self, error_ms: int) -> str:
        """Why a round with a result is not believed yet; "" when it is."""
        doubted_ms, self._doubted_ms = self._doubted_ms, None
        if self._clock.utc_quality == UNSET or abs(error_ms) <= _LARGE_MS:
            return ""
        if doubted_ms is not None and abs(error_ms - doubted_ms) <= _AGREE_MS:
            return ""
        self._doubted_ms = error_ms
        return "it is %d s from our clock: asked again before that counts" % (error_ms // 1000)

    def _set(self, error_ms: int) -> None:
        clock = self._clock
        before = clock.utc_quality
        clock.set_utc(clock.utc_ms() + error_ms, NTP)
        self._synced_uptime_ms = clock.uptime_ms()
        self.moved_ms = error_ms
        far = abs(error_ms) > _TOLD_MS
        if far or before != NTP:
            self._log.info("time from %s, clock moved by %d ms", self._host, error_ms)
            self.changed(error_ms, before)
        self._write_rtc(far)

    def _write_rtc(self, far: bool) -> None:
        """Once a day, and when it was far off."""
        uptime_ms = self._clock.uptime_ms()
        written_ms = self._rtc_uptime_ms
        due = written_ms is None or uptime_ms - written_ms > _RTC_MS
        if self._rtc is None or not (due or far):
            return
        self._rtc_uptime_ms = uptime_ms
        try:
            self._rtc.write(self._clock.utc_ms())
        except OSError as error:
            self._log.warning("the board's clock cannot be set: %s", error)
