"""Twelve racks at once over Modbus TCP, servers that answer after 5 ms: time of a whole cycle."""

from __future__ import annotations

from statistics import median

from host_tools.bench.native import native
from host_tools.bench.processes import (
    Program,
    cpython_client,
    micropython_client,
    run_json,
    running,
)
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series, percentile
from host_tools.bench.tcp_speed import PATTERN, REGISTERS
from host_tools.toolchain.progress import step

CLIENT_CPU = 0
SERVER_CPU = 1
RACKS = 12
DELAY_MS = 5
HEAP = "512k"


def measure(effort: Effort) -> list[Metric]:
    """Cycle times of both clients; about 30 s in full."""
    programs = {
        "gateway": micropython_client("tcp_gateway.py", HEAP),
        "umodbus": micropython_client("tcp_umodbus.py", HEAP),
        "gateway_cpython": cpython_client("tcp_gateway.py"),
    }
    cycles: dict[str, list[list[float]]] = {name: [] for name in programs}
    undelayed: dict[str, list[list[float]]] = {name: [] for name in programs}
    with step(f"site scan: {effort.rounds} rounds of {len(programs)} clients, 12 racks"):
        for delay_ms, found in ((DELAY_MS, cycles), (0, undelayed)):
            server = native("tcp_server")
            with running(server, RACKS, delay_ms * 1000, *PATTERN, cpu=SERVER_CPU) as up:
                for _ in range(effort.rounds):
                    for name, program in programs.items():
                        found[name].append(_cycles_ms(program, effort, up.hello["ports"]))
    return [_metric(cycles, undelayed)]


def _cycles_ms(program: Program, effort: Effort, ports: list[int]) -> list[float]:
    result = run_json(
        program, "scan", REGISTERS, effort.scans, *ports, cpu=CLIENT_CPU, timeout_s=60
    )
    return [us / 1000 for us in result["us"]]


def _metric(
    cycles: dict[str, list[list[float]]], undelayed: dict[str, list[list[float]]]
) -> Metric:
    """Median over the rounds of each round's median."""
    medians = {name: Series(tuple(median(run) for run in runs)) for name, runs in cycles.items()}
    ours, umodbus = medians["gateway"], medians["umodbus"]
    worst = {name: max(percentile(run, 99) for run in runs) for name, runs in cycles.items()}
    return Metric(
        "site_scan_ms",
        ours.median,
        "ms",
        baseline=umodbus.median,
        bound=float(DELAY_MS),
        target=6.0,
        at_most=True,
        details={
            "note": f"{ours}, p99 {worst['gateway']:.3g}; umodbus one after the other {umodbus}",
            "p50_ms": {name: series.as_json() for name, series in medians.items()},
            "p99_ms_worst_round": {name: round(value, 3) for name, value in worst.items()},
            "p50_ms_without_delay": {
                name: round(median(median(run) for run in runs), 3)
                for name, runs in undelayed.items()
            },
            "racks": RACKS,
            "registers": REGISTERS,
            "heap": HEAP,
            "placement": "client on one CPU, server on another",
        },
    )
