"""What a scenario file expects, and what the simulator saw on the buses; figures and failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from gateway.protection import rules
from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.run import integrity, output_changes, timing
from host_tools.run.evidence import BusEvidence, Evidence, Reached, state_at
from host_tools.run.trips import Trip


def judge(evidence: Evidence, trips: list[Trip]) -> tuple[dict[str, Any], list[str]]:
    """Figures for the summary, and a line for each expectation that does not hold."""
    gaps = {
        "summary_gap_ms": _longest(evidence, _healthy(evidence)),
        "faulty_gap_ms": _longest(evidence, evidence.struck),
    }
    foreign = integrity.foreign_samples(evidence)
    figures: dict[str, Any] = {
        "gaps": gaps,
        "happened": evidence.happened,
        "foreign_samples": sum(foreign.values()),
        "buses": [_bus_figures(evidence, bus) for bus in evidence.buses],
    }
    return figures, [
        *_trip_failures(evidence, trips),
        *_level_failures(evidence),
        *_relay_failures(evidence),
        *_gap_failures(evidence, gaps),
        *(
            f"{evidence.racks[rack].name}: {number} samples hold readings that it never gave out"
            for rack, number in foreign.items()
        ),
        *(f"{kind} never happened" for kind, number in evidence.happened.items() if not number),
        *_bus_failures(evidence),
    ]


def highest_levels(evidence: Evidence) -> dict[tuple[int, str], int]:
    """The highest level that each rack came to by each rule."""
    found: dict[tuple[int, str], int] = {}
    for record in evidence.delivered.records.values():
        if isinstance(record, Event) and record.code in (layout.LEVEL_SET, layout.TRIP):
            key = record.rack, rules.name(record.rule)
            found[key] = max(found.get(key, 0), record.level)
    return found


def _healthy(evidence: Evidence) -> set[int]:
    return set(range(len(evidence.racks))) - evidence.struck - evidence.silenced


def _longest(evidence: Evidence, racks: Iterable[int]) -> int | None:
    """The longest time without a good summary of any of these racks, up to the run's end."""
    others = set(range(len(evidence.racks))) - set(racks)
    gaps = timing.summary_gaps_ms(evidence.delivered.samples, others)
    gaps += [ms for rack, ms in timing.tails_ms(evidence).items() if rack not in others]
    return max(gaps, default=None)


def _trip_failures(evidence: Evidence, trips: list[Trip]) -> list[str]:
    failures = []
    for wanted in evidence.expected.trips:
        of_rack = [trip for trip in trips if trip.rack == wanted.rack]
        if not of_rack:
            failures.append(f"{_what(evidence, wanted)}: no trip")
        elif of_rack[0].rule not in wanted.rules or of_rack[0].level != wanted.level:
            trip = of_rack[0]
            failures.append(
                f"{_what(evidence, wanted)}: trip by {trip.rule or 'nothing'} level {trip.level}"
            )
    return failures


def _level_failures(evidence: Evidence) -> list[str]:
    reached = highest_levels(evidence)
    return [
        f"{_what(evidence, wanted)}: came to level {level}"
        for wanted in evidence.expected.levels
        if (level := _highest(reached, wanted)) != wanted.level
    ]


def _highest(reached: dict[tuple[int, str], int], wanted: Reached) -> int:
    """Rules of the site count for every rack."""
    return max(
        reached.get((rack, rule), 0)
        for rack in (wanted.rack, layout.NO_RACK)
        for rule in wanted.rules
    )


def _what(evidence: Evidence, wanted: Reached) -> str:
    names = " or ".join(wanted.rules)
    return f"{evidence.racks[wanted.rack].name}: expected {names} level {wanted.level}"


def _relay_failures(evidence: Evidence) -> list[str]:
    """Relays as they were in the last moment of the last gateway."""
    changes = output_changes.relay_changes(evidence)
    return [
        f"relay {name} is {'off' if wanted else 'on'} at the end, expected the opposite"
        for name, wanted in evidence.expected.relays
        if state_at(changes.get(name, ()), evidence.end_ms - 1) != wanted
    ]


def _gap_failures(evidence: Evidence, gaps: dict[str, int | None]) -> list[str]:
    expected = evidence.expected
    failures = []
    for name, racks, bound_ms in (
        ("summary_gap_ms", "other racks", expected.summary_gap_ms),
        ("faulty_gap_ms", "struck racks", expected.faulty_gap_ms),
    ):
        longest_ms = gaps[name]
        if bound_ms is not None and longest_ms is not None and longest_ms > bound_ms:
            failures.append(f"{racks}: {longest_ms} ms between two summaries, expected {bound_ms}")
    if expected.cell_refresh_s is not None:
        _, waited_ms, _ = timing.cell_gaps_ms(evidence)
        if waited_ms > expected.cell_refresh_s * 1000:
            failures.append(
                f"a cell waited {waited_ms / 1000} s, expected {expected.cell_refresh_s:g}"
            )
    return failures


def _bus_figures(evidence: Evidence, bus: BusEvidence) -> dict[str, Any]:
    served_ms = sum(
        (life.ended_ms or life.started_ms) - life.started_ms for life in evidence.lives
    )
    wire_pm = round(1000 * bus.busy_ms / served_ms) if served_ms else None
    return asdict(bus) | {"wire_pm": wire_pm}


def _bus_failures(evidence: Evidence) -> list[str]:
    """Without a fault of the wire nothing may go wrong on a bus."""
    if evidence.happened:
        return []
    return [
        f"{bus.name}: {number} {what}"
        for bus in evidence.buses
        for number, what in (
            (bus.collisions, "collisions"),
            (bus.short_silences, "requests without t3.5 of silence before them"),
            (bus.bad_frames, "requests with a bad checksum"),
        )
        if number
    ]
