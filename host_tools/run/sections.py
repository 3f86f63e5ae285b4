"""What single scenarios must show beyond trips and telemetry; each gives figures and failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gateway.protection import rules
from gateway.rack.data import GOOD, STALE
from gateway.telemetry import records as layout
from host_tools.decode.records import Event, Record, Sample
from host_tools.run.evidence import Evidence, Fault, state_at
from host_tools.run.trips import Trip

RECONNECT_MS = 5000
LATENESS_MS = 300  # of a level: ageing step, recording step, a collection of garbage

Section = tuple[dict[str, Any], list[str]]


def broker(evidence: Evidence) -> Section:
    """When the gateway's records came in again after the broker was back.

    Only a record made after the broker's death counts: older ones may come from its disk.
    """
    figures: dict[str, Any] = {"kind": evidence.broker}
    outage = evidence.outage
    if outage is None:
        return figures, []
    figures |= {"down_ms": outage.down_ms, "up_ms": outage.up_ms, "reconnect_ms": None}
    if outage.up_ms is None:
        return figures, []
    arrived_ms = next(
        (
            at_ms
            for at_ms, utc_ms in evidence.delivered.arrivals
            if at_ms >= outage.up_ms and utc_ms > outage.down_utc_ms
        ),
        None,
    )
    if arrived_ms is None:
        return figures, ["no record came in after the broker was back"]
    figures["reconnect_ms"] = arrived_ms - outage.up_ms
    if figures["reconnect_ms"] > RECONNECT_MS:
        return figures, [f"reconnected after {figures['reconnect_ms']} ms, not {RECONNECT_MS}"]
    return figures, []


def restart(evidence: Evidence) -> Section:
    """Relays open between two gateways, the latched rack open afterwards, all others closed."""
    killed_ms = evidence.lives[0].ended_ms or 0
    started_ms = evidence.lives[1].started_ms
    tripped = {fault.rack for fault in evidence.faults}
    racks = evidence.racks
    between = [state_at(rack.relay_changes, started_ms) for rack in racks]
    at_end = [state_at(rack.relay_changes, evidence.end_ms - 1) for rack in racks]
    reopened = [
        any(change.on and change.at_ms > started_ms for change in racks[rack].relay_changes)
        for rack in tripped
    ]
    claims = evidence.status.get("racks", [])
    figures = {
        "killed_ms": killed_ms,
        "started_ms": started_ms,
        "open_between": not any(between),
        "latched_racks": [racks[rack].name for rack in sorted(tripped)],
        "latched_open": not any(reopened),
        "closed_again": sum(at_end),
    }
    failures = []
    if any(between):
        failures.append(f"{sum(between)} relays closed while there was no gateway")
    if any(reopened):
        failures.append("a latched relay closed again after the restart")
    if any(not claims[rack]["latched"] for rack in tripped if rack < len(claims)):
        failures.append("a trip is no longer latched after the restart")
    others = len(racks) - len(tripped)
    if sum(at_end) != others:
        failures.append(f"{sum(at_end)} relays closed again after the restart, not {others}")
    return figures, failures


def silent(evidence: Evidence, fault: Fault, trips: list[Trip]) -> Section:
    """Age of the silent rack's last good data when it became stale and at each level.

    By uptime from delivered records; the relay's by the field, from the rack's last answer.
    """
    of_rack = sorted(
        (
            record
            for record in (*evidence.delivered.records.values(), *evidence.delivered.samples)
            if isinstance(record, Sample | Event) and record.rack == fault.rack
        ),
        key=lambda record: (record.boot, record.uptime_ms),
    )
    good = [r for r in of_rack if isinstance(r, Sample) and r.quality == GOOD]
    if not good or fault.last_answer_ms is None:
        return {}, [f"{evidence.racks[fault.rack].name} was never read"]
    acquired_ms = good[-1].acquired_ms
    ages: dict[str, int | None] = {"stale": _age(of_rack, acquired_ms, _is_stale)}
    for level in (1, 2, 3):
        ages[f"level{level}"] = _age(of_rack, acquired_ms, partial(_is_comm_loss, level))
    relay_ms = next((trip.relay_ms for trip in trips if trip.rack == fault.rack), None)
    ages["relay"] = None if relay_ms is None else relay_ms - fault.last_answer_ms
    limits = evidence.comm_loss_ages_ms
    due = {
        "stale": (limits[0], limits[0] + evidence.period_ms),
        **{f"level{number}": (age, age) for number, age in enumerate(limits, 1)},
        "relay": (limits[2], limits[2]),
    }
    name = evidence.racks[fault.rack].name
    failures = [
        f"{name} {what} after {_text(ages[what])} without an answer, due at {low} ms"
        for what, (low, high) in due.items()
        if (age := ages[what]) is None or not low <= age <= high + LATENESS_MS
    ]
    return {"rack": name} | {f"{what}_after_ms": age for what, age in ages.items()}, failures


def _age(
    records: Sequence[Record], acquired_ms: int, wanted: Callable[[Record], bool]
) -> int | None:
    times = (
        record.uptime_ms for record in records if record.uptime_ms > acquired_ms and wanted(record)
    )
    first_ms = next(times, None)
    return None if first_ms is None else first_ms - acquired_ms


def _is_stale(record: Record) -> bool:
    return isinstance(record, Sample) and record.quality == STALE


def _is_comm_loss(level: int, record: Record) -> bool:
    return (
        isinstance(record, Event)
        and record.code in (layout.LEVEL_SET, layout.TRIP)
        and record.rule == rules.COMM_LOSS
        and record.level == level
    )


def _text(age_ms: int | None) -> str:
    return "no time at all" if age_ms is None else f"{age_ms} ms"
