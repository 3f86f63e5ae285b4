"""The budget of current peaks: a leaky bucket that fills with the square of the current.

A cell carries its continuous current for ever and twice its capacity (2C) for 30 s. In between,
the heat decides: above the continuous current the bucket fills with current^2 - continuous^2,
below it drains with the same formula, and it is full after 30 s at 2C. Peaks with short pauses
therefore add up, which a delay that starts anew with each pause would miss.
"""

from __future__ import annotations

from micropython import const

from gateway.protection.copies import Copies

_FULL_PM = const(1000)
_PEAK_MS = const(30000)  # the project's cells carry 2C that long
_SCALE = const(1 << 15)  # the capacity, _SCALE * _PEAK_MS at most, stays a small integer
_MOST_DA = const(32767)  # its square is the largest that does
_LONGEST_MS = const(10000)
_NO_PEAK_PERCENT = const(105)
_NUMBERS = ("_continuous_da", "_no_peak_da", "_shift", "_capacity", "_per_pm")


class PeakBudget:
    """The budget of one direction, the same for every rack: how full each is, its holder knows.

    `continuous_da` (0.1 A) is carried for ever, `capacity_dah` is in 0.1 Ah. A bucket starts at 0.
    Raises ValueError when the continuous current is not below 2C or the capacity is above
    1638.3 Ah. Nothing here changes, everything is kept twice, and nothing allocates.
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
        self._copies = Copies(self, _NUMBERS)

    def agrees(self, place: int) -> bool:
        """One of its numbers, counted round and round, is as its copy says."""
        return self._copies.agrees(place)

    def flow(self, fill: int, current_da: int, elapsed_ms: int) -> int:
        """The bucket after one fresh sample.

        `current_da` >= 0 (0 while the current flows the other way) counts for the `elapsed_ms`
        since the sample before, at most 10 s of them: a longer silence neither fills nor drains.
        """
        elapsed_ms = min(elapsed_ms, _LONGEST_MS)
        if elapsed_ms <= 0:
            return fill
        current_da = min(max(current_da, 0), _MOST_DA)
        continuous_da = self._continuous_da
        excess = (current_da - continuous_da) * (current_da + continuous_da)
        excess = -(-excess >> self._shift)  # rounded up: fills rather early, drains rather late
        # compared by division first, because the product may be too large
        if excess > (self._capacity - fill) // elapsed_ms:
            return self._capacity
        if -excess > fill // elapsed_ms:
            return 0
        return fill + excess * elapsed_ms

    def used_pm(self, fill: int, current_da: int, soc_ok: bool) -> int:
        """How full it is, 0.1 % (0..1000).

        While the state of charge allows no peak (`soc_ok` False), any current above 1.05 x the
        continuous one reads as 1000, whatever the bucket holds.
        """
        if not soc_ok and min(current_da, _MOST_DA) > self._no_peak_da:
            return _FULL_PM
        return min(fill // self._per_pm, _FULL_PM)
