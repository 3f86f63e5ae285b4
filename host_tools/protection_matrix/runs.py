"""The runs: which cases share a site, with which settings.

Racks are independent here (no shared DC bus), level 1 leaves 3 % of the rating and not a half, and
the derating curves leave as much as they may. What is granted rises by 1 % of the rating per
second, so no curve is below it within 25 s: a limit that falls was taken down by a rule.
"""

from __future__ import annotations

from host_tools.protection_matrix import rack_cases, site_cases
from host_tools.protection_matrix.case import SMALL, Case, Pair, Run, Tree
from host_tools.site.compile import merge

DERATED_PM = 30
CURVES = {
    "charge_by_cell_max_mv": [[3599, 1000], [3600, 250], [3649, 250], [3650, 0]],
    "charge_by_temp_min_dc": [[0, 0], [1, 1000]],
    "charge_by_temp_max_dc": [[549, 1000], [550, 250], [599, 250], [600, 0]],
    "discharge_by_cell_min_mv": [[2500, 0], [2501, 250], [2800, 250], [2801, 1000]],
    "discharge_by_temp_min_dc": [[-300, 0], [-299, 250], [-200, 250], [-199, 1000]],
    "discharge_by_temp_max_dc": [[549, 1000], [550, 250], [599, 250], [600, 0]],
}
_COMMON: Tree = {
    "derate_l1_pm": DERATED_PM,
    "curves": CURVES,
    "outputs": {"shared_dc_bus": 0},
}
LOAD = -0.5  # of the rating: a current flows wherever one is granted

# For a current that ignores its limit, so that another rule of it is seen first.
_LATER = {"l1": {"delay_ms": 60000}, "l2": {"delay_ms": 60000}, "l3": {"delay_ms": 15000}}
_PATIENT = {"limit_not_respected": _LATER}
_SMALL_BUDGETS: dict[str, Tree] = {
    "peak_budget": {"l1": {"set": 100, "clear": 50}, "l2": {"set": 150, "clear": 100}},
    "peak_current": {"l3": {"set": 3297}},
    "overcurrent": _LATER,
}
_CONTACTS = (
    ("gas-1", "gas_low"), ("gas-2", "gas_low"), ("gas-high", "gas_high"), ("smoke-1", "smoke"),
    ("smoke-2", "smoke"), ("door", "door"), ("leak", "leak"),
)  # fmt: skip
_RELAYS = {"site_relay": 13, "ventilation_relay": 14, "suppression_relay": 15}


def _site(*contacts: tuple[str, str]) -> Tree:
    """Settings of a site with these inputs and all three relays of its own."""
    inputs = [{"name": "reset", "number": 0, "role": "reset"}]
    for number, (name, role) in enumerate(contacts, 1):
        inputs.append({"name": name, "number": number, "role": role})
    return {"inputs": inputs, "outputs": _RELAYS}


def _run(
    name: str, title: str, seconds: int, cases: tuple[Case, ...], config: Tree | None = None
) -> Run:
    return Run(name, title, seconds, cases, config=merge(_COMMON, config or {}))


