"""A reading that a fault drives away from the model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ForcedReading:
    """Goes to `target`, at once or by `rate` per second, and stays there without noise.

    At once means in one tick: a cell that jumps shows its rate of change in one window of the
    gateway only, a cell that runs away shows it in several. `keeps` is for currents: they stay
    whatever limit is written; otherwise they follow the limit, times `target`.
    """

    target: float
    index: int = 0  # of the cell or sensor; unused for whole-rack quantities
    rate: float = 0.0
    keeps: bool = True
    _start: tuple[float, int] | None = None  # live value and time when it was first asked

    def value(self, live: float, now_ms: int) -> float:
        """What is read at `now_ms` where the model says `live`; both in the unit of `target`."""
        if not self.rate:
            return self.target
        if self._start is None:
            self._start = live, now_ms
        start, since_ms = self._start
        moved = self.rate * (now_ms - since_ms) / 1000
        if self.target >= start:
            return min(start + moved, self.target)
        return max(start - moved, self.target)

    def first(self, live: float, now_ms: int) -> float:
        """The live value when it was first asked for, whatever it is now."""
        if self._start is None:
            self._start = live, now_ms
        return self._start[0]
