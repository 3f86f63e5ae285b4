"""What time it was at an uptime, from the clock records of the same boot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gateway.clock import UNSET
from host_tools.decode.records import ClockRecord, Record

_WRAP = 1 << 32  # of the uptime


class RealTime:
    """Corrects stamps with the surest clock record that is surer, of several the nearest."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._clocks: dict[int, list[ClockRecord]] = defaultdict(list)
        for record in records:
            if isinstance(record, ClockRecord):
                self._clocks[record.boot].append(record)

    def utc_ms(self, boot: int, uptime_ms: int, stamp_ms: int, quality: int) -> int | None:
        """UTC in ms since 1970; None when nobody knows."""
        surer = [clock for clock in self._clocks[boot] if clock.quality > quality]
        if not surer:
            return None if quality == UNSET else stamp_ms
        best = min(surer, key=lambda clock: (-clock.quality, abs(_since(uptime_ms, clock))))
        return best.at_utc_ms + _since(uptime_ms, best)


def _since(uptime_ms: int, clock: ClockRecord) -> int:
    """Signed ms, right across the wrap at 32 bits."""
    return (uptime_ms - clock.at_uptime_ms + _WRAP // 2) % _WRAP - _WRAP // 2
