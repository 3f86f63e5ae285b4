"""Set points, clear points and delays of all rules, kept twice: the copy that every rack uses.

Values are turned by side, so that "at or above the set point" is bad for every rule. The second
copy holds the complements; a bit that flipped in either shows (class B practice, IEC 60730-1 H).
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.protection import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config.limits import Limit

NEVER = 1 << 29  # set point of a level that does not exist; values stay below
# A sample's time is known to a few ms only: it is asked for when the loop comes round, and
# rounded. Without this, samples meant to be 500 ms apart need a third interval to span 1000 ms.
RESOLUTION_MS = 5
_SLICE = const(16)  # entries that one check looks at


class Thresholds:
    """Of detectors numbered in the order of `limits`: (limit or None, side 1 or -1).

    `delays` are in half milliseconds, less the resolution of time; only 0 stays "at once".
    `lowest`, of each rule: below it a value is good for every level. It needs no second copy: it
    may not lie above a set point, and lower it only costs time.
    """

    def __init__(self, limits: Sequence[tuple[Limit | None, int]]) -> None:
        set_points, clear_points, delays, clear_ms = [], [], [], []
        for limit, side in limits:
            set_points.append(NEVER if limit is None else limit.set_point * side)
            clear_points.append(NEVER if limit is None else limit.clear_point * side)
            delays.append(0 if limit is None else 2 * _shortened(limit.delay_ms))
            clear_ms.append(0 if limit is None else limit.clear_ms)
        self.sides = array("b", [side for _, side in limits])
        self.set_points = array("i", set_points)
        self.clear_points = array("i", clear_points)
        self.delays = array("i", delays)
        self.clear_ms = array("i", clear_ms)
        self.lowest = array("i", _lowest(set_points))
        self._tables = (self.set_points, self.clear_points, self.delays, self.clear_ms, self.sides)
        self._copies = tuple([_inverted("i", each) for each in self._tables[:-1]]) + (
            _inverted("b", self.sides),
        )
        self._checked = 0

    def check_some(self) -> bool:
        """Compare a few entries with their complements; False when one differs.

        Called each cycle it comes round to all of them; allocates nothing.
        """
        begin = self._checked
        end = min(begin + _SLICE, len(self.sides))
        self._checked = end if end < len(self.sides) else 0
        for table in range(len(self._tables)):
            values = self._tables[table]
            copies = self._copies[table]
            for index in range(begin, end):
                if values[index] != ~copies[index]:
                    return False
        for index in range(begin, end):
            if self.lowest[index // rules.LEVEL_COUNT] > self.set_points[index]:
                return False
        return True


def _lowest(set_points: list[int]) -> list[int]:
    count = rules.LEVEL_COUNT
    return [min(set_points[first : first + count]) for first in range(0, len(set_points), count)]


def _inverted(code: str, table: array[int]) -> array[int]:
    return array(code, [~value for value in table])


def _shortened(delay_ms: int) -> int:
    return max(1, delay_ms - RESOLUTION_MS) if delay_ms else 0
