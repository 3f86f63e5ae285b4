"""A short run of each protection benchmark: does it measure what it says, and can it fail?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_tools.bench import protection_proof, protection_speed, quiet_day, trip_latency
from host_tools.bench.rounds import QUICK
from host_tools.bench.trip_drill import Found, Trip
from host_tools.errors import UserError
from host_tools.protection_matrix import fault_matrix
from host_tools.protection_matrix.fault_matrix import Outcome


def test_an_evaluation_takes_time_and_no_heap(need) -> None:
    for tool in ("taskset", "micropython"):
        need(tool)
    heap, time = protection_speed.measure(QUICK)
    assert (heap.value, heap.met) == (0, True)
    assert 5 < (time.value or 0) < 5000
    us = {kind: series["median"] for kind, series in time.details["us"]["micropython"].items()}
    assert us["healthy between"] < us["healthy fresh"] < us["healthy scans"]


def test_a_quiet_hour_has_no_trip_and_its_harness_can_trip() -> None:
    found = quiet_day._day([0, 1], 0.02)
    assert (found["trips"], found["tripped_at_the_end"], found["lost_changes"]) == (0, True, 0)
    assert found["evaluations"] == (15 + 72) * 2 * 2


def test_a_trip_or_a_blind_harness_is_no_good_day() -> None:
    day = {
        "levels": {"rack cell_overvoltage 1": 2, "rack cell_overvoltage 3": 1},
        "trips": 1,
        "lost_changes": 0,
        "evaluations": 1,
        "soc_pm": [400, 600],
        "temp_dc": [200, 300],
        "tripped_at_the_end": True,
    }
    metric = quiet_day._metric([day, day], 24)
    assert (metric.value, metric.met) == (2, False)
    assert "levels 1 and 2: 4" in metric.details["note"]
    blind = quiet_day._metric([day, day | {"tripped_at_the_end": False}], 24)
    assert (blind.value, blind.met) == (None, False)


def test_the_load_of_a_day_moves_no_charge() -> None:
    hours = [quiet_day._load(minute * 60_000 + 20_000) for minute in range(24 * 60)]
    assert max(hours) > 0.4 and min(hours) < -0.5
    assert abs(sum(hours) / 60) < 0.1


def test_a_trip_that_is_missing_leaves_no_latency() -> None:
    found = Found(trips=[Trip(0, 2000 + ms, ms) for ms in (100, 200, 700)], begun=3)
    metric = trip_latency._metric("trip_latency_ms", found, 620)
    assert (metric.value, metric.met) == (700, False)
    assert (metric.details["p50_ms"], metric.details["over_bound"]) == (200, 1)
    found.missed = 1
    assert trip_latency._metric("trip_latency_ms", found, 620).value is None


def test_missed_trips_are_named_and_residual_risks_counted(monkeypatch) -> None:
    def outcome(fault: str, open_ms: int | None) -> Outcome:
        return Outcome(fault, "cell_overvoltage", 1000, None, open_ms, "", True)

    some = [outcome("late", 900), outcome("late", 1100), outcome("stuck", None)]
    monkeypatch.setattr(fault_matrix, "outcomes", lambda: iter(some))
    metric = protection_proof.missed_trips(None)
    assert (metric.value, metric.details["residual"]) == (1, 1)
    assert metric.details["missed"] == ["late hides cell_overvoltage"]
    assert protection_proof.missed_trips(1).met


def test_a_score_counts_only_when_every_mutant_was_tried(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "mutation.json"
    monkeypatch.setattr(protection_proof, "MUTATIONS", path)
    assert protection_proof.mutation_score().value is None
    found = {"score": 0.97, "killed": 97, "survived": 3, "untried": 0, "complete": True}
    path.write_text(json.dumps(found))
    assert protection_proof.mutation_score().met
    for gap in ({"untried": 1}, {"complete": False}):
        path.write_text(json.dumps(found | gap))
        assert protection_proof.mutation_score().value is None
    path.write_text("[]")
    with pytest.raises(UserError, match="holds no verdicts"):
        protection_proof.mutation_score()
