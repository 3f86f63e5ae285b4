"""The budget of current peaks: a leaky bucket that fills with the square of the current.

A cell carries its continuous current for ever and twice its capacity (2C) for 30 s. In between,
the heat decides: above the continuous current the bucket fills with current^2 - continuous^2,
below it drains with the same formula, and it is full after 30 s at 2C. Peaks with short pauses
therefore add up, which a delay that starts anew with each pause would miss.
"""

from __future__ import annotations

_FULL_PM = 1000
_PEAK_MS = 30000  # the project's cells carry 2C that long
_SCALE = 1 << 15  # the capacity, _SCALE * _PEAK_MS at most, stays a small integer
_MOST_DA = 32767  # its square is the largest that does
_LONGEST_MS = 10000
_NO_PEAK_PERCENT = 105


class PeakBudget:
    """The peak budget of one rack in one direction; starts empty.

    `continuous_da` (0.1 A) is carried for ever, `capacity_dah` is in 0.1 Ah. Raises ValueError
    when the continuous current is not below 2C or the capacity is above 1638.3 Ah.
    """

    def __init__(self, continuous_da: int, capacity_dah: int) -> None:
        peak_da = 2 * capacity_dah
        if not 0 < continuous_da < peak_da <= _MOST_DA:
            raise ValueError("no peak budget: %d da of %d dah" % (continuous_da, capacity_dah))
        self._continuous_da = continuous_da
        self._no_peak_da = continuous_da * _NO_PEAK_PERCENT // 100
        above = (peak_da - continuous_da) * (peak_da + continuous_da)
        shift = 0
        while above >> shift >= _SCALE:
            shift += 1
        self._shift = shift
        self._capacity = (above >> shift) * _PEAK_MS  # da^2 ms, shifted
        self._per_pm = self._capacity // _FULL_PM
        self._fill = 0

    def step(self, current_da: int, soc_ok: bool, elapsed_ms: int) -> int:
        """Take one fresh sample; the fill in 0.1 % (0..1000). Allocates nothing.

        `current_da` >= 0 (0 while the current flows the other way) counts for the `elapsed_ms`
        since the sample before, at most 10 s of them: a longer silence neither fills nor drains.
        While the state of charge allows no peak (`soc_ok` False), any current above 1.05 x the
        continuous one reads as 1000; the bucket itself goes on as ever.
        """
        current_da = min(max(current_da, 0), _MOST_DA)
        self._flow(current_da, min(elapsed_ms, _LONGEST_MS))
        if not soc_ok and current_da > self._no_peak_da:
            return _FULL_PM
        return min(self._fill // self._per_pm, _FULL_PM)

    def _flow(self, current_da: int, elapsed_ms: int) -> None:
        """Fill or drain; compared by division first, because the product may be too large."""
        if elapsed_ms <= 0:
            return
        continuous_da = self._continuous_da
        excess = (current_da - continuous_da) * (current_da + continuous_da)
        excess = -(-excess >> self._shift)  # rounded up: fills rather early, drains rather late
        if excess > (self._capacity - self._fill) // elapsed_ms:
            self._fill = self._capacity
        elif -excess > self._fill // elapsed_ms:
            self._fill = 0
        else:
            self._fill += excess * elapsed_ms
