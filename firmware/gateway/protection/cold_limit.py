"""The under-voltage points at the temperature of the rack: cells may go lower in the cold.

The data sheet of one cell maker allows 2.0 V instead of 2.5 V at and below 0 degC. Here the points
move from 0 to -5 degC on a straight line, and by the hottest sensor, so that no cell above 0 degC
ever gets the lower limit.
"""

from __future__ import annotations

from micropython import const

from gateway.protection.rules import CELL_UNDERVOLTAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.thresholds import Thresholds

_WARM_DC = const(0)
_COLD_DC = const(-50)
_SPAN_DC = const(_WARM_DC - _COLD_DC)


class ColdLimit:
    """Points of the three levels, turned by side: high is bad. Nothing here changes.

    They move between those of the rule in `warm` and the only ones in `cold`.
    """

    def __init__(self, warm: Thresholds, cold: Thresholds) -> None:
        self._warm = warm
        self._cold = cold

    def way(self, hottest_dc: int) -> int:
        """How far the points of a rack are on their way, by its hottest sensor; 0 = warm."""
        return min(max(_WARM_DC - hottest_dc, 0), _SPAN_DC)

    def set_point(self, level: int, way: int) -> int:
        """Of level 1..3; rounded towards the warm, stricter one. Allocates nothing."""
        warm = self._warm.set_points[self._warm.first[CELL_UNDERVOLTAGE] + level - 1]
        return warm + (self._cold.set_points[level - 1] - warm) * way // _SPAN_DC

    def clear_point(self, level: int, way: int) -> int:
        """The same."""
        warm = self._warm.clear_points[self._warm.first[CELL_UNDERVOLTAGE] + level - 1]
        return warm + (self._cold.clear_points[level - 1] - warm) * way // _SPAN_DC
