"""How fast one cell of a rack runs away from the others."""

from __future__ import annotations

from micropython import const

_WINDOW_MS = const(1000)


class VoltageRate:
    """Growth of the spread, highest less lowest cell voltage, of one rack.

    A change of current moves all cells alike, so the difference takes it out: what is left is one
    cell that does what the others do not. A window lasts 1000 ms or, with samples farther apart,
    until the next sample; a spread that shrinks counts as 0. A jump between two samples is in one
    window only, a lasting rate of N mV/s reads as N after two windows at most.
    """

    def __init__(self) -> None:
        self.rate = 0  # mV/s of the last whole window
        self._window_ms = -1  # since the window began; -1 = none has
        self._begun_mv = 0  # the spread then

    def step(self, spread_mv: int, elapsed_ms: int) -> int:
        """Take one fresh sample; mV/s (>= 0) of the last whole window. Allocates nothing.

        `elapsed_ms`: since the sample before, whether or not the data were stale in between.
        """
        if self._window_ms >= 0:
            self._window_ms += elapsed_ms
            if self._window_ms < _WINDOW_MS:
                return self.rate
            self.rate = max(spread_mv - self._begun_mv, 0) * 1000 // self._window_ms
        self._window_ms = 0
        self._begun_mv = spread_mv
        return self.rate
