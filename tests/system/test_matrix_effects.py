"""The checks of the protection matrix themselves: they find what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from matrix_effects import Effects, Record

from host_tools.protection_matrix.runs import cases

CASES = cases()
RISING = [
    [ms, name, ms // 67]
    for ms in (1000, 4000, 7000, 8500)
    for name in ("charge_limit_da", "discharge_limit_da")
]
ZERO = [[9300, "charge_limit_da", 0], [9300, "discharge_limit_da", 0]]
DERATED = [[13300, "charge_limit_da", 47]]
STAYS = {"rack01": [[3200, True]]}


def opened() -> Record:
    """Of level 3 of cell over-voltage."""
    return {
        "racks": ["rack01"],
        "end_ms": 18000,
        "levels": [[9100, 0, "cell_overvoltage", 3, True]],
        "relays": {"rack01": [[3200, True], [9400, False], [18000, False]]},
        "contactors": {"rack01": [[3210, True], [9405, False]]},
        "limits": {"rack01": RISING + ZERO},
        "open_commands": {"rack01": [9410]},
    }


def derated() -> Record:
    """Of level 1."""
    return opened() | {
        "levels": [[13100, 0, "cell_overvoltage", 1, True]],
        "relays": STAYS,
        "contactors": {"rack01": [[3210, True]]},
        "limits": {"rack01": RISING + DERATED},
        "open_commands": {"rack01": []},
    }


def check(record: Record, level: int) -> None:
    run, case = CASES["cell_overvoltage", level]
    Effects(record, run, case, 0).check()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"levels": []},
        {"levels": [[9100, 0, "cell_overvoltage", 2, True]]},
        {"levels": [[9000, 0, "insulation", 3, True], [9100, 0, "cell_overvoltage", 3, True]]},
        {"relays": STAYS},
        {"relays": {"rack01": [[3200, True], [7900, False]]}},
        {"relays": {"rack01": [[3200, True], [14400, False], [18000, False]]}},
        {"contactors": {"rack01": [[3210, True]]}},
        {"open_commands": {"rack01": []}},
        {"limits": {"rack01": RISING + ZERO[:1]}},
        {"limits": {"rack01": RISING + ZERO[1:]}},
    ],
)
def test_a_trip_without_all_of_its_effect_is_noticed(spoilt: dict[str, Any]) -> None:
    check(opened(), 3)
    with pytest.raises(AssertionError):
        check(opened() | spoilt, 3)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"levels": []},
        {"levels": [[9000, 0, "insulation", 1, True], *derated()["levels"]]},
        {"relays": {"rack01": [[3200, True], [13400, False]]}},
        {"open_commands": {"rack01": [13400]}},
        {"limits": {"rack01": RISING}},
        {"limits": {"rack01": [*RISING, [13300, "charge_limit_da", 40]]}},
        {"limits": {"rack01": [*RISING, [17300, "charge_limit_da", 47]]}},
        {"limits": {"rack01": [*RISING, *DERATED, [13900, "charge_limit_da", 200]]}},
        {"limits": {"rack01": [*RISING, *DERATED, [13300, "discharge_limit_da", 47]]}},
    ],
)
def test_a_limit_that_is_wrong_is_noticed(spoilt: dict[str, Any]) -> None:
    check(derated(), 1)
    with pytest.raises(AssertionError):
        check(derated() | spoilt, 1)
