"""Trip relays that opened while their gateway was at work, and what let them go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.run.evidence import Evidence
from host_tools.simulate.field import DEAD_MAN, WATCHDOG

DECISION = "decision"  # of the gateway
PROOF_TEST = layout.EVENT_NAMES[layout.PROOF_TEST]
STALL = "stall"  # the gateway's loop stood still, so it let everything go itself
_TOGETHER_MS = 100  # relays that one thing let go, and the records of it


@dataclass(frozen=True)
class Opening:
    """`by`: DECISION, PROOF_TEST, STALL, DEAD_MAN or WATCHDOG."""

    rack: int
    at_ms: int
    by: str


@dataclass(frozen=True)
class LetGo:
    """So many relays of racks that went together, without a decision."""

    at_ms: int
    by: str
    relays: int


def of_rack(evidence: Evidence, rack: int) -> list[Opening]:
    """In the order of time."""
    opened = events(evidence, layout.RELAY_OPENED, (rack,))
    stalls = events(evidence, layout.STALL, (layout.NO_RACK,))
    return [
        Opening(rack, at_ms, _by(at_ms, evidence, opened, stalls))
        for at_ms in _times(evidence, rack)
    ]


def let_go(evidence: Evidence) -> list[LetGo]:
    """What opened relays without a decision, in the order of time."""
    single = [
        opening
        for rack in range(len(evidence.racks))
        for opening in of_rack(evidence, rack)
        if opening.by in (STALL, DEAD_MAN, WATCHDOG)
    ]
    found: list[LetGo] = []
    for opening in sorted(single, key=lambda opening: opening.at_ms):
        last = found[-1] if found else None
        if last and last.by == opening.by and opening.at_ms - last.at_ms <= _TOGETHER_MS:
            found[-1] = LetGo(last.at_ms, last.by, last.relays + 1)
        else:
            found.append(LetGo(opening.at_ms, opening.by, 1))
    return found


def events(evidence: Evidence, code: int, racks: tuple[int, ...]) -> list[Event]:
    """Events of a kind of these racks, oldest first."""
    found = [
        record
        for record in evidence.delivered.records.values()
        if isinstance(record, Event) and record.code == code and record.rack in racks
    ]
    return sorted(found, key=lambda event: event.key)


def _times(evidence: Evidence, rack: int) -> Iterator[int]:
    for change in evidence.racks[rack].relay_changes:
        if not change.on and any(life.covers(change.at_ms) for life in evidence.lives):
            yield change.at_ms


def _by(at_ms: int, evidence: Evidence, opened: list[Event], stalls: list[Event]) -> str:
    """What let the relay go; takes the record of it from `opened`, where the gateway made one.

    It recorded its openings one by one. A watchdog left it no time for that; behind a dead man it
    opens its relays itself, if it is still there.
    """
    outside = next((by for ms, by in evidence.let_go if 0 <= at_ms - ms <= _TOGETHER_MS), "")
    stalled = bool(opened) and _is_of_stall(opened[0], stalls)
    if opened and (not outside or stalled) and outside != WATCHDOG:
        text = opened.pop(0).text
        if text == PROOF_TEST and not outside:
            return PROOF_TEST
    return outside or (STALL if stalled else DECISION)


def _is_of_stall(opened: Event, stalls: list[Event]) -> bool:
    return any(
        stall.boot == opened.boot and 0 <= opened.uptime_ms - stall.uptime_ms <= _TOGETHER_MS
        for stall in stalls
    )
