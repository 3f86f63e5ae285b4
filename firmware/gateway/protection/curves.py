"""A curve through points: how much of the rating is granted at a voltage or a temperature."""

from __future__ import annotations

from array import array

from micropython import const

from gateway.protection.copies import agree, inverted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL_PM = const(1000)
_FARTHEST = const(100000)  # 1000 times the widest span stays a small integer


class Curve:
    """Straight lines between the points, flat outside of them.

    `points` are pairs (x, 0.1 %) with rising x in -100000..100000 and 0..1000 for the share; a
    jump is two points with neighbouring x. Raises ValueError for anything else. Points are kept
    twice, the second time inverted.
    """

    def __init__(self, points: Sequence[Sequence[int]]) -> None:
        if not points:
            raise ValueError("a curve needs a point")
        before = -_FARTHEST - 1
        for x, share_pm in points:
            if not before < x <= _FARTHEST or not 0 <= share_pm <= _FULL_PM:
                raise ValueError("a curve cannot go on to (%d, %d)" % (x, share_pm))
            before = x
        self._x = array("i", [point[0] for point in points])
        self._share_pm = array("h", [point[1] for point in points])
        self._x_copy = inverted("i", self._x)
        self._share_copy = inverted("h", self._share_pm)

    def is_sound(self) -> bool:
        """The points agree with their copies; allocates nothing."""
        count = len(self._x)
        return agree(self._x, self._x_copy, 0, count) and agree(
            self._share_pm, self._share_copy, 0, count
        )

    def pm(self, x: int) -> int:
        """The share at `x` in 0.1 %, rounded down; allocates nothing."""
        places = self._x
        shares = self._share_pm
        if x <= places[0]:
            return shares[0]
        last = len(places) - 1
        if x >= places[last]:
            return shares[last]
        index = 1
        while x > places[index]:
            index += 1
        begin = places[index - 1]
        first_pm = shares[index - 1]
        rise_pm = shares[index] - first_pm
        return first_pm + rise_pm * (x - begin) // (places[index] - begin)
