"""Set points, clear points and delays of all rules, kept twice: the copy that every rack uses.

Values are turned by side, so that "at or above the set point" is bad for every rule.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.protection.copies import agree, inverted
from gateway.protection.rules import LEVEL_COUNT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config.limits import Limit

    _Tables = tuple[array[int], ...]

# A sample's time is known to a few ms only: it is asked for when the loop comes round, and
# rounded. Without this, samples meant to be 500 ms apart need a third interval to span 1000 ms.
RESOLUTION_MS = 5
_SLICE = const(16)  # entries that one check looks at
_LAST = LEVEL_COUNT - 1
_MOST = const(127)  # detectors: a byte with a sign numbers them


class Thresholds:
    """Of a number of rules: `limits` are (limit or None, side 1 or -1) of each level of each rule.

    There is a detector for each level that exists, numbered in this order: those of a rule are
    first[rule] .. first[rule + 1] - 1, `levels` tells their levels, 1..3. By rule: `sides`, and
    `lowest`, below which a value is good for every level. `delays` are in half milliseconds, less
    the resolution of time; only 0 stays "at once". Raises ValueError for more than 127 levels.
    """

    def __init__(self, limits: Sequence[tuple[Limit | None, int]]) -> None:
        first, levels, sides, lowest = [0], [], [], []
        set_points, clear_points, delays, clear_ms = [], [], [], []
        for place in range(len(limits)):
            limit, side = limits[place]
            if place % LEVEL_COUNT == 0:
                sides.append(side)
            if limit is not None:
                levels.append(place % LEVEL_COUNT + 1)
                set_points.append(limit.set_point * side)
                clear_points.append(limit.clear_point * side)
                delays.append(2 * _shortened(limit.delay_ms))
                clear_ms.append(limit.clear_ms)
            if place % LEVEL_COUNT == _LAST or place == len(limits) - 1:
                lowest.append(min(set_points[first[-1] :]))
                first.append(len(levels))
        if len(levels) > _MOST:
            raise ValueError("%d levels are more than %d" % (len(levels), _MOST))
        self.first = array("b", first)
        self.levels = array("b", levels)
        self.sides = array("b", sides)
        self.set_points = array("i", set_points)
        self.clear_points = array("i", clear_points)
        self.delays = array("i", delays)
        self.clear_ms = array("i", clear_ms)
        self.lowest = array("i", lowest)
        self._bytes = (self.first, self.levels, self.sides)
        self._words = (
            self.set_points, self.clear_points, self.delays, self.clear_ms, self.lowest,
        )  # fmt: skip
        self._byte_copies = tuple([inverted("b", each) for each in self._bytes])
        self._word_copies = tuple([inverted("i", each) for each in self._words])
        self._checked = 0

    def number(self, rule: int, level: int) -> int:
        """Of the detector of a level; -1 when the rule has no such level."""
        for number in range(self.first[rule], self.first[rule + 1]):
            if self.levels[number] == level:
                return number
        return -1

    def check_some(self) -> bool:
        """Compare a few entries with their complements; False when one differs.

        Called each cycle it comes round to all of them; allocates nothing.
        """
        begin = self._checked
        end = begin + _SLICE
        self._checked = end if 0 < end < max(len(self.levels), len(self.first)) else 0
        return _agree(self._bytes, self._byte_copies, begin, end) and _agree(
            self._words, self._word_copies, begin, end
        )


def _agree(tables: _Tables, copies: _Tables, begin: int, end: int) -> bool:
    for table in range(len(tables)):  # noqa: SIM110 - a generator allocates
        if not agree(tables[table], copies[table], begin, end):
            return False
    return True


def _shortened(delay_ms: int) -> int:
    return max(1, delay_ms - RESOLUTION_MS) if delay_ms else 0
