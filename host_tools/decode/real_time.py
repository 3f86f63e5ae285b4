"""What time it was when something was recorded, from the clock records of the same boot.

Uptime has 32 bits and begins again every 49.7 days, so it alone does not tell on which side of a
clock record something lies, or how far away. What does:

- A stamp of a clock that was never set (quality UNSET) was made before the first clock record of
  its boot: a clock once set stays set. So it lies before that record, by less than 48.7 days.
- Any other stamp is about right. The clock record nearest to it counts, with the number of turns
  of the uptime that comes closest to the stamp; and only when the two are at most a day apart. A
  board's clock drifts by seconds a day, one set to local time is off by hours: what is off by
  more than a day cannot be told from an uptime that was taken for another turn's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from gateway.clock import NTP, UNSET
from host_tools.decode.records import ClockRecord, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TURN_MS = 1 << 32  # of the uptime
DAY_MS = 86_400_000  # a stamp is corrected by at most this


def utc_text(utc_ms: int | None) -> str:
    """UTC as in 2027-01-15 07:55:00.000; "time unknown" for None."""
    if utc_ms is None:
        return "time unknown"
    moment = _EPOCH + timedelta(milliseconds=utc_ms)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


class RealTime:
    """Corrects stamps with the surest clock record that is surer than they are."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._clocks: dict[int, list[ClockRecord]] = defaultdict(list)
        for record in records:
            if isinstance(record, ClockRecord) and record.quality <= NTP:
                self._clocks[record.boot].append(record)

    def utc_ms(self, boot: int, uptime_ms: int, stamp_ms: int, quality: int) -> int | None:
        """UTC in ms since 1970; None when nobody knows."""
        surer = [clock for clock in self._clocks[boot] if clock.quality > quality]
        if not surer:
            return None if quality == UNSET else stamp_ms
        if quality == UNSET:
            clock = min(surer, key=lambda clock: (-clock.quality, clock.seq))
            since_ms = uptime_ms - clock.at_uptime_ms
            return clock.at_utc_ms + (since_ms - DAY_MS) % TURN_MS + DAY_MS - TURN_MS
        clock = min(surer, key=lambda clock: (-clock.quality, abs(clock.at_utc_ms - stamp_ms)))
        told_ms = clock.at_utc_ms + uptime_ms - clock.at_uptime_ms
        error_ms = (told_ms - stamp_ms + TURN_MS // 2) % TURN_MS - TURN_MS // 2
        return stamp_ms + error_ms if abs(error_ms) <= DAY_MS else stamp_ms
