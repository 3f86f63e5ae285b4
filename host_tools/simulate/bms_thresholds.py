"""The limits that are set in the simulated rack BMS, for maps that let a master read them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.rack.threshold_names import SET, SIDES, split
from host_tools.simulate.bms_rules import ALARMS

_CELL_OVER, _CELL_UNDER, _MEAN_OVER, _MEAN_UNDER, _CHARGE, _DISCHARGE, _HOT, _COLD = (
    row[3:] for row in ALARMS
)
# What is watched: set points of the three levels, distance to the clear point. Voltages of the
# rack are per cell here (mV), currents in 0.1 % of the rated one. What ALARMS does not have are
# usual values: this BMS does not act on them.
_LIMITS: dict[str, tuple[tuple[int, ...], int]] = {
    "cell_over": (_CELL_OVER, 50),
    "cell_under": (_CELL_UNDER, 100),
    "rack_over": (_MEAN_OVER, 50),
    "rack_under": (_MEAN_UNDER, 100),
    "charge_over": (_CHARGE, 50),
    "discharge_over": (_DISCHARGE, 50),
    "charge_hot": (_HOT, 30),
    "charge_cold": (_COLD, 30),
    "discharge_hot": (_HOT, 30),
    "discharge_cold": (_COLD, 30),
    "soc_low": ((200, 100, 50), 20),
    "pole_hot": ((700, 800, 900), 50),
    "insulation": ((1000, 500, 200), 100),
    "cell_spread": ((200, 300, 400), 50),
    "rack_spread": ((50, 80, 100), 10),
    "temp_spread": ((100, 150, 200), 20),
}


def thresholds(
    names: Iterable[str], cells: int, charge_da: int, discharge_da: int
) -> dict[str, int]:
    """Value of each threshold that is known here, in the unit of its name."""
    factors = {
        "rack_over": cells / 100,
        "rack_under": cells / 100,
        "charge_over": charge_da / 1000,
        "discharge_over": discharge_da / 1000,
    }
    found = {}
    for name in names:
        place = split(name)
        if place is not None:
            level, quantity, kind = place
            set_points, to_clear = _LIMITS[quantity]
            value = set_points[level]
            if kind != SET:
                value -= SIDES[quantity] * to_clear
            found[name] = round(value * factors.get(quantity, 1))
    return found
