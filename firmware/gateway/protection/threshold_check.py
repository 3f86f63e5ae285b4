"""Do the limits set in a rack BMS fit those of the gateway? Compared, never written.

A BMS may take another number than it was given, cut to what its hardware can do, so what counts
is what is read back.
"""

from __future__ import annotations

from gateway.rack.data import ABSENT
from gateway.rack.threshold_names import LEVELS, SET, SIDES, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# What a BMS watches: the gateway's rule for the same, in the same unit. What the gateway has no
# rule for stands not here.
RULE_OF = {
    "cell_over": "cell_overvoltage",
    "cell_under": "cell_undervoltage",
    "rack_over": "rack_overvoltage",
    "rack_under": "rack_undervoltage",
    "charge_over": "charge_overcurrent",
    "discharge_over": "discharge_overcurrent",
    "charge_hot": "charge_overtemperature",
    "charge_cold": "charge_undertemperature",
    "discharge_hot": "discharge_overtemperature",
    "discharge_cold": "discharge_undertemperature",
    "insulation": "insulation",
    "cell_spread": "voltage_spread",
    "temp_spread": "temp_spread",
}
_LEVEL_3 = 2


def differences(
    names: Sequence[str], values: Sequence[int], limits: Any
) -> list[tuple[str, int, int]]:
    """(name, theirs, ours) of each threshold that should be looked at, in the order of `names`.

    `values` as they were read, ABSENT = unknown, which tells nothing. `limits.get(rule)`: its
    three levels with `set_point`, None for a level that does not exist. Named are

    - set points looser than the gateway's level 3 (`ours`): the BMS, the first line, would act
      after the second one;
    - set points looser than those of a higher level of the same BMS (`ours` is that one);
    - clear points beyond their set point (`ours` is that one): the alarm could never hold.

    A name stands there once, for the first of these. Allocates.
    """
    known = {}
    for name, value in zip(names, values):
        place = split(name)
        if place is not None and value != ABSENT:
            known[place] = value
    found = []
    for name, value in zip(names, values):
        place = split(name)
        if place is not None and value != ABSENT:
            ours = _objection(place, value, known, limits)
            if ours != ABSENT:
                found.append((name, value, ours))
    return found


def _objection(
    place: tuple[int, str, str],
    value: int,
    known: Mapping[tuple[int, str, str], int],
    limits: Any,
) -> int:
    """The number that this threshold should not be looser than; ABSENT when it is not."""
    level, quantity, kind = place
    side = SIDES[quantity]
    if kind != SET:
        own = known.get((level, quantity, SET), ABSENT)
        return own if own != ABSENT and (value - own) * side > 0 else ABSENT
    ours = _level_3(limits, quantity)
    if ours != ABSENT and (value - ours) * side > 0:
        return ours
    for higher in range(level + 1, len(LEVELS)):
        theirs = known.get((higher, quantity, SET), ABSENT)
        if theirs != ABSENT and (value - theirs) * side > 0:
            return theirs
    return ABSENT


def _level_3(limits: Any, quantity: str) -> int:
    levels = limits.get(RULE_OF.get(quantity, ""), None)
    if levels is None or levels[_LEVEL_3] is None:
        return ABSENT
    return int(levels[_LEVEL_3].set_point)
