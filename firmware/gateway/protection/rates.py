"""How fast the extreme cells of a rack run away from its mean."""

from __future__ import annotations

_WINDOW_MS = 1000


class VoltageRate:
    """Growth of the larger distance to the mean cell voltage, of one rack.

    A change of current moves all cells alike, so the mean takes it out of the distances: what is
    left is one cell that does what the others do not. A window lasts 1000 ms or, with samples
    farther apart, until the next sample; a distance that shrinks counts as 0. A jump between two
    samples is in one window only, a lasting rate of N mV/s reads as N after two windows at most.
    """

    def __init__(self) -> None:
        self.rate = 0  # mV/s of the last whole window
        self._window_ms = -1  # since the window began; -1 = none has
        self._above_mv = 0  # then: of the highest cell over the mean
        self._below_mv = 0  # then: of the mean over the lowest cell

    def step(self, max_mv: int, min_mv: int, mean_mv: int, elapsed_ms: int) -> int:
        """Take one fresh sample; mV/s (>= 0) of the last whole window. Allocates nothing.

        `elapsed_ms`: since the sample before, whether or not the data were stale in between.
        """
        above_mv = max_mv - mean_mv
        below_mv = mean_mv - min_mv
        if self._window_ms >= 0:
            self._window_ms += elapsed_ms
            if self._window_ms < _WINDOW_MS:
                return self.rate
            grown_mv = max(above_mv - self._above_mv, below_mv - self._below_mv, 0)
            self.rate = grown_mv * 1000 // self._window_ms
        self._window_ms = 0
        self._above_mv = above_mv
        self._below_mv = below_mv
        return self.rate
