"""What the identity registers of a device must hold for the map to be the right one."""

from __future__ import annotations

from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.rack.fields_bind import Block

CELLS_EXPECTED = -1  # in X_EXPECT: as many as the configuration says
TEMPS_EXPECTED = -2


def unexpected(
    block: Block, details: list[Any], names: tuple[str, ...], sizes: tuple[int, int]
) -> str:
    """The first value of `block` in `details` that does not fit, for a person; "" when all fit.

    `sizes`: cells and temperature sensors of the configuration. Allocates only for a problem.
    """
    for expected in block.expected:
        value = details[expected[0]]
        if not _fits(expected, value, sizes):
            return _told(expected, value, names[expected[0]], sizes)
    return ""


def _fits(expected: tuple[int, ...], value: int, sizes: tuple[int, int]) -> bool:
    for index in range(1, len(expected), 2):
        low = _wanted(expected[index], sizes)
        if low <= value <= max(low, expected[index + 1]):
            return True
    return False


def _wanted(number: int, sizes: tuple[int, int]) -> int:
    if number == CELLS_EXPECTED:
        return sizes[0]
    return sizes[1] if number == TEMPS_EXPECTED else number


def _told(expected: tuple[int, ...], value: int, name: str, sizes: tuple[int, int]) -> str:
    wanted = []
    for index in range(1, len(expected), 2):
        low = _wanted(expected[index], sizes)
        high = max(low, expected[index + 1])
        wanted.append(str(low) if low == high else "%d..%d" % (low, high))
    found = "not available" if value == ABSENT else str(value)
    return "%s is %s instead of %s" % (name, found, " or ".join(wanted))
