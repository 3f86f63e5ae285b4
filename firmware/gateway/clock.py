"""Monotonic and wall time, handed in everywhere; the only module that imports `time`.

Ticks are milliseconds in 0 .. 2**30 - 1 and wrap every 12.4 days on every interpreter alike, so
they stay small integers (no allocation) on 32-bit ports. Compare two of them with `diff` only.
"""

from __future__ import annotations

import asyncio
import time

TICKS_MASK = 0x3FFFFFFF  # largest small integer of a 32-bit MicroPython port
_HALF = 0x20000000

UNSET = 0  # wall clock never set: utc_ms counts from power-up
RTC = 1
NTP = 2


def diff(later: int, earlier: int) -> int:
    """Signed milliseconds from `earlier` to `later`, right across a wrap; allocates nothing.

    Meaningful while the two lie less than 2**29 ms (6.2 days) apart.
    """
    gap = (later - earlier) & TICKS_MASK
    if gap >= _HALF:
        return gap - TICKS_MASK - 1
    return gap


def add(ticks: int, delta_ms: int) -> int:
    """Ticks `delta_ms` (0 .. 2**29 - 1) after `ticks`; allocates nothing."""
    room = TICKS_MASK - ticks
    if delta_ms <= room:
        return ticks + delta_ms
    return delta_ms - room - 1


def subtract(ticks: int, delta_ms: int) -> int:
    """Ticks `delta_ms` (0 .. 2**29 - 1) before `ticks`; allocates nothing."""
    return (ticks - delta_ms) & TICKS_MASK


class Clock:
    """Real time of this interpreter. Tests hand in one of their own with these methods.

    `utc_quality`: UNSET, RTC or NTP. Until `set_utc` the wall clock is the board's own; then it
    runs on ticks from what was set, and the board's stays as it is.
    """

    def __init__(self, utc_quality: int = UNSET) -> None:
        self.utc_quality = utc_quality
        self._utc_at_start_ms: int | None = None  # of uptime 0
        self._uptime_ms = 0
        self._last = self.ticks()

    if hasattr(time, "ticks_ms"):

        def micros(self) -> int:
            """Microseconds now, 0 .. 2**30 - 1 (wraps every 17.9 minutes); `diff` compares."""
            return int(time.ticks_us()) & TICKS_MASK  # type: ignore[attr-defined]

        def ticks(self) -> int:
            """Milliseconds now, 0 .. 2**30 - 1."""
            return int(time.ticks_ms()) & TICKS_MASK  # type: ignore[attr-defined]

        async def sleep_ms(self, delay_ms: int) -> None:
            """Let other tasks run for `delay_ms`."""
            await asyncio.sleep_ms(delay_ms)  # type: ignore[attr-defined]

    else:

        def micros(self) -> int:
            """Microseconds now, 0 .. 2**30 - 1 (wraps every 17.9 minutes); `diff` compares."""
            return time.monotonic_ns() // 1000 & TICKS_MASK

        def ticks(self) -> int:
            """Milliseconds now, 0 .. 2**30 - 1."""
            return time.monotonic_ns() // 1_000_000 & TICKS_MASK

        async def sleep_ms(self, delay_ms: int) -> None:
            """Let other tasks run for `delay_ms`."""
            await asyncio.sleep(delay_ms / 1000)

    def uptime_ms(self) -> int:
        """Milliseconds since this object was made; never wraps. Call at least every 6 days."""
        now = self.ticks()
        self._uptime_ms += diff(now, self._last)
        self._last = now
        return self._uptime_ms

    def utc_ms(self) -> int:
        """Unix time in ms as far as it is known; `utc_quality` says how far."""
        if self._utc_at_start_ms is None:
            return self.wall_ms()
        return self._utc_at_start_ms + self.uptime_ms()

    def set_utc(self, utc_ms: int, quality: int) -> None:
        """From now on it is `utc_ms`; nothing that counts in ticks notices."""
        self._utc_at_start_ms = utc_ms - self.uptime_ms()
        self.utc_quality = quality

    def wall_ms(self) -> int:
        """Unix time in ms by the board's own clock, whether it is right or not."""
        return int(time.time() * 1000)
