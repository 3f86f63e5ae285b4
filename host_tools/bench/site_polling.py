"""The real scheduler with twelve racks of 416 cells: how often everything is read, and what a
dead rack costs the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from host_tools.bench import site_config
from host_tools.bench.native import native
from host_tools.bench.processes import Json, Server, micropython_client, run_json, running
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, percentile
from host_tools.bench.site_config import BAUD, RACKS, Tree
from host_tools.bench.wire_time import read_us
from host_tools.toolchain.progress import step

CLIENT_CPU = 0
SERVER_CPU = 1
HEAP = "1m"  # as `gatewayctl run` gives the whole gateway
LATENCY_MS = 15
CHARACTER_BITS = 10  # 8N1
SUMMARY_MS = 500
SUMMARY_REGISTERS = 25
SUMMARY_TOLERANCE = 1.1  # p99 of the period; beyond it the refresh of the cells does not count
NOBODY = -1
DEAD = 0  # index of the rack that dies: the first to be asked delays all others

Start = Callable[[int, float], AbstractContextManager[Server]]


@dataclass(frozen=True)
class Topology:
    """A way to connect twelve racks: its server and its configuration."""

    name: str
    start: Start
    configure: Callable[[Json], Tree]


@dataclass(frozen=True)
class Outcome:
    """What one run showed; `counts` are the server's.

    Summary periods per rack: `dying_ms` while one dies, `summaries_ms` and everything else after.
    """

    dying_ms: list[list[float]]
    summaries_ms: list[list[float]]
    cells_ms: list[list[float]]
    raw: Json
    counts: Json

    def periods_ms(self, without: int) -> list[float]:
        """Summary periods of all racks but `without`."""
        return _without(self.summaries_ms, without)


def measure(effort: Effort) -> list[Metric]:
    """Six runs of the scheduler, more than a minute each in full."""
    outcomes = {
        topology.name: (_run(topology, NOBODY, effort), _run(topology, DEAD, effort))
        for topology in TOPOLOGIES
    }
    refresh = _refresh(outcomes["rtu"][0])
    return [refresh, _stretch(outcomes)]


def _rtu_slave(dead: int, dies_after_s: float) -> AbstractContextManager[Server]:
    unit = dead + 1 if dead != NOBODY else NOBODY
    return running(
        native("rtu_slave"),
        *(BAUD, CHARACTER_BITS, LATENCY_MS * 1000, site_config.cells(), unit, dies_after_s),
        cpu=SERVER_CPU,
    )


def _converter(dead: int, dies_after_s: float) -> AbstractContextManager[Server]:
    unit = dead + 1 if dead != NOBODY else NOBODY
    return running(
        native("tcp_server"),
        *(1, LATENCY_MS * 1000, site_config.cells(), unit, NOBODY, dies_after_s),
        cpu=SERVER_CPU,
    )


def _endpoints(dead: int, dies_after_s: float) -> AbstractContextManager[Server]:
    return running(
        native("tcp_server"),
        *(RACKS, LATENCY_MS * 1000, site_config.cells(), NOBODY, dead, dies_after_s),
        cpu=SERVER_CPU,
    )


TOPOLOGIES = (
    Topology("rtu", _rtu_slave, lambda _: site_config.on_one_line()),
    Topology(
        "tcp_one_endpoint",
        _converter,
        lambda hello: site_config.behind_one_endpoint(hello["ports"][0]),
    ),
    Topology(
        "tcp_own_endpoints",
        _endpoints,
        lambda hello: site_config.with_own_endpoints(hello["ports"]),
    ),
)


def _run(topology: Topology, dead: int, effort: Effort) -> Outcome:
    who = "all alive" if dead == NOBODY else "one dies"
    dies_after_s = effort.warm_up_s + effort.dying_s / 2
    lasts_s = effort.warm_up_s + effort.dying_s + effort.polling_s
    program = micropython_client("site_poll.py", HEAP)
    with (
        step(f"{topology.name}, {who}: {lasts_s} s"),
        tempfile.TemporaryDirectory() as folder,
        topology.start(dead, dies_after_s) as server,
    ):
        path = site_config.write(topology.configure(server.hello), Path(folder))
        raw = run_json(
            program,
            *(path, effort.warm_up_s, effort.dying_s, effort.polling_s),
            server.hello.get("port", ""),
            cpu=CLIENT_CPU,
            timeout_s=lasts_s + 30,
        )
    return Outcome(
        dying_ms=_ms(raw["first_summary_us"]),
        summaries_ms=_ms(raw["summary_us"]),
        cells_ms=_ms(raw["cells_us"]),
        raw=raw,
        counts=server.counts,
    )


def _without(racks: list[list[float]], left_out: int) -> list[float]:
    return [each for index, rack in enumerate(racks) if index != left_out for each in rack]


def _ms(racks: list[list[int]]) -> list[list[float]]:
    return [[us / 1000 for us in intervals] for intervals in racks]


def _refresh(outcome: Outcome) -> Metric:
    """Every interval between two readings of a block of cells, those still running included."""
    intervals = [each for rack in outcome.cells_ms for each in rack]
    still_running = outcome.raw["cells_running_us"]
    unread = sum(each < 0 for each in still_running)
    worst_s = max([*intervals, *(max(each, 0) / 1000 for each in still_running)]) / 1000
    summary = _periods(outcome.periods_ms(NOBODY))
    held = 0 < summary["p99_ms"] <= SUMMARY_TOLERANCE * SUMMARY_MS
    counts = held and not unread and bool(intervals)
    note = (
        f"median {median(intervals) / 1000:.3g} s; " if intervals else ""
    ) + f"summaries p50 {summary['p50_ms']} p99 {summary['p99_ms']} max {summary['max_ms']} ms"
    if not counts:
        why = f"{unread} racks without all cells" if unread else "summaries are late"
        note += f"; worst {worst_s:.3g} s does not count: {why}"
    return Metric(
        "rtu_cell_refresh_s",
        worst_s if counts else None,
        "s",
        bound=_least_refresh_s(),
        target=6.0,
        at_most=True,
        details={
            "note": note,
            "worst_s": round(worst_s, 3),
            "median_s": round(median(intervals) / 1000, 3) if intervals else None,
            "summary": summary,
            "bus": outcome.raw["links"],
            "slave": outcome.counts,
            "latency_ms": LATENCY_MS,
            "baud": BAUD,
            "heap": HEAP,
        },
    )


def _least_refresh_s() -> float:
    """All cells of all racks in the time that the summaries leave, nothing else on the wire."""
    summaries_us = RACKS * read_us(SUMMARY_REGISTERS, BAUD, LATENCY_MS * 1000)
    free = 1 - summaries_us / (SUMMARY_MS * 1000)
    reads = -(-site_config.cells() // 125)
    block_us = read_us(site_config.cells() // reads, BAUD, LATENCY_MS * 1000)
    return RACKS * reads * block_us / free / 1e6


def _stretch(outcomes: dict[str, tuple[Outcome, Outcome]]) -> Metric:
    found: dict[str, Any] = {}
    for name, (alive, dead) in outcomes.items():
        before = _periods(alive.periods_ms(DEAD))
        after = _periods(dead.periods_ms(DEAD))
        stretch = after["p99_ms"] / before["p99_ms"] if before["p99_ms"] else None
        found[name] = {
            "stretch": None if stretch is None else round(stretch, 4),
            "without": before,
            "with_one_dead": after,
            "while_it_dies": _periods(_without(dead.dying_ms, DEAD)),
            "links": dead.raw["links"],
            "server": dead.counts,
        }
    stretches = [each["stretch"] for each in found.values()]
    complete = all(each is not None for each in stretches)
    return Metric(
        "dead_rack_stretch",
        max(stretches) if complete else None,
        "x",
        baseline=1.0,
        bound=1.0,
        target=1.10,
        at_most=True,
        details={
            "note": "p99 of the summary period: "
            + ", ".join(f"{name} {each['stretch']}" for name, each in found.items())
            + "; longest while it dies, ms: "
            + ", ".join(f"{each['while_it_dies']['max_ms']:.0f}" for each in found.values()),
            "topologies": found,
            "latency_ms": LATENCY_MS,
            "heap": HEAP,
        },
    )


def _periods(periods_ms: list[float]) -> dict[str, float]:
    """p50, p99 and the longest; zeros when there are none."""
    if not periods_ms:
        return {"p50_ms": 0, "p99_ms": 0, "max_ms": 0, "count": 0}
    return {
        "p50_ms": round(percentile(periods_ms, 50), 1),
        "p99_ms": round(percentile(periods_ms, 99), 1),
        "max_ms": round(max(periods_ms), 1),
        "count": len(periods_ms),
    }
