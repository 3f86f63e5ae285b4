"""From a reading beyond its limit to the relay that drops, in a whole running site."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, percentile
from host_tools.bench.site_config import PRODUCT
from host_tools.bench.trip_drill import RULE, Drill, Found
from host_tools.errors import UserError
from host_tools.run import plan as run_plan
from host_tools.run.plan import Plan
from host_tools.toolchain.progress import step

LOAD = -0.2  # of the rating; soon granted again after a trip
EXTRA_MS = 120  # beyond a summary period: the answer itself, a step of the loop, the wiring
_SCENARIO = Path(__file__).with_name("trip_latency.toml")


def measure(effort: Effort) -> list[Metric]:
    """Both latencies; about twelve minutes in full."""
    found = {}
    for load, faults in ((0.0, effort.faults), (LOAD, effort.loaded_faults)):
        plan = _plan(load)
        with step(f"{faults} trips of twelve racks, {'under load' if load else 'at rest'}"):
            found[load] = asyncio.run(_drill(plan, faults).run())
        if found[load].errors:
            raise UserError(f"the run was not clean: {found[load].errors[0]}")
    integer = plan.config.integer
    bound_ms = integer("poll.summary_period_ms") + EXTRA_MS
    staged_ms = integer("outputs.zero_wait_ms") + integer("outputs.check_ms")
    return [
        _metric("trip_latency_ms", found[0.0], bound_ms),
        _metric("trip_under_load_ms", found[LOAD], bound_ms + staged_ms),
    ]


def _drill(plan: Plan, faults: int) -> Drill:
    return Drill(plan, lambda found: found.begun >= faults, seed=faults)


def _plan(load: float) -> Plan:
    plan = run_plan.make(PRODUCT, str(_SCENARIO), 0, "micropython")
    if plan.interpreter.name != "micropython":
        raise UserError("no MicroPython to measure: gatewayctl toolchain --build")
    return replace(plan, scenario=plan.scenario.model_copy(update={"load": load}))


def _metric(name: str, found: Found, bound_ms: int) -> Metric:
    """The slowest but one in a hundred; every other figure beside it."""
    values = found.latencies_ms
    figures: dict[str, Any] = {
        "p50_ms": percentile(values, 50) if values else None,
        "p99_ms": percentile(values, 99) if values else None,
        "max_ms": max(values) if values else None,
        "min_ms": min(values) if values else None,
        "over_bound": sum(value > bound_ms for value in values),
        "trips": len(values),
        "missed": found.missed,
        "under_load": found.loaded,
        "console_answers": found.console_answers,
    }
    counts = bool(values) and not found.missed
    return Metric(
        name,
        figures["p99_ms"] if counts else None,
        "ms",
        bound=bound_ms,
        target=bound_ms,
        at_most=True,
        details={
            "note": f"p50 {figures['p50_ms']}, p99 {figures['p99_ms']}, max {figures['max_ms']} of"
            f" {len(values)} {RULE} trips, less their delay; {found.missed} missed",
            "rule": RULE,
            "racks": 12,
        }
        | figures,
    )
