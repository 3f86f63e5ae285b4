"""Timelines that a site sees once in years, and that no random walk of minutes finds."""

from __future__ import annotations

import sample_site
from engine_adapter import Twin
from timeline_bench import TimelineBench

DAY_MS = 86400000


def test_ten_days_of_silence_are_a_gap_like_any_other() -> None:
    """Half of the delay before it and half after it trip, as with any stale time between."""
    twin = Twin()
    twin.put({"rack_current_da": 1962})
    for _ in range(2):
        twin.fresh(500)
    twin.wait(10 * DAY_MS, DAY_MS // 4)
    for _ in range(4):
        twin.fresh(100)


def test_the_first_data_after_twelve_days_are_granted_a_current_like_any() -> None:
    twin = Twin()
    twin.wait(12 * DAY_MS, DAY_MS // 4)
    for _ in range(80):
        twin.fresh(500)
    assert twin.decision.charge_da > 0


def test_three_detectors_at_the_first_threshold_of_gas_are_two_of_n() -> None:
    """They stop the currents; only the second threshold, smoke or heat with it open the racks."""
    gas = [{"name": f"gas{number}", "number": number, "role": "gas_low"} for number in range(4)]
    loaded = sample_site.settings(inputs=[{"name": "reset", "number": 9, "role": "reset"}, *gas])
    bench = TimelineBench(loaded=loaded)
    for number, level in enumerate((1, 2, 2, 2)):
        bench.signal(number, True)
        for _ in range(4):
            bench.fresh(50)
        assert bench.level_of("gas") == level, number


def test_one_answer_that_cannot_be_believed_after_a_silence_is_no_service_case() -> None:
    """The silence has a rule of its own; the answer counts from its own question on."""
    bench = TimelineBench()
    for _ in range(20):
        bench.fresh(500)
    bench.wait(11000)
    bench.reject(500)
    assert not bench.held("implausible")
    assert bench.level_of("implausible") < 3
