"""The protection limits of a configuration: one table of numbers that stays when the rest goes."""

from __future__ import annotations

from array import array

from micropython import const

from gateway.config.rules import LEVELS, NAME, NAMES, RULES, SIDE, VARIANTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Levels = tuple["Limit | None", ...]

_NUMBERS = const(4)  # of a level, in the order of `Limit`
_NO_LEVEL = const(-1)  # all four, the delays too


class Limit:
    """Set point, clear point (unit of its rule) and times of one level of one rule."""

    def __init__(self, set_point: int, clear_point: int, delay_ms: int, clear_ms: int) -> None:
        self.set_point = set_point
        self.clear_point = clear_point
        self.delay_ms = delay_ms
        self.clear_ms = clear_ms


class Limits:
    """The levels of each rule and variant by its name; None is a level that does not exist.

    Each `Limit` is made for who asks: all of them for ever would take three times the memory.
    """

    def __init__(self) -> None:
        self._names = NAMES + tuple([row[0] for row in VARIANTS])
        self._numbers = array("i", [_NO_LEVEL] * (len(self._names) * len(LEVELS) * _NUMBERS))

    def put(self, name: str, levels: Sequence[Limit | None]) -> None:
        """All levels of one rule or variant."""
        at = self._names.index(name) * len(LEVELS) * _NUMBERS
        for limit in levels:
            if limit is not None:
                self._numbers[at] = limit.set_point
                self._numbers[at + 1] = limit.clear_point
                self._numbers[at + 2] = limit.delay_ms
                self._numbers[at + 3] = limit.clear_ms
            at += _NUMBERS

    def __getitem__(self, name: str) -> Levels:
        """KeyError when there is no such rule."""
        if name not in self._names:
            raise KeyError(name)
        first = self._names.index(name) * len(LEVELS)
        return tuple([self._limit(first + level) for level in range(len(LEVELS))])

    def get(self, name: str, default: Levels | None = None) -> Levels | None:
        """`default` when there is no such rule."""
        return self[name] if name in self._names else default

    def items(self) -> Iterator[tuple[str, Levels]]:
        """(name, levels) of everything, rules first."""
        for name in self._names:
            yield name, self[name]

    def _limit(self, number: int) -> Limit | None:
        at = number * _NUMBERS
        numbers = self._numbers[at : at + _NUMBERS]
        return None if numbers[2] == _NO_LEVEL else Limit(*numbers)


def limit_rows(limits: Limits, first: int, end: int) -> list[tuple[Limit | None, int]]:
    """(limit, side) of each level of the rules first .. end - 1, in the order of their numbers."""
    return [(limit, row[SIDE]) for row in RULES[first:end] for limit in limits[row[NAME]]]
