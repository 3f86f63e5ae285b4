"""The processor's own clock, which certificates are checked against, alone or behind a chip."""

from __future__ import annotations

from civil_time import from_unix_s, to_unix_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import BoardRtc

_FIRST_YEAR = 2025  # a clock that was never set starts in 1970, 2000 or 2015


class SystemRtc:
    """contracts.BoardRtc over a `machine.RTC` that keeps UTC, in whole seconds."""

    def __init__(self, rtc: Any) -> None:
        self._rtc = rtc

    def read(self) -> int:
        """Unix time in ms; 0 = it was never set."""
        year, month, day, _, hour, minute, second, _ = self._rtc.datetime()
        if year < _FIRST_YEAR:
            return 0
        return to_unix_s(year, month, day, hour, minute, second) * 1000

    def write(self, utc_ms: int) -> None:
        """Set it, to the nearest second; ValueError beyond 2000 to 2099."""
        year, month, day, weekday, hour, minute, second = from_unix_s((utc_ms + 500) // 1000)
        # the STM32 counts weekdays from 1, the ESP32 takes no notice of them
        self._rtc.datetime((year, month, day, weekday + 1, hour, minute, second, 0))


class BackedRtc:
    """contracts.BoardRtc: a chip that runs through power cuts sets the processor's clock."""

    def __init__(self, chip: BoardRtc, system: SystemRtc) -> None:
        self._chip = chip
        self._system = system

    def read(self) -> int:
        """Unix time in ms by the chip; the processor's clock is the same then. OSError."""
        utc_ms = self._chip.read()
        if utc_ms:
            self._system.write(utc_ms)
        return utc_ms

    def write(self, utc_ms: int) -> None:
        """Set both, the processor's even when the chip does not answer; OSError then."""
        self._system.write(utc_ms)
        self._chip.write(utc_ms)
