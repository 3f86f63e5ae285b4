"""Every fault of a reading, against the gateway's own protection: it leads where it says."""

from __future__ import annotations

import typing

import pytest
from protected_rack import ProtectedRack

from gateway.protection import rules
from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault
from host_tools.simulate.readings import READINGS

SITE = "celestial-energy-835-690v-0.5c"  # two racks of 416 cells
HALF = "celestial-energy-835-400v-0.5c"  # of 208
LARGE = "energalactic-3727-1c"  # 280 A at discharge, 140 A at charge
JOINED_MS = 8_000
SECONDS = {
    ("temp_spread", 1): 70,
    ("temp_rise", 1): 120,
    ("temp_rise", 2): 70,
    ("temp_rise", 3): 40,
    ("temp_rise_hot", 3): 40,
    ("voltage_spread", 1): 70,
    ("voltage_spread", 2): 70,
}
AT_REST = ("voltage_spread",)
FROM_THE_START = ("temp_spread",)  # a jump would be a rise as well
CASES = [
    (kind, level)
    for kind, reading in READINGS.items()
    for level, push in enumerate(reading.levels, 1)
    if push
]
CURRENTS = [case for case in CASES if "current" in case[0] or "budget" in case[0]]
SCALED = ("rack_overvoltage", "rack_undervoltage", "voltage_sum", "insulation")


def patient_with_limits(tree: dict[str, typing.Any]) -> None:
    """A current above the rating breaks the limit sent, too; here the other rule is looked at."""
    for level, set_pm in (("l1", 1400), ("l2", 1450), ("l3", 1500)):
        tree["limits"]["limit_not_respected"][level]["set"] = set_pm


def struck(slug: str, kind: str, level: int) -> ProtectedRack:
    overcurrent = kind.endswith("_overcurrent") and level < 3
    bench = ProtectedRack(
        slug,
        load=0.0 if kind in AT_REST else None,
        changed=patient_with_limits if overcurrent else lambda tree: None,
    )
    if kind not in FROM_THE_START:
        bench.run(JOINED_MS)
        bench.grant_everything()
        bench.run(500)
    fault = ReadingFault.model_validate({"kind": kind, "level": level})
    faults.begin(bench.site, fault, 0)
    bench.run(1000 * SECONDS.get((kind, level), 25))
    return bench


def check(slug: str, kind: str, level: int) -> None:
    bench = struck(slug, kind, level)
    if kind == "rack_silent":
        assert bench.rack.silent
        return
    assert bench.levels[READINGS[kind].rules[0]] == level
    if level == 3:
        assert bench.tripped_by in READINGS[kind].rules
    else:
        assert bench.tripped_by == ""


@pytest.mark.parametrize(("kind", "level"), CASES)
def test_a_fault_leads_to_its_level_and_to_no_other_trip(kind: str, level: int) -> None:
    check(SITE, kind, level)


@pytest.mark.parametrize(("kind", "level"), [case for case in CASES if case[0] in SCALED])
def test_also_in_a_rack_of_half_the_cells(kind: str, level: int) -> None:
    check(HALF, kind, level)


@pytest.mark.parametrize(("kind", "level"), CURRENTS)
def test_also_with_two_ratings(kind: str, level: int) -> None:
    check(LARGE, kind, level)


def test_a_healthy_rack_comes_to_no_level_at_all() -> None:
    bench = ProtectedRack(SITE)
    bench.run(JOINED_MS)
    bench.grant_everything()
    bench.run(130_000)  # a whole period of the load
    assert bench.levels == dict.fromkeys(bench.levels, 0)
    assert bench.tripped_ms is None


def test_every_rule_of_a_rack_has_a_fault() -> None:
    others = {
        "comm_loss",
        "heartbeat_frozen",
        "values_frozen",
        "implausible",
        "contactor_mismatch",
        "stop_not_respected",  # any level 2 with a current that keeps flowing
    }
    named = {rule for reading in READINGS.values() for rule in reading.rules}
    assert named | others == set(rules.NAMES[: rules.RACK_RULES])
    assert set(typing.get_args(ReadingFault.model_fields["kind"].annotation)) == set(READINGS)
