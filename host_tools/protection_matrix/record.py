"""One run, and what happened in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from gateway.protection import rules
from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.protection_matrix.case import Run
from host_tools.protection_matrix.scenario import text
from host_tools.run import output_changes
from host_tools.run import plan as run_plan
from host_tools.run import run as site_run
from host_tools.run.evidence import Evidence
from host_tools.run.verdict import judge
from host_tools.toolchain.paths import BUILD

RECORD = "matrix.json"
SCENARIOS = BUILD / "matrix"
LEVEL_EVENTS = (layout.LEVEL_SET, layout.TRIP, layout.LEVEL_CLEARED)


def record(run: Run, interpreter: str) -> tuple[Path, list[str]]:
    """Do `run`; where it is written down, and what its own verdict objects to. UserError."""
    SCENARIOS.mkdir(parents=True, exist_ok=True)
    scenario = SCENARIOS / f"{run.name}.toml"
    scenario.write_text(text(run))
    plan = run_plan.make(run.site, str(scenario), run.seconds, interpreter)
    console = Console(width=160)

    async def whole() -> Evidence:
        return await site_run.Run(plan, console).run()

    found = record_of(asyncio.run(whole()))
    path = plan.folder / RECORD
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path, found["failures"]


def record_of(evidence: Evidence) -> dict[str, Any]:
    """The run's verdict, every change of an output, and every change of a level.

    Times are ms since the gateway's start. `levels` are (ms, rack or 255, rule, level, set).
    """
    verdict = judge(evidence)
    zero_ms = evidence.lives[0].started_ms
    events = [
        record
        for record in evidence.delivered.records.values()
        if isinstance(record, Event) and record.code in LEVEL_EVENTS
    ]
    outputs = output_changes.figures(evidence)
    ahead_ms = _ahead_ms(evidence, zero_ms)
    return {
        "failures": verdict.failures,
        "warnings": verdict.warnings,
        "racks": [rack.name for rack in evidence.racks],
        "end_ms": evidence.end_ms - zero_ms,
        "levels": [
            [
                event.uptime_ms + ahead_ms,
                event.rack,
                rules.name(event.rule),
                event.level,
                event.code != layout.LEVEL_CLEARED,
            ]
            for event in sorted(events, key=lambda event: event.key)
        ],
        "relays": _since(outputs["relays"], zero_ms),
        "contactors": _since(outputs["contactors"], zero_ms),
        "limits": _since(outputs["limits"], zero_ms),
        "open_commands": {
            name: [ms - zero_ms for ms in times]
            for name, times in outputs["open_commands"].items()
        },
    }


def _ahead_ms(evidence: Evidence, zero_ms: int) -> int:
    """The gateway counts from a moment after its start: how much later, by its first relay."""
    for rack, seen in enumerate(evidence.racks):
        told = [
            record.uptime_ms
            for record in evidence.delivered.records.values()
            if isinstance(record, Event)
            and record.code == layout.RELAY_CLOSED
            and record.rack == rack
        ]
        if told and seen.relay_changes:
            return seen.relay_changes[0].at_ms - zero_ms - min(told)
    return 0


def _since(changes: dict[str, list[list[Any]]], zero_ms: int) -> dict[str, list[list[Any]]]:
    return {
        name: [[each[0] - zero_ms, *each[1:]] for each in found] for name, found in changes.items()
    }
