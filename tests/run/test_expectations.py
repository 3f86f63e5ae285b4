"""What a scenario file expects, against a run that was spoilt in one thing each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_run import FAULTY, RULE, change_samples, event, good_run, silent_run

from gateway.rack.data import STALE
from gateway.telemetry import records as layout
from host_tools.run.evidence import BusEvidence, Evidence, Expected, Reached
from host_tools.run.integrity import foreign_samples
from host_tools.run.verdict import judge
from host_tools.simulate.access_log import SERVED
from host_tools.simulate.truth import Change

BUS = BusEvidence("rs485-1", 115200, 5000, 700, 0, 0, 0, 0)


def failures(run: Evidence) -> str:
    return "\n".join(judge(run).failures)


def struck_run() -> Evidence:
    """Rack 1 has good summaries only until 5 s and from 9 s on, and does not trip."""
    run = good_run()
    run.faults, run.struck = [], {FAULTY}
    run.racks[FAULTY].relay_changes = run.racks[0].relay_changes
    change_samples(run, lambda s: s.rack == FAULTY and 5000 < s.acquired_ms < 9000, quality=STALE)
    run.delivered.records.clear()
    run.images[0].records.clear()
    return run


def test_struck_racks_have_a_gap_of_their_own() -> None:
    verdict = judge(struck_run())
    assert verdict.failures == []
    assert verdict.summary["gaps"] == {"summary_gap_ms": 500, "faulty_gap_ms": 4500}
    assert verdict.summary["summary_period_ms"]["max"] == 500
    assert verdict.warnings == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expected(faulty_gap_ms=4500, summary_gap_ms=500), ""),
        (Expected(faulty_gap_ms=4499), "struck racks: 4500 ms between two summaries"),
        (Expected(summary_gap_ms=499), "other racks: 500 ms between two summaries"),
        (Expected(cell_refresh_s=3.9), "a cell waited 4.0 s, expected 3.9"),
    ],
)
def test_gaps_have_bounds(expected: Expected, words: str) -> None:
    run = struck_run()
    run.expected = expected
    assert words in failures(run)
    assert bool(failures(run)) == bool(words)


def test_a_rack_that_is_no_longer_read_has_a_gap_up_to_the_end() -> None:
    run = struck_run()
    run.expected = Expected(summary_gap_ms=500)
    change_samples(run, lambda s: s.rack == 2 and s.acquired_ms > 15_000, quality=STALE)
    assert "other racks: 5300 ms between two summaries, expected 500" in failures(run)


def test_when_all_racks_are_struck_their_figures_count() -> None:
    run = struck_run()
    run.struck = {0, 1, 2}
    verdict = judge(run)
    assert verdict.summary["summary_period_ms"]["max"] == 4500
    assert verdict.summary["gaps"]["summary_gap_ms"] is None


# -- trips and levels --


def test_an_expected_trip_is_no_false_one() -> None:
    run = good_run()
    run.faults = []
    assert "false trip" in failures(run)
    run.expected = Expected(trips=[Reached(FAULTY, (RULE,), 3)])
    assert failures(run) == ""
    assert judge(run).summary["expected"] == [{"rack": "rack02", "rule": RULE, "level": 3}]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Reached(FAULTY, ("comm_loss",), 3), f"expected comm_loss level 3: trip by {RULE} level"),
        (Reached(0, (RULE,), 3), f"rack01: expected {RULE} level 3: no trip"),
    ],
)
def test_another_trip_than_expected(wanted: Reached, words: str) -> None:
    run = good_run()
    run.faults = []
    run.expected = Expected(trips=[wanted])
    assert words in failures(run)


def test_the_highest_level_is_what_counts() -> None:
    run = silent_run()
    for level in (1, 2, 3, 0):
        run.expected = Expected(levels=[Reached(FAULTY, ("comm_loss",), level)])
        assert ("came to level 3" in failures(run)) == (level != 3)
    run.expected = Expected(levels=[Reached(0, ("comm_loss",), 1)])
    assert "rack01: expected comm_loss level 1: came to level 0" in failures(run)
    warned = event(1, 900, 0, layout.LEVEL_SET, "comm_loss", 1, 100)
    run.delivered.records[warned.key] = warned
    assert "came to level 0" not in failures(run)


def test_a_welded_contactor_need_not_open_but_must_be_told() -> None:
    run = good_run()
    run.racks[FAULTY].contactor_changes = [Change(1, True)]
    assert "the contactor did not open" in failures(run)
    run.welded = {FAULTY}
    assert failures(run) == ""
    run.racks[FAULTY].open_commands_ms = []
    assert "the BMS was not told" in failures(run)


# -- telemetry --


def test_records_may_be_lost_when_that_is_expected() -> None:
    run = good_run()
    del run.delivered.chunks[1, 0, 50]
    assert "1 of 120 stored records lost" in failures(run)
    run.expected = Expected(lost_samples=1)
    assert failures(run) == ""


def test_a_rack_that_is_never_read() -> None:
    run = struck_run()
    change_samples(run, lambda s: s.rack == FAULTY, quality=STALE)
    assert "good samples of 2 racks arrived, not of 3" in failures(run)
    run.expected = Expected(never_read=(FAULTY,))
    assert failures(run) == ""


def test_a_sample_that_no_rack_gave_out_is_found() -> None:
    run = good_run()
    zeros = (0,) * len(SERVED)
    for rack in run.racks:
        rack.served = {zeros}
    assert failures(run) == ""
    sample = run.delivered.samples[49]
    run.delivered.samples[49] = replace(sample, cell_max_mv=3300)
    assert foreign_samples(run) == {sample.rack: 1}
    name = run.racks[sample.rack].name
    assert f"{name}: 1 samples hold readings that it never gave out" in failures(run)
    run.racks[sample.rack].served = {zeros, (0, 0, 0, 3300, 0, 0, 0, 0, 0)}
    assert failures(run) == ""
    run.delivered.samples[49] = replace(sample, cell_max_mv=1, quality=STALE)
    assert failures(run) == ""  # older values than the rack's log may reach back to


# -- the wire --


def test_a_fault_that_never_happened_is_no_test() -> None:
    run = struck_run()
    run.happened = {"noise": 3, "reset": 0}
    assert failures(run) == "reset never happened"
    assert judge(run).summary["happened"] == {"noise": 3, "reset": 0}


@pytest.mark.parametrize(
    ("bus", "words"),
    [
        (BUS, ""),
        (replace(BUS, collisions=2), "rs485-1: 2 collisions"),
        (replace(BUS, short_silences=1), "rs485-1: 1 requests without t3.5 of silence"),
        (replace(BUS, bad_frames=1), "rs485-1: 1 requests with a bad checksum"),
    ],
)
def test_what_must_not_happen_on_a_bus_without_a_fault(bus: BusEvidence, words: str) -> None:
    run = good_run()
    run.buses = [bus]
    assert words in failures(run)
    assert bool(failures(run)) == bool(words)
    run.happened = {"late_reply": 1}
    assert failures(run) == ""


def test_figures_of_a_bus() -> None:
    run = good_run()
    run.buses = [replace(BUS, late=100)]
    verdict = judge(run)
    (bus,) = verdict.summary["buses"]
    assert bus["wire_pm"] == 250  # 5 of 20 s
    assert "the simulator was late 100 times on rs485-1" in "\n".join(verdict.warnings)
