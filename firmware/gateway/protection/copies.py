"""Numbers that are kept twice, the second time inverted.

A bit that flipped in either shows (class B practice, IEC 60730-1 annex H).
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    _Numbers = Sequence[int]


def inverted(code: str, values: _Numbers) -> array[int]:
    """The copy of an array of this type code."""
    return array(code, [~value for value in values])


def agree(values: _Numbers, copy: _Numbers, begin: int, end: int) -> bool:
    """Whether entries begin .. end - 1, as far as there are any, are as their copies say."""
    for index in range(max(begin, 0), min(end, len(values))):
        if values[index] != ~copy[index]:
            return False
    return True


class Copies:
    """Of the attributes `names` of `owner`, integers of 32 bits."""

    def __init__(self, owner: object, names: tuple[str, ...]) -> None:
        self._owner = owner
        self._names = names
        self._copies = inverted("i", [getattr(owner, name) for name in names])

    def agrees(self, place: int) -> bool:
        """One of them, counted round and round; allocates nothing."""
        place %= len(self._names)
        return bool(getattr(self._owner, self._names[place]) == ~self._copies[place])
