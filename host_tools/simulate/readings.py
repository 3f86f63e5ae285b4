"""Readings that a fault drives past a limit: which ones, how far, and what has to answer.

A kind of fault is called after its rule. Targets are chosen so that, with the default limits of
any product, the rack comes to that level of the rule and to no trip by another one.
"""

from __future__ import annotations

from dataclasses import dataclass

# Both exist in every product: the smallest racks have 208 cells and 104 sensors.
_CELL = 137
_SENSOR = 60
_MINUTE_S = 60


@dataclass(frozen=True)
class Push:
    """How far `quantity` goes (its unit: see `distortion`), at once or by `rate` per second."""

    quantity: str
    target: float
    index: int = 0
    rate: float = 0.0


@dataclass(frozen=True)
class Reading:
    """`rules` are the protections of which one has to answer, the one that is meant first.

    `levels` is what drives it to level 1, 2 and 3, None where the rule has no such level or where
    no single reading leads there; `also` comes along at every level. `field` is the summary value
    that shows the crossing, times `sign` in the unit of the rule's limit, and `above` tells to
    which side it goes; None where no single value does.
    """

    rules: tuple[str, ...]
    levels: tuple[Push | None, Push | None, Push | None]
    field: str | None = None
    above: bool = True
    sign: int = 1
    also: tuple[Push, ...] = ()

    @property
    def highest(self) -> int:
        """The highest level it can be driven to."""
        return max(level for level, push in enumerate(self.levels, 1) if push)


def _targets(
    quantity: str, first: float | None, second: float | None, third: float | None, index: int = 0
) -> tuple[Push | None, Push | None, Push | None]:
    one, two, three = (
        None if target is None else Push(quantity, target, index)
        for target in (first, second, third)
    )
    return one, two, three


_HOT = ("charge_overtemperature", "discharge_overtemperature")
# Below the plateau, where a single low cell is not judged by its distance to the others.
_LOW_RACK = (Push("cells_mv", 3150),)
_UNHEEDED = "limit_not_respected"  # a current beyond the rating is beyond the limit sent, too

READINGS = {
    "cell_overvoltage": Reading(
        ("cell_overvoltage",), _targets("cell_mv", 3550, 3620, 3700, _CELL), "cell_max_mv"
    ),
    "cell_undervoltage": Reading(
        ("cell_undervoltage",),
        _targets("cell_mv", 2850, 2700, 2300, _CELL), "cell_min_mv", above=False, also=_LOW_RACK,
    ),
    # The cell is under-voltage long before it counts as deeply discharged.
    "deep_discharge": Reading(
        ("cell_undervoltage", "deep_discharge"),
        _targets("cell_mv", None, None, 1900, _CELL), "cell_min_mv", above=False, also=_LOW_RACK,
    ),
    "rack_overvoltage": Reading(
        ("rack_overvoltage",), _targets("cells_mv", 3520, 3565, 3620), "rack_voltage_dv"
    ),
    "rack_undervoltage": Reading(
        ("rack_undervoltage",),
        _targets("cells_mv", 2870, 2760, 2680), "rack_voltage_dv", above=False,
    ),
    "voltage_sum": Reading(("voltage_sum",), _targets("sum_mv", 18, 30, None)),
    "charge_overcurrent": Reading(
        ("charge_overcurrent", _UNHEEDED), _targets("load", 1.1, 1.2, 1.3), "rack_current_da"
    ),
    "discharge_overcurrent": Reading(
        ("discharge_overcurrent", _UNHEEDED),
        _targets("load", -1.1, -1.2, -1.3), "rack_current_da", above=False, sign=-1,
    ),
    # Above 1.05 times the rating there is no budget at all at such a state of charge.
    "charge_peak_budget": Reading(
        ("charge_peak_budget",),
        _targets("load", None, 1.12, None), also=(Push("soc_pm", 900),),
    ),
    "discharge_peak_budget": Reading(
        ("discharge_peak_budget",),
        _targets("load", None, -1.12, None), also=(Push("soc_pm", 200),),
    ),
    "charge_peak_current": Reading(
        ("charge_peak_current",), _targets("load_c", None, None, 2.2), "rack_current_da"
    ),
    "discharge_peak_current": Reading(
        ("discharge_peak_current",),
        _targets("load_c", None, None, -2.2), "rack_current_da", above=False, sign=-1,
    ),
    "charge_overtemperature": Reading(
        _HOT, _targets("hottest_dc", 520, 570, 620), "temp_max_dc"
    ),
    "discharge_overtemperature": Reading(
        _HOT[::-1], _targets("hottest_dc", 520, 570, 620), "temp_max_dc"
    ),
    "charge_undertemperature": Reading(
        ("charge_undertemperature",), _targets("coldest_dc", 30, -20, None)
    ),
    "discharge_undertemperature": Reading(
        ("discharge_undertemperature",),
        _targets("coldest_dc", -150, -250, -330), "temp_min_dc", above=False,
    ),
    "cold_charging": Reading(
        ("cold_charging", _UNHEEDED),
        _targets("load", None, None, 0.3), also=(Push("coldest_dc", -20),),
    ),
    "temp_spread": Reading(("temp_spread",), _targets("apart_dc", 90, 200, None, _SENSOR)),
    "temp_rise": Reading(
        ("temp_rise",),
        (
            Push("temp_dc", 590, _SENSOR, 20 / _MINUTE_S),
            Push("temp_dc", 590, _SENSOR, 60 / _MINUTE_S),
            Push("temp_dc", 590, _SENSOR, 300 / _MINUTE_S),
        ),
    ),
    "temp_rise_hot": Reading(
        ("temp_rise_hot",),
        (None, None, Push("temp_dc", 590, _SENSOR, 95 / _MINUTE_S)),
        also=(Push("hottest_dc", 470),),
    ),
    "voltage_spread": Reading(
        ("voltage_spread",), _targets("cell_mv", 3360, 3460, 2700, _CELL)
    ),
    "voltage_rate": Reading(
        ("voltage_rate",),
        (Push("cell_mv", 2950, _CELL, 60), None, Push("cell_mv", 2560, _CELL, 150)),
    ),
    "insulation": Reading(
        ("insulation",),
        _targets("insulation_per_cell", 2600, 1000, 200), "insulation_kohm", above=False,
    ),
    "bad_cells": Reading(("bad_cells",), _targets("void_cells", None, 1, 2)),
    # Where the limit is the rating, it is an over-current as well.
    "limit_not_respected": Reading(
        (_UNHEEDED, "discharge_overcurrent", "charge_overcurrent"),
        _targets("load_limit", -1.07, -1.15, -1.4),
    ),
    "precharge": Reading(("precharge",), _targets("precharge", 1, None, 3)),
    "rack_silent": Reading(("comm_loss",), _targets("silence", None, None, 1)),
}  # fmt: skip
