"""Cases of the rules that look at a rack: what is driven, and how long it takes.

Where a value of the summary alone is told, nothing else of the rack crosses a limit.
"""

from __future__ import annotations

from typing import Any

from host_tools.protection_matrix.case import Case, Tree


def _driven(rule: str, level: int, kind: str = "", **settings: Any) -> Case:
    """Driven by the fault of that name, to the target that it has for the level."""
    fault: Tree = {"kind": kind or rule, "level": level} | settings
    return Case(rule, level, (fault,))


def _told(rule: str, level: int, **values: int) -> Case:
    """The summary tells these values."""
    return Case(rule, level, tuple(_tell(name, value) for name, value in values.items()))


def _tell(field: str, value: int, **times: float) -> Tree:
    return {"kind": "implausible", "field": field, "target": value} | times


def _current(rule: str, level: int, target: float, end: float) -> Case:
    """A current in parts of the rating that keeps whatever is granted, for `end` seconds."""
    kind = "charge_overcurrent" if target > 0 else "discharge_overcurrent"
    fault = {"kind": kind, "level": 0, "target": target, "end": end}
    return Case(rule, level, (fault,))


VOLTAGES = (
    *(_driven("cell_overvoltage", level) for level in (1, 2, 3)),
    *(_driven("cell_undervoltage", level) for level in (1, 2, 3)),
    # The mean goes along, so that the sum of the cells fits.
    _told("rack_overvoltage", 1, rack_voltage_dv=14600, cell_mean_mv=3510),
    _told("rack_overvoltage", 2, rack_voltage_dv=14800, cell_mean_mv=3558),
    _told("rack_overvoltage", 3, rack_voltage_dv=14950, cell_mean_mv=3594),
    _told("rack_undervoltage", 1, rack_voltage_dv=12000, cell_mean_mv=2885),
    _told("rack_undervoltage", 2, rack_voltage_dv=11500, cell_mean_mv=2764),
    _told("rack_undervoltage", 3, rack_voltage_dv=11000, cell_mean_mv=2644),
)

COMPARISONS = (
    *(_driven("voltage_sum", level) for level in (1, 2)),
    *(_driven("insulation", level) for level in (1, 2, 3)),
    *(_driven("voltage_spread", level) for level in (1, 2, 3)),
    Case("voltage_rate", 1, ({"kind": "voltage_rate", "level": 1},), takes_s=(0.5, 3.0)),
    Case("voltage_rate", 3, ({"kind": "voltage_rate", "level": 3},), takes_s=(1.5, 7.5)),
    # It reads open while a current flows; that obeys its limit in the first case only.
    _told("contactor_mismatch", 2, contactor_state=0),
    Case(
        "contactor_mismatch",
        3,
        (
            _tell("contactor_state", 0),
            {"kind": "discharge_overcurrent", "level": 0, "target": -0.1},
        ),
    ),
)

TEMPERATURES = (
    *(_driven("charge_overtemperature", level) for level in (1, 2)),
    _driven("charge_overtemperature", 3, target=610),
    *(_driven("discharge_overtemperature", level) for level in (1, 2)),
    _driven("discharge_overtemperature", 3, target=640),
    _driven("charge_undertemperature", 1),
    # At 0 degC the curve takes the current at once. It gives it back at 3 degC, the rule does not.
    Case(
        "charge_undertemperature",
        2,
        (
            {"kind": "charge_undertemperature", "level": 2},
            {"kind": "charge_undertemperature", "level": 0, "target": 30, "begin": 8},
        ),
        takes_s=(0.0, 1.5),
        steady_s=14.0,
    ),
    *(_driven("discharge_undertemperature", level) for level in (1, 2, 3)),
    # A level 2 stops the current after 5 s, and it goes on.
    Case(
        "stop_not_respected",
        3,
        (
            {"kind": "voltage_sum", "level": 2},
            {"kind": "discharge_overcurrent", "level": 0, "target": -0.1},
        ),
        takes_s=(8.0, 15.0),
    ),
)

