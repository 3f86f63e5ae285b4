"""Relays that nobody decided to open: one line for what let them go, and no trips."""

from __future__ import annotations

import io

import pytest
from made_up_run import (
    END_MS,
    FAULTY,
    RACKS,
    RELAY_MS,
    RELAYS_ON_MS,
    START_MS,
    UTC_ZERO_MS,
    good_run,
)
from rich.console import Console

from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.run.evidence import Evidence
from host_tools.run.report import print_verdict
from host_tools.run.verdict import judge
from host_tools.simulate.truth import Change

GONE_MS = 15_000


def let_go(at_ms: int = GONE_MS) -> Evidence:
    """All relays that are still closed open at once, a few ms apart."""
    run = good_run()
    for index, rack in enumerate(run.racks):
        if index != FAULTY:
            rack.relay_changes = [
                Change(RELAYS_ON_MS, True),
                Change(at_ms + index, False),
                Change(at_ms + 3_000, True),
                Change(END_MS + 20, False),
            ]
    return run


def record(run: Evidence, code: int, rack: int, at_ms: int, text: str = "") -> None:
    seq = 1000 + len(run.delivered.records)
    uptime_ms = at_ms - START_MS
    event = Event(1, seq, uptime_ms, UTC_ZERO_MS + uptime_ms, 1, code, rack, 255, 0, 0, 0, text)
    run.delivered.records[event.key] = event


def record_stall(run: Evidence, at_ms: int) -> None:
    """As the gateway does, once it has its turn again."""
    record(run, layout.STALL, layout.NO_RACK, at_ms)
    for rack in range(RACKS):
        if rack != FAULTY:
            record(run, layout.RELAY_OPENED, rack, at_ms)


@pytest.mark.parametrize("recorded", [True, False])
def test_the_dead_man_is_one_line_whether_the_gateway_lived_to_record_it_or_not(
    recorded: bool,
) -> None:
    run = let_go()
    run.let_go = [(GONE_MS, "dead man")]
    if recorded:
        record_stall(run, GONE_MS + 900)
    verdict = judge(run)
    lines = [line for line in verdict.failures if "sequence" not in line]
    assert lines == ["the dead man let 2 relays go at 15.0 s"]
    assert verdict.summary["false_trips"] == 0
    assert [trip["rack"] for trip in verdict.summary["trips"]] == ["rack02"]
    assert verdict.summary["let_go"] == [{"at_ms": GONE_MS, "by": "dead man", "relays": 2}]
    file = io.StringIO()
    print_verdict(verdict, Console(file=file, width=120))
    assert "level 0" not in file.getvalue()


def test_a_stall_that_no_dead_man_saw_is_one_line() -> None:
    run = let_go()
    record_stall(run, GONE_MS + 10)
    verdict = judge(run)
    assert "a stall of the gateway let 2 relays go at 15.0 s" in verdict.failures
    assert verdict.summary["false_trips"] == 0


def test_a_trip_behind_it_keeps_its_own_record() -> None:
    """Of the rack's two openings only the second was decided."""
    run = let_go(9_000)
    run.racks[FAULTY].relay_changes = [
        Change(RELAYS_ON_MS, True),
        Change(9_000, False),
        Change(9_900, True),
        Change(RELAY_MS, False),
    ]
    run.let_go = [(8_999, "dead man")]
    verdict = judge(run)
    assert verdict.failures == ["the dead man let 3 relays go at 9.0 s"]
    assert [trip["rule"] for trip in verdict.summary["trips"]] == ["cell_overvoltage"]


def test_a_proof_test_behind_a_bite_that_nobody_recorded_is_no_trip() -> None:
    run = let_go(9_000)
    run.let_go = [(9_000, "watchdog")]
    run.racks[0].relay_changes = [
        Change(RELAYS_ON_MS, True),
        Change(9_000, False),
        Change(12_000, True),
        Change(13_000, False),
        Change(13_500, True),
        Change(END_MS + 20, False),
    ]
    record(run, layout.RELAY_OPENED, 0, 13_000, layout.EVENT_NAMES[layout.PROOF_TEST])
    verdict = judge(run)
    assert verdict.summary["false_trips"] == 0
    assert verdict.summary["let_go"][0]["by"] == "watchdog"
    # the run itself tells that it bit: no second line here
    assert [line for line in verdict.failures if "sequence" not in line] == []


def test_an_opening_without_a_record_elsewhere_stays_a_false_trip() -> None:
    run = let_go()
    run.let_go = [(GONE_MS - 2_000, "dead man")]
    assert judge(run).summary["false_trips"] == 2
