"""The under-voltage points at the temperature of the rack: cells may go lower in the cold.

The data sheet of one cell maker allows 2.0 V instead of 2.5 V at and below 0 degC. Here the points
move from 0 to -5 degC on a straight line, and by the hottest sensor, so that no cell above 0 degC
ever gets the lower limit.
"""

from __future__ import annotations

from array import array

from gateway.protection import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config

_WARM_DC = 0
_COLD_DC = -50
_SPAN_DC = _WARM_DC - _COLD_DC


class ColdLimit:
    """`set_points` and `clear_points` of the three levels now, turned by side: high is bad."""

    def __init__(self, settings: Config) -> None:
        warm = settings.limits["cell_undervoltage"]
        cold = settings.limits["cell_undervoltage_cold"]
        self._warm_set = _turned([limit.set_point for limit in warm if limit])
        self._cold_set = _turned([limit.set_point for limit in cold if limit])
        self._warm_clear = _turned([limit.clear_point for limit in warm if limit])
        self._cold_clear = _turned([limit.clear_point for limit in cold if limit])
        self.set_points = array("i", self._warm_set)
        self.clear_points = array("i", self._warm_clear)

    def follow(self, hottest_dc: int) -> None:
        """Move the points to the hottest sensor of the rack, 0.1 degC; allocates nothing.

        Rounded towards the warm, stricter ones.
        """
        part = min(max(_WARM_DC - hottest_dc, 0), _SPAN_DC)
        for level in range(rules.LEVEL_COUNT):
            self.set_points[level] = _between(self._warm_set[level], self._cold_set[level], part)
            self.clear_points[level] = _between(
                self._warm_clear[level], self._cold_clear[level], part
            )


def _between(warm: int, cold: int, part: int) -> int:
    return warm + (cold - warm) * part // _SPAN_DC


def _turned(points: list[int]) -> array[int]:
    return array("i", [-point for point in points])
