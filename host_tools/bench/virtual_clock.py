"""A clock of the gateway that goes when it is told."""

from __future__ import annotations

from gateway.clock import NTP, Clock, add

_START_UTC_MS = 1_780_000_000_000


class VirtualClock(Clock):
    """Uptime and UTC of a gateway, in milliseconds that are handed in."""

    def __init__(self) -> None:
        self._ticks = 0
        self._passed_ms = 0
        super().__init__(NTP)

    def ticks(self) -> int:
        """As Clock.ticks."""
        return self._ticks

    def uptime_ms(self) -> int:
        """As Clock.uptime_ms."""
        return self._passed_ms

    def utc_ms(self) -> int:
        """As Clock.utc_ms."""
        return _START_UTC_MS + self._passed_ms

    def advance(self, step_ms: int) -> int:
        """Let so much time pass; returns the ticks."""
        self._ticks = add(self._ticks, step_ms)
        self._passed_ms += step_ms
        return self._ticks
