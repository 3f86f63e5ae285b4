"""Trips as the field saw them, with the reason from the delivered event records."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protection import rules
from gateway.telemetry import records as layout
from host_tools.run import openings
from host_tools.run.evidence import Evidence, Fault, RackEvidence, state_at
from host_tools.run.openings import DECISION
from host_tools.simulate.truth import opened_after


@dataclass(frozen=True)
class Trip:
    """A trip relay that its gateway decided to open, and not for a proof test.

    The current goes first, then the BMS opens its contactor, and the relay makes sure of it.

    `rule` is "" and `level` 0 when no record tells the reason. `crossed_ms` is None without a
    fault. `contactor_ms` and `command_ms`: the contactor opened, the BMS was told to open it.
    """

    rack: int
    rule: str
    level: int
    crossed_ms: int | None
    relay_ms: int
    contactor_ms: int | None
    command_ms: int | None
    reaction_ms: int | None


def find(evidence: Evidence) -> list[Trip]:
    """All trips in the order of time."""
    found = [
        trip
        for index, rack in enumerate(evidence.racks)
        for trip in _of_rack(evidence, index, rack)
    ]
    return sorted(found, key=lambda trip: trip.relay_ms)


def _of_rack(evidence: Evidence, index: int, rack: RackEvidence) -> list[Trip]:
    times_ms = [each.at_ms for each in openings.of_rack(evidence, index) if each.by == DECISION]
    reasons = _reasons(evidence, index)
    fault = next((fault for fault in evidence.faults if fault.rack == index), None)
    trips = []
    for number, relay_ms in enumerate(times_ms):
        rule, level = reasons[number] if number < len(reasons) else ("", 0)
        crossed_ms = fault.crossed_ms if fault and number == 0 else None
        decided_ms = crossed_ms or relay_ms - evidence.opening_ms
        trips.append(
            Trip(
                rack=index,
                rule=rule,
                level=level,
                crossed_ms=crossed_ms,
                relay_ms=relay_ms,
                contactor_ms=_contactor_ms(rack, decided_ms, relay_ms),
                command_ms=next((ms for ms in rack.open_commands_ms if ms >= decided_ms), None),
                reaction_ms=_reaction_ms(evidence, fault, rule, crossed_ms, relay_ms),
            )
        )
    return trips


def _contactor_ms(rack: RackEvidence, decided_ms: int, relay_ms: int) -> int | None:
    """When the contactor opened: after the decision, or before it when it was open already.

    On a busy machine it may have closed in between, before the relay opened.
    """
    changes = rack.contactor_changes
    closed_late = any(c.on and decided_ms < c.at_ms <= relay_ms for c in changes)
    if closed_late or state_at(changes, decided_ms):
        return opened_after(changes, decided_ms)
    return max((c.at_ms for c in changes if not c.on and c.at_ms <= decided_ms), default=None)


def _reasons(evidence: Evidence, rack: int) -> list[tuple[str, int]]:
    """(rule, level) of each trip record of a rack or of the whole site, oldest first."""
    trips = openings.events(evidence, layout.TRIP, (rack, layout.NO_RACK))
    return [(rules.name(event.rule), event.level) for event in trips]


def _reaction_ms(
    evidence: Evidence, fault: Fault | None, rule: str, crossed_ms: int | None, relay_ms: int
) -> int | None:
    """Time from when the rule had to act to the relay."""
    if fault is None or crossed_ms is None:
        return None
    delay_ms = evidence.trip_delays_ms[rule if rule in fault.rules else fault.rule]
    return relay_ms - crossed_ms - delay_ms