LARGE_RUNS = (
    _run("voltages", "voltages of cells and racks", 18, rack_cases.VOLTAGES),
    _run(
        "comparisons",
        "sums, spreads, rates, insulation, contactors",
        20,
        rack_cases.COMPARISONS,
        {"limits": {"voltage_spread": {"l1": {"delay_ms": 5000}, "l2": {"delay_ms": 5000}}}},
    ),
    _run(
        "temperatures",
        "temperatures in both directions, a stop that is not kept",
        24,
        rack_cases.TEMPERATURES,
        {
            # one direction must trip without the other
            "limits": {
                "charge_overtemperature": {"l3": {"delay_ms": 10000}},
                "discharge_overtemperature": {"l3": {"set": 620}},
                "stop_not_respected": {"l3": {"delay_ms": 4000}},
            },
            "derating": {"hold_ms": 0},
        },
    ),
    _run(
        "data",
        "silence, frozen and void data",
        28,
        rack_cases.DATA,
        {
            "limits": {
                "comm_loss": {"l2": {"set": 5000}},
                "heartbeat_frozen": {"l2": {"set": 8000}},
                # answers that cannot be believed are silence, too
                "implausible": {"l2": {"set": 3000}, "l3": {"set": 8000}},
                "values_frozen": {
                    "l1": {"set": 5000, "clear": 3000},
                    "l2": {"set": 9000, "clear": 3000},
                    "l3": {"set": 13000, "clear": 3000},
                },
            }
            | _PATIENT,
            "poll": {"scan_period_ms": 2000, "temp_period_ms": 2000},
        },
    ),
    _run(
        "currents",
        "currents that ignore their limits",
        25,
        rack_cases.CURRENTS,
        {
            "limits": _PATIENT
            | {
                "cell_undervoltage": {"l3": {"delay_ms": 5000}},
                "deep_discharge": {"l3": {"delay_ms": 2000}},
            }
        },
    ),
    _run(
        "budgets",
        "peak budgets, lost cells, precharges",
        27,
        rack_cases.BUDGETS,
        {
            # The rating is 1 C here, and a tenth of the budget is gone before a current trips.
            "capacity_dah": 1570,
            "charge_rate_pm": 1000,
            "discharge_rate_pm": 1000,
            "limits": _PATIENT
            | {
                f"{direction}_{what}": limits
                for direction in ("charge", "discharge")
                for what, limits in _SMALL_BUDGETS.items()
            }
            | {"bad_cells": {"l2": {"delay_ms": 5000}}},
        },
    ),
    _run(
        "rises",
        "temperatures that rise or lie apart, limits that are not kept",
        58,
        rack_cases.RISES,
        {
            "limits": {
                "temp_spread": {"l1": {"delay_ms": 10000}},
                "temp_rise": {"l1": {"delay_ms": 10000}},
                "discharge_overcurrent": _LATER,
            },
            "poll": {"temp_period_ms": 2000},
        },
    ),
)

SMALL_RUNS = tuple(
    Run(name, title, seconds, cases, SMALL, merge(_COMMON, config), extra)
    for name, title, seconds, cases, config, extra in (
        (
            "door_and_leak", "an open door, then water", 14, site_cases.DOOR_AND_LEAK,
            _site(*_CONTACTS), (),
        ),
        (
            "coolant", "the coolant stops, with cells above 40 degC", 15, site_cases.COOLANT,
            merge(_site(("coolant", "coolant")), site_cases.COOLANT_SOONER),
            site_cases.WARM,
        ),
        ("gas", "one gas detector, two, second threshold", 16, site_cases.GAS,
         _site(*_CONTACTS), ()),
        (
            "smoke", "one smoke detector, for some time, a second one", 17, site_cases.SMOKE,
            merge(_site(*_CONTACTS), site_cases.SMOKE_SOONER), (),
        ),
        ("estop", "the emergency stop", 12, site_cases.ESTOP, _site(("estop", "estop")), ()),
    )
)  # fmt: skip

# Not a pair of its own: a contactor that cannot open takes the breaker of the site.
ESCALATION = Run(
    "escalation",
    "a welded contactor carries on after the trip",
    18,
    (),
    SMALL,
    merge(_COMMON, _site()),
    site_cases.WELDED,
    ((1, ("contactor_mismatch",), 3),),
)

RUNS = (*LARGE_RUNS, *SMALL_RUNS, ESCALATION)


def cases() -> dict[Pair, tuple[Run, Case]]:
    """Every case with its run; ValueError when a pair has two."""
    found: dict[Pair, tuple[Run, Case]] = {}
    for run in RUNS:
        for case in run.cases:
            if case.pair in found:
                raise ValueError(f"{case.name} is in {run.name} and {found[case.pair][0].name}")
            found[case.pair] = run, case
    return found