DATA = (
    # A limit reaches a silent rack once it answers again.
    Case("comm_loss", 1, ({"kind": "rack_silent", "level": 0, "end": 2.5},), takes_s=(2.4, 5.0)),
    Case("comm_loss", 2, ({"kind": "rack_silent", "level": 0, "end": 7},), takes_s=(6.9, 9.5)),
    Case("comm_loss", 3, ({"kind": "rack_silent", "level": 0, "end": 13},)),
    *(
        Case("heartbeat_frozen", level, ({"kind": "frozen", "what": "heartbeat", "end": end},))
        for level, end in ((1, 5.0), (2, 10.0), (3, 18.0))
    ),
    *(
        # The first scan after it may still bring what the one before did not have.
        Case(
            "values_frozen",
            level,
            ({"kind": "frozen", "what": "values", "end": end},),
            takes_s=(end - 4, end + 2),
        )
        for level, end in ((1, 8.0), (2, 12.0), (3, 16.0))
    ),
    *(
        Case("implausible", level, ({"kind": "implausible", "end": end},))
        for level, end in ((1, 1.5), (2, 5.0), (3, 18.0))
    ),
)

CURRENTS = (
    *(_current("charge_overcurrent", level, 1 + level / 10, 13) for level in (1, 2, 3)),
    *(_current("discharge_overcurrent", level, -1 - level / 10, 13) for level in (1, 2, 3)),
    _driven("charge_peak_current", 3),
    _driven("discharge_peak_current", 3),
    _driven("cold_charging", 3),
    _driven("deep_discharge", 3),
)

BUDGETS = (
    *(
        Case(
            f"{direction}_peak_budget",
            level,
            (
                {
                    "kind": f"{direction}_overcurrent",
                    "level": 0,
                    "target": target,
                    "end": end,
                },
            ),
            takes_s=takes_s,
        )
        for direction, target in (("charge", 1.5), ("discharge", -1.5))
        # 10 % of the budget after 7.2 s, 15 % after 10.8 s
        for level, end, takes_s in ((1, 9.5, (7.0, 10.0)), (2, 13.5, (10.5, 13.4)))
    ),
    # One cell in one whole scan, in three of them, two cells in two.
    Case(
        "bad_cells",
        1,
        ({"kind": "bad_cells", "level": 0, "target": 1, "end": 5},),
        takes_s=(0.0, 8.5),
    ),
    Case("bad_cells", 2, ({"kind": "bad_cells", "level": 2},), takes_s=(5.0, 17.0)),
    Case("bad_cells", 3, ({"kind": "bad_cells", "level": 3},), takes_s=(1.0, 13.0)),
    Case("precharge", 1, ({"kind": "precharge", "level": 1},), takes_s=(2.0, 5.0)),
    Case("precharge", 3, ({"kind": "precharge", "level": 3},), takes_s=(12.0, 16.5)),
)

_EARLY_S = 6.0
RISES = (
    *(
        Case(
            "temp_rise",
            level,
            ({"kind": "temp_rise", "level": level},),
            at=_EARLY_S,
            takes_s=takes_s,
        )
        for level, takes_s in ((1, (20.0, 48.0)), (2, (30.0, 50.0)), (3, (20.0, 45.0)))
    ),
    Case(
        "temp_rise_hot",
        3,
        ({"kind": "temp_rise_hot", "level": 3},),
        at=_EARLY_S,
        takes_s=(25.0, 50.0),
    ),
    # There from the start: a jump would be a rise.
    *(
        Case("temp_spread", level, ({"kind": "temp_spread", "level": level},), at=0.0)
        for level in (1, 2)
    ),
    # What is allowed without the ramp is the whole rating.
    *(
        Case(
            "limit_not_respected",
            level,
            ({"kind": "discharge_overcurrent", "level": 0, "target": target, "end": end},),
        )
        for level, target, end in ((1, -1.07, 8), (2, -1.15, 8), (3, -1.4, 18))
    ),
)
