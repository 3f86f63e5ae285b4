"""The verdict on a run: a pure function from what it left behind to figures and failures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gateway.protection.rules import LEVEL_COUNT
from gateway.rack.data import GOOD
from host_tools.run import (
    expectations,
    openings,
    output_changes,
    sections,
    telemetry_count,
    timing,
    trips,
)
from host_tools.run.evidence import Evidence, Fault
from host_tools.run.openings import STALL, LetGo
from host_tools.run.telemetry_count import TelemetryCount
from host_tools.run.trips import Trip
from host_tools.simulate.field import DEAD_MAN

REACTION_MS = 1100
ROUNDING_MS = 2  # clocks of two processes, each cut to whole ms
CELL_REFRESH_S = 6.0  # unless the configuration asks for a slower scan
START_S = 1.0  # of a gateway, before it reads anything
LATE_SHARE = 0.1  # of the answers on a serial bus
SLACK = 1.1  # of the summary period at the 99th percentile, and of a slower scan

# Where the gateway itself counts things that should never happen.
_COUNTERS = (
    ("telemetry", ("dropped", "write_errors", "corrupt")),
    (
        "counters",
        ("task_restarts", "changes_lost", "latch_write_errors", "log_errors", "relay_errors"),
    ),
)


@dataclass(frozen=True)
class Verdict:
    """`summary` is what goes to summary.json; a run without `failures` is good.

    `warnings` are figures out of bounds that a loaded machine can explain.
    """

    summary: dict[str, Any]
    failures: list[str]
    warnings: list[str]


def judge(evidence: Evidence) -> Verdict:
    """Judge a run."""
    found = trips.find(evidence)
    let_go = openings.let_go(evidence)
    counted = telemetry_count.count(evidence.delivered, evidence.images)
    timing_figures, warnings = _timing(evidence)
    scenario_figures, scenario_failures = _scenario(evidence, found)
    failures = [
        *_device_failures(evidence),
        *_let_go_failures(let_go),
        *_trip_failures(evidence, found),
        *_telemetry_failures(counted, evidence.expected.lost_samples),
        *scenario_failures,
    ]
    status = evidence.status
    racks = len({each.rack for each in evidence.delivered.samples if each.quality == GOOD})
    wanted = len(evidence.racks) - len(evidence.expected.never_read)
    if racks != wanted:
        failures.append(f"good samples of {racks} racks arrived, not of {wanted}")
    seconds = (evidence.end_ms - evidence.lives[0].started_ms) / 1000 if evidence.lives else 0.0
    telemetry = asdict(counted)
    telemetry.pop("holes")
    summary = {
        "interpreter": evidence.interpreter,
        "interpreter_version": str(status.get("interpreter", "")).rpartition(" ")[2],
        "version": status.get("version", ""),
        "site": evidence.site,
        "scenario": evidence.scenario,
        "racks": racks,
        "samples": len({(s.boot, s.rack, s.summary_number) for s in evidence.delivered.samples}),
        "seconds": round(seconds, 1),
        **timing_figures,
        "trips": [_trip(evidence, trip) for trip in found],
        "false_trips": len(_false(evidence, found)),
        "let_go": [asdict(each) for each in let_go],
        "telemetry": telemetry,
        "outputs": output_changes.figures(evidence),
        "heap": _heap(evidence),
        **scenario_figures,
        "simulator_late_ticks": evidence.late_ticks,
        "interrupted": evidence.interrupted,
        "warnings": warnings,
        "errors": failures,
    }
    return Verdict(summary, failures, warnings)


def _timing(evidence: Evidence) -> tuple[dict[str, Any], list[str]]:
    periods = timing.summary_gaps_ms(evidence.delivered.samples, evidence.apart)
    cell_gaps, cell_wait_ms, cells = timing.cell_gaps_ms(evidence)
    temp_gaps, temp_wait_ms, _ = timing.temp_gaps_ms(evidence)
    p99 = timing.percentile(periods, 99)
    figures = {
        "cells": cells,
        "summary_period_ms": {
            "p50": timing.percentile(periods, 50),
            "p99": p99,
            "max": max(periods, default=None),
        },
        "cell_refresh_s": _refresh(cell_gaps, cell_wait_ms),
        "temp_refresh_s": _refresh(temp_gaps, temp_wait_ms),
    }
    warnings = []
    bound_ms = evidence.period_ms * SLACK
    # without a broker nobody is told each summary, only what is stored of them
    if p99 is not None and p99 > bound_ms and evidence.outage is None:
        warnings.append(f"summary period {p99} ms at the 99th percentile, wanted {bound_ms:.0f}")
    for what, waited_ms, period_ms in (
        ("a cell", cell_wait_ms, evidence.scan_period_ms),
        ("a sensor", temp_wait_ms, evidence.temp_period_ms),
    ):
        bound_s = max(CELL_REFRESH_S, period_ms / 1000 * SLACK + START_S)
        seconds = (evidence.end_ms - evidence.lives[0].started_ms) / 1000 if evidence.lives else 0
        if waited_ms / 1000 > bound_s and seconds > bound_s:
            warnings.append(f"{what} waited {waited_ms / 1000} s, wanted {bound_s:g}")
    if evidence.late_ticks:
        warnings.append(f"the simulator missed {evidence.late_ticks} ticks: machine overloaded")
    warnings += [
        f"the simulator was late {bus.late} times on {bus.name}: machine overloaded"
        for bus in evidence.buses
        if bus.late > bus.requests * LATE_SHARE
    ]
    return figures, warnings


def _refresh(gaps: list[int], longest_ms: int) -> dict[str, float | None]:
    p50_ms = timing.percentile(gaps, 50)
    return {"p50": None if p50_ms is None else p50_ms / 1000, "max": longest_ms / 1000}


def _scenario(evidence: Evidence, found: list[Trip]) -> tuple[dict[str, Any], list[str]]:
    broker, failures = sections.broker(evidence)
    figures: dict[str, Any] = {"broker": broker}
    if len(evidence.lives) > 1:
        figures["restart"], more = sections.restart(evidence)
        failures += more
    for fault in evidence.faults:
        if fault.silent:
            figures["silent"], more = sections.silent(evidence, fault, found)
            failures += more
    figures["expected"] = [
        {"rack": evidence.racks[rack].name, "rule": " or ".join(names), "level": LEVEL_COUNT}
        for rack, names in [
            *((fault.rack, fault.rules) for fault in evidence.faults),
            *((wanted.rack, wanted.rules) for wanted in evidence.expected.trips),
        ]
    ]
    more_figures, more = expectations.judge(evidence, found)
    return figures | more_figures, failures + more


def _device_failures(evidence: Evidence) -> list[str]:
    failures = [*evidence.errors, *(f"observer: {text}" for text in evidence.delivered.errors)]
    for image in evidence.images:
        failures += [f"journal file {name} is damaged" for name in image.damaged]
    for section, names in _COUNTERS:
        counters = evidence.status.get(section, {})
        failures += [
            f"the gateway counts {counters[name]} {name}" for name in names if counters.get(name)
        ]
    return failures


def _let_go_failures(found: list[LetGo]) -> list[str]:
    """Of a watchdog that bit the run tells itself."""
    names = {DEAD_MAN: "the dead man", STALL: "a stall of the gateway"}
    return [
        f"{names[each.by]} let {each.relays} relays go at {each.at_ms / 1000:.1f} s"
        for each in found
        if each.by in names
    ]


def _trip_failures(evidence: Evidence, found: list[Trip]) -> list[str]:
    failures = [
        f"false trip: {evidence.racks[trip.rack].name} {trip.rule or 'without a record'}"
        f" at {trip.relay_ms} ms"
        for trip in _false(evidence, found)
    ]
    for fault in evidence.faults:
        name = evidence.racks[fault.rack].name
        trip = next((trip for trip in found if trip.rack == fault.rack), None)
        if trip is None:
            failures.append(f"{name} did not trip by {fault.rule}")
            continue
        failures += [f"{name}: {text}" for text in _wrong_with(trip, fault, evidence)]
    return failures


def _wrong_with(trip: Trip, fault: Fault, evidence: Evidence) -> list[str]:
    wrong, rule = [], " or ".join(fault.rules)
    welded = fault.rack in evidence.welded
    if trip.rule not in fault.rules or trip.level != LEVEL_COUNT:
        wrong.append(f"trip recorded as {trip.rule or 'nothing'} level {trip.level}, not {rule}")
    if trip.contactor_ms is None and not welded:
        wrong.append("the contactor did not open")
    if trip.command_ms is None and not fault.silent:
        wrong.append("the BMS was not told to open its contactor")
    longest_ms = REACTION_MS + (0 if fault.silent else evidence.opening_ms)
    if not fault.timed:
        return wrong
    if trip.reaction_ms is None:
        wrong.append(f"tripped, but the value never passed the limit of {rule}")
    elif not -ROUNDING_MS <= trip.reaction_ms <= longest_ms:
        wrong.append(f"relay {trip.reaction_ms} ms after it was due, wanted 0..{longest_ms}")
    return wrong


def _false(evidence: Evidence, found: list[Trip]) -> list[Trip]:
    """Trips on racks without a fault, and every one after the first."""
    expected = {fault.rack for fault in evidence.faults}
    expected |= {wanted.rack for wanted in evidence.expected.trips}
    false = []
    for trip in found:
        if trip.rack in expected:
            expected.remove(trip.rack)
        else:
            false.append(trip)
    return false


def _telemetry_failures(counted: TelemetryCount, may_be_lost: int) -> list[str]:
    failures = []
    if not counted.delivered:
        failures.append("no record arrived")
    if counted.lost > may_be_lost:
        failures.append(
            f"{counted.lost} of {counted.stored} stored records lost"
            f" ({counted.holes} of them holes in the sequence)"
        )
    if counted.backlog:
        failures.append(f"{counted.backlog} records still in the journal")
    return failures


def _trip(evidence: Evidence, trip: Trip) -> dict[str, Any]:
    return asdict(trip) | {"rack": evidence.racks[trip.rack].name}


def _heap(evidence: Evidence) -> dict[str, int | None]:
    heap = evidence.status.get("heap", {})
    return {"used": heap.get("used"), "peak": evidence.heap_peak, "free": heap.get("free")}
