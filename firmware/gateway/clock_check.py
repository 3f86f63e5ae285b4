"""Compares a board's two clocks: the ticks that every delay is counted in, and the wall clock.

On most boards they come from different oscillators. A tick that is too slow makes every delay too
long, so the two are compared once a minute (class B practice asks for 25 %, this for 5 %). The
wall clock is the board's own: time from the network runs on ticks and always agrees with them.
"""

from __future__ import annotations

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock

GOOD = 0
OFF = 1  # by more than 1 %: worth a look
BAD = 2  # by more than 5 %, twice in a row the same way: delays cannot be trusted

_OFF_PM = const(10)
_BAD_PM = const(50)
_SHORTEST_MS = const(30000)


class ClockCheck:
    """`deviation_pm`: wall clock against ticks over the last interval, 0.1 %; positive when the
    ticks are slow. A wall clock that is set makes one interval wrong, and not two.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uptime_ms = clock.uptime_ms()
        self._wall_ms = clock.wall_ms()
        self._before_pm = 0
        self.deviation_pm = 0

    def step(self) -> int:
        """GOOD, OFF or BAD for the time since the last call; call once a minute."""
        uptime_ms = self._clock.uptime_ms()
        wall_ms = self._clock.wall_ms()
        ticked_ms = uptime_ms - self._uptime_ms
        if ticked_ms < _SHORTEST_MS:
            return GOOD
        passed_ms = wall_ms - self._wall_ms
        self._uptime_ms = uptime_ms
        self._wall_ms = wall_ms
        self._before_pm = self.deviation_pm
        self.deviation_pm = (passed_ms - ticked_ms) * 1000 // ticked_ms
        if self._is_beyond(_BAD_PM):
            return BAD
        return OFF if self._is_beyond(_OFF_PM) else GOOD

    def _is_beyond(self, bound_pm: int) -> bool:
        """In both of the last two intervals, in the same direction."""
        lower = min(self.deviation_pm, self._before_pm)
        upper = max(self.deviation_pm, self._before_pm)
        return lower > bound_pm or upper < -bound_pm
