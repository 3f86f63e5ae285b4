"""Readings that a fault drives past a limit: which one, how far, and what has to answer."""

from __future__ import annotations

from dataclasses import dataclass

# Both exist in every product: the smallest racks have 208 cells and 104 sensors.
_CELL = 137
_SENSOR = 60


@dataclass(frozen=True)
class Reading:
    """`rule` is the protection that has to answer; `field` the summary value that shows it.

    `above` tells to which side the value goes; `field` is None where nothing is served any more.
    """

    rule: str
    field: str | None
    above: bool
    quantity: str  # a key of RackUnit.forced
    target: float = 0.0  # mV, 0.1 degC, or parts of the rated discharge current
    index: int = 0


READINGS = {
    "cell_overvoltage": Reading("cell_overvoltage", "cell_max_mv", True, "cell_mv", 3700, _CELL),
    "cell_undervoltage": Reading(
        "cell_undervoltage", "cell_min_mv", False, "cell_mv", 2300, _CELL
    ),
    "overtemperature": Reading("overtemperature", "temp_max_dc", True, "temp_dc", 650, _SENSOR),
    "overcurrent": Reading("discharge_overcurrent", "rack_current_da", False, "load", -1.4),
    "rack_silent": Reading("comm_loss", None, False, "silence"),
}
