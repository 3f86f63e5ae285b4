"""The under-voltage points at the temperature of the rack: cells may go lower in the cold.

The data sheet of one cell maker allows 2.0 V instead of 2.5 V at and below 0 degC. Here the points
move from 0 to -5 degC on a straight line, and by the hottest sensor, so that no cell above 0 degC
ever gets the lower limit.
"""

from __future__ import annotations

from array import array

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config import Config
    from gateway.config.limits import Limit

_WARM_DC = const(0)
_COLD_DC = const(-50)
_SPAN_DC = const(_WARM_DC - _COLD_DC)


class ColdLimit:
    """Points of the three levels, turned by side: high is bad. Nothing here changes."""

    def __init__(self, settings: Config) -> None:
        self._warm = _turned(settings.limits["cell_undervoltage"])
        self._cold = _turned(settings.limits["cell_undervoltage_cold"])

    def way(self, hottest_dc: int) -> int:
        """How far the points of a rack are on their way, by its hottest sensor; 0 = warm."""
        return min(max(_WARM_DC - hottest_dc, 0), _SPAN_DC)

    def set_point(self, index: int, way: int) -> int:
        """Of level 1 + `index`; rounded towards the warm, stricter one. Allocates nothing."""
        return self._between(2 * index, way)

    def clear_point(self, index: int, way: int) -> int:
        """The same."""
        return self._between(2 * index + 1, way)

    def _between(self, place: int, way: int) -> int:
        warm = self._warm[place]
        return warm + (self._cold[place] - warm) * way // _SPAN_DC


def _turned(levels: Sequence[Limit | None]) -> array[int]:
    """Set and clear point of each level."""
    points = array("i")
    for limit in levels:
        if limit:
            points.append(-limit.set_point)
            points.append(-limit.clear_point)
    return points
