"""What the names of the limits set in a BMS say: `level2_cell_over_set_mv`.

In this order: the level, what is watched, whether the alarm is set or cleared there, the unit.
"""

from __future__ import annotations

LEVELS = ("pre", "level1", "level2")  # warning, no more current, contactor opens
# (what is watched, 1 = too high, -1 = too low)
QUANTITIES = (
    ("cell_over", 1),
    ("cell_under", -1),
    ("rack_over", 1),
    ("rack_under", -1),
    ("charge_over", 1),
    ("discharge_over", 1),
    ("charge_hot", 1),
    ("charge_cold", -1),
    ("discharge_hot", 1),
    ("discharge_cold", -1),
    ("soc_low", -1),
    ("pole_hot", 1),
    ("insulation", -1),
    ("cell_spread", 1),
    ("rack_spread", 1),
    ("temp_spread", 1),
)
SIDES = dict(QUANTITIES)
SET = "set"
CLEAR = "clear"


def split(name: str) -> tuple[int, str, str] | None:
    """(level 0 to 2, what is watched, "set" or "clear"); None for a name of another kind.

    Allocates.
    """
    words = name.split("_")
    quantity = "_".join(words[1:-2])
    if len(words) < 4 or words[0] not in LEVELS or quantity not in SIDES:
        return None
    if words[-2] not in (SET, CLEAR):
        return None
    return LEVELS.index(words[0]), quantity, words[-2]
