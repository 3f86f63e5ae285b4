"""What a verdict must notice: each test spoils one thing of a run that went well."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_up_run import (
    CROSSED_MS,
    END_MS,
    FAULTY,
    RACKS,
    RELAY_MS,
    RELAYS_ON_MS,
    RULE,
    change_samples,
    good_run,
    restarted_run,
    sample,
    silent_run,
)

from gateway.protection import rules
from gateway.rack.data import STALE
from host_tools.decode.journal_image import JournalImage
from host_tools.decode.records import Event
from host_tools.run.delivered import Delivered
from host_tools.run.evidence import Evidence, Outage
from host_tools.run.verdict import judge
from host_tools.simulate.truth import Change


def failures(run: Evidence) -> str:
    return "\n".join(judge(run).failures)


def test_a_good_run_is_good_and_its_figures_are_right() -> None:
    verdict = judge(good_run())
    assert verdict.failures == [] and verdict.warnings == []
    summary = json.loads(json.dumps(verdict.summary))
    assert summary["racks"] == 3 and summary["cells"] == 30 and summary["seconds"] == 20.0
    assert summary["interpreter"] == "micropython"
    assert summary["summary_period_ms"] == {"p50": 500, "p99": 500, "max": 500}
    assert summary["cell_refresh_s"] == summary["temp_refresh_s"] == {"p50": 4.0, "max": 4.0}
    assert summary["trips"] == [
        {
            "rack": "rack02",
            "rule": RULE,
            "level": 3,
            "crossed_ms": CROSSED_MS,
            "relay_ms": RELAY_MS,
            "contactor_ms": RELAY_MS + 1,
            "command_ms": RELAY_MS + 5,
            "reaction_ms": 800,
        }
    ]
    assert summary["false_trips"] == 0
    assert summary["telemetry"] == {
        "stored": 121,
        "delivered": 121,
        "lost": 0,
        "duplicates": 0,
        "backlog": 0,
    }
    assert summary["heap"] == {"used": 1, "peak": 2, "free": None}
    assert summary["errors"] == []


# -- telemetry --


def test_a_record_that_nobody_has_seen_is_a_loss() -> None:
    run = good_run()
    del run.delivered.chunks[1, 0, 50]
    verdict = judge(run)
    assert verdict.summary["telemetry"]["lost"] == 1
    assert verdict.summary["telemetry"]["stored"] == 120
    assert "1 of 120 stored records lost (1 of them holes" in failures(run)


def test_a_chunk_without_the_block_of_one_rack_has_not_arrived() -> None:
    run = good_run()
    run.delivered.chunks[1, 0, 50].racks.remove(2)
    assert judge(run).summary["telemetry"]["lost"] == 1


def test_the_first_records_of_a_boot_can_be_lost_too() -> None:
    run = good_run()
    del run.delivered.chunks[1, 0, 1]
    assert judge(run).summary["telemetry"]["lost"] == 1


def test_a_sample_on_flash_that_did_not_arrive_is_a_loss_and_backlog() -> None:
    run = good_run()
    run.images = [JournalImage([sample(1, 122, 0, 41, 20_000)], cursors=((1, 121),) * 3)]
    telemetry = judge(run).summary["telemetry"]
    assert telemetry["stored"] == 122 and telemetry["delivered"] == 121
    assert telemetry["lost"] == 1 and telemetry["backlog"] == 1
    assert "1 records still in the journal" in failures(run)


def test_what_a_killed_gateway_had_on_flash_must_arrive() -> None:
    run = good_run()
    killed = JournalImage([sample(1, 60, 2, 20, 9_700)], cursors=((1, 10),) * 3)
    run.images.insert(0, killed)
    assert failures(run) == ""
    del run.delivered.chunks[1, 0, 60]
    telemetry = judge(run).summary["telemetry"]
    assert telemetry["lost"] == 1 and telemetry["backlog"] == 0


def test_duplicates_are_counted_and_no_failure() -> None:
    run = good_run()
    run.delivered.duplicates = 7
    assert judge(run).summary["telemetry"]["duplicates"] == 7
    assert failures(run) == ""


def test_an_observer_that_heard_nothing_is_no_success() -> None:
    run = good_run()
    run.delivered = Delivered(RACKS)
    assert "no record arrived" in failures(run)


def test_a_rack_without_good_samples_is_missed() -> None:
    run = good_run()
    change_samples(run, lambda s: s.rack == 2, quality=STALE)
    assert "good samples of 2 racks arrived, not of 3" in failures(run)


# -- trips --


def open_relay(run: Evidence, rack: int, *changes: Change) -> None:
    run.racks[rack].relay_changes = [Change(RELAYS_ON_MS, True), *changes]


def test_a_relay_that_opens_elsewhere_is_a_false_trip() -> None:
    run = good_run()
    open_relay(run, 0, Change(9_000, False))
    verdict = judge(run)
    assert verdict.summary["false_trips"] == 1
    assert [trip["rack"] for trip in verdict.summary["trips"]] == ["rack01", "rack02"]
    assert "false trip: rack01 without a record at 9000 ms" in failures(run)


def test_a_second_opening_of_the_faulty_rack_is_false() -> None:
    run = good_run()
    open_relay(run, FAULTY, Change(RELAY_MS, False), Change(14_000, True), Change(15_000, False))
    assert judge(run).summary["false_trips"] == 1


def test_openings_after_the_request_to_stop_are_none() -> None:
    run = good_run()
    open_relay(run, 0, Change(END_MS, False))
    assert judge(run).summary["false_trips"] == 0
    open_relay(run, 0, Change(END_MS - 1, False))
    assert judge(run).summary["false_trips"] == 1


def test_in_a_normal_run_every_trip_is_false() -> None:
    run = good_run()
    run.faults = []
    assert judge(run).summary["false_trips"] == 1


def test_a_trip_that_did_not_come() -> None:
    run = good_run()
    open_relay(run, FAULTY)
    assert f"rack02 did not trip by {RULE}" in failures(run)


@pytest.mark.parametrize(
    ("relay_ms", "text"), [(CROSSED_MS + 2101, "1101 ms after"), (CROSSED_MS + 900, "-100 ms")]
)
def test_a_trip_at_the_wrong_time(relay_ms: int, text: str) -> None:
    run = good_run()
    run.racks[FAULTY].open_commands_ms = [relay_ms]
    for changes in ("relay_changes", "contactor_changes"):
        setattr(run.racks[FAULTY], changes, [Change(1, True), Change(relay_ms, False)])
    assert text in failures(run)


def test_a_trip_whose_value_never_passed_the_limit() -> None:
    run = good_run()
    run.faults[0].crossed_ms = None
    assert "never passed the limit" in failures(run)


def test_a_trip_by_another_rule_than_expected() -> None:
    run = good_run()
    for key, record in run.delivered.records.items():
        if isinstance(record, Event):
            run.delivered.records[key] = replace(record, rule=rules.COMM_LOSS)
    assert "trip recorded as comm_loss level 3" in failures(run)


def test_a_trip_must_open_the_contactor_by_both_paths() -> None:
    run = good_run()
    run.racks[FAULTY].open_commands_ms = []
    run.racks[FAULTY].contactor_changes = [Change(RELAYS_ON_MS, True)]
    assert "the contactor did not open" in failures(run)
    assert "the BMS was not told" in failures(run)


# -- timing --


def test_a_summary_that_was_missed_makes_a_longer_period() -> None:
    run = good_run()
    change_samples(run, lambda s: 31 <= s.seq < 43, quality=STALE)  # for two seconds
    verdict = judge(run)
    assert verdict.summary["summary_period_ms"]["max"] == 2500
    assert "summary period 2500 ms at the 99th percentile" in "\n".join(verdict.warnings)


def test_the_same_summary_sampled_twice_is_one_acquisition() -> None:
    run = good_run()
    run.delivered.samples.append(sample(1, 122, 0, 40, 19_500))
    assert judge(run).summary["summary_period_ms"]["max"] == 500


def test_a_cell_block_that_is_no_longer_read_shows() -> None:
    run = good_run()
    run.racks[2].cell_reads = [
        read for read in run.racks[2].cell_reads if read[0] < 10_000 or read[1] != 6
    ]
    verdict = judge(run)
    assert verdict.summary["cell_refresh_s"]["max"] == END_MS / 1000 - 6.5
    assert "a cell waited 14.0 s" in "\n".join(verdict.warnings)


def test_a_cell_that_was_never_read_shows() -> None:
    run = good_run()
    run.racks[0].cell_reads = [read for read in run.racks[0].cell_reads if read[1] != 6]
    verdict = judge(run)
    assert verdict.summary["cells"] == 26
    assert verdict.summary["cell_refresh_s"]["max"] == 20.0


def test_temperatures_have_a_bound_of_their_own() -> None:
    run = good_run()
    run.racks[2].temp_reads = [read for read in run.racks[2].temp_reads if read[0] < 10_000]
    verdict = judge(run)
    assert verdict.summary["cell_refresh_s"]["max"] == 4.0
    assert verdict.summary["temp_refresh_s"]["max"] == END_MS / 1000 - 7.5
    assert "a sensor waited 13.0 s, wanted 6" in "\n".join(verdict.warnings)
    run.temp_period_ms = 12_000
    assert judge(run).warnings == []


@pytest.mark.parametrize(("scan_period_ms", "bound"), [(6000, "7.6"), (1000, "6")])
def test_a_slower_scan_has_a_higher_bound(scan_period_ms: int, bound: str) -> None:
    run = good_run()
    run.scan_period_ms = scan_period_ms
    run.racks[2].cell_reads = [read for read in run.racks[2].cell_reads if read[0] < 10_000]
    assert f"wanted {bound}" in "\n".join(judge(run).warnings)


# -- what else can be wrong --


@pytest.mark.parametrize(
    ("section", "name"), [("telemetry", "dropped"), ("counters", "changes_lost")]
)
def test_what_the_gateway_should_never_have_to_count(section: str, name: str) -> None:
    run = good_run()
    run.status[section] = {name: 2}
    assert f"the gateway counts 2 {name}" in failures(run)


def test_errors_of_the_run_the_observer_and_the_journal_are_failures() -> None:
    run = good_run()
    run.errors.append("the watchdog bit at 5 ms")
    run.delivered.errors.append("message 3: checksum")
    run.images[0].damaged.append("00000001-00000001.seg")
    assert judge(run).failures == [
        "the watchdog bit at 5 ms",
        "observer: message 3: checksum",
        "journal file 00000001-00000001.seg is damaged",
    ]
    assert judge(run).summary["errors"] == judge(run).failures


# -- broker outage --


def outage(up_ms: int, silent_until_ms: int) -> Evidence:
    """Records go on, but between the outage and `silent_until_ms` none arrives."""
    run = good_run()
    down_ms = 8_000
    run.outage = Outage(down_ms, run.delivered.arrivals[0][1] + down_ms - 500, up_ms)
    run.delivered.arrivals = [
        (silent_until_ms if down_ms < at_ms < silent_until_ms else at_ms, utc_ms)
        for at_ms, utc_ms in run.delivered.arrivals
    ]
    return run


def test_reconnection_counts_from_when_the_broker_listened() -> None:
    run = outage(up_ms=12_000, silent_until_ms=13_700)
    assert judge(run).summary["broker"] == {
        "kind": "mosquitto",
        "down_ms": 8_000,
        "up_ms": 12_000,
        "reconnect_ms": 1_700,
    }
    assert failures(run) == ""


def test_a_late_reconnection_is_a_failure() -> None:
    run = outage(up_ms=12_000, silent_until_ms=17_001)
    assert "reconnected after 5001 ms" in failures(run)


def test_an_old_message_from_the_brokers_disk_is_no_reconnection() -> None:
    run = outage(up_ms=12_000, silent_until_ms=13_700)
    assert run.outage
    run.delivered.arrivals.insert(0, (12_100, run.outage.down_utc_ms))
    assert judge(run).summary["broker"]["reconnect_ms"] == 1_700


def test_a_gateway_that_never_comes_back() -> None:
    run = outage(up_ms=12_000, silent_until_ms=13_700)
    run.delivered.arrivals = [entry for entry in run.delivered.arrivals if entry[0] < 8_000]
    assert "no record came in after the broker was back" in failures(run)


# -- gateway restart --


def test_a_restart_that_keeps_its_latch() -> None:
    verdict = judge(restarted_run())
    assert verdict.failures == []
    assert verdict.summary["restart"] == {
        "killed_ms": 12_500,
        "started_ms": 13_500,
        "open_between": True,
        "latched_racks": ["rack02"],
        "latched_open": True,
        "closed_again": 2,
    }
    assert verdict.summary["false_trips"] == 0  # relays that fell with the gateway are no trips
    assert verdict.summary["summary_period_ms"]["max"] == 500
    assert verdict.summary["cell_refresh_s"]["max"] == 4.0


def test_relays_that_stay_closed_without_a_gateway() -> None:
    run = restarted_run()
    open_relay(run, 0)
    assert "1 relays closed while there was no gateway" in failures(run)


def test_a_latch_that_did_not_outlive_the_restart() -> None:
    run = restarted_run()
    open_relay(run, FAULTY, Change(RELAY_MS, False), Change(16_000, True))
    run.status["racks"][FAULTY]["latched"] = False
    assert "a latched relay closed again" in failures(run)
    assert "no longer latched" in failures(run)


def test_racks_that_do_not_come_back_after_a_restart() -> None:
    run = restarted_run()
    open_relay(run, 0, Change(12_503, False))
    assert "1 relays closed again after the restart, not 2" in failures(run)


# -- silence --


def test_a_silent_rack_goes_stale_then_through_its_levels() -> None:
    verdict = judge(silent_run())
    assert verdict.failures == []
    assert verdict.summary["silent"] == {
        "rack": "rack02",
        "stale_after_ms": 1510,
        "level1_after_ms": 1120,
        "level2_after_ms": 3040,
        "level3_after_ms": 10_030,
        "relay_after_ms": 10_040,
    }
    assert verdict.summary["trips"][0]["reaction_ms"] == 40
    assert verdict.summary["summary_period_ms"]["max"] == 500
    assert verdict.summary["cell_refresh_s"]["max"] == 4.0  # the silent rack has none
    assert verdict.warnings == []


@pytest.mark.parametrize(("level", "age_ms"), [(1, 1500), (2, 2500), (3, 10_400)])
def test_a_level_at_the_wrong_age(level: int, age_ms: int) -> None:
    run = silent_run()
    for key, record in run.delivered.records.items():
        if isinstance(record, Event) and record.level == level:
            run.delivered.records[key] = replace(record, uptime_ms=8_100 + age_ms)
    assert f"rack02 level{level} after {age_ms} ms" in failures(run)


def test_a_silent_rack_that_never_goes_stale() -> None:
    run = silent_run()
    change_samples(run, lambda s: s.quality == STALE, quality=1)
    assert "rack02 stale after no time at all" in failures(run)
