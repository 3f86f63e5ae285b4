"""One RTU line, 125 registers read again and again: how much of the wire's time is used.

The bound is what the wire allows: request, t3.5 by which the slave knows its end, the slave's
latency, answer, t3.5 before the next request.
"""

from __future__ import annotations

from statistics import mean
from typing import Any

from host_tools.bench.native import native
from host_tools.bench.processes import Json, Program, micropython_client, run_json, running
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series
from host_tools.bench.wire_time import read_us
from host_tools.toolchain.progress import step

CLIENT_CPU = 0
SLAVE_CPU = 1
REGISTERS = 125
LATENCY_MS = 15
SHORT_LATENCY_MS = 2
CHARACTER_BITS = 10  # 8N1
HEADLINE_BAUD = 115200
BAUDS = (HEADLINE_BAUD, 38400, 19200, 9600)
PATTERN = (0, -1, 0)  # slave options: test pattern, everyone answers
CLIENTS = {"gateway": "rtu_gateway.py", "umodbus": "rtu_umodbus.py"}
_FEWEST = 3


def measure(effort: Effort) -> list[Metric]:
    """The bus use at four speeds; about two minutes in full."""
    lines = [(baud, LATENCY_MS) for baud in BAUDS] + [(HEADLINE_BAUD, SHORT_LATENCY_MS)]
    found = {}
    for baud, latency_ms in lines:
        with step(f"RTU at {baud} baud, {latency_ms} ms latency: {effort.rounds} rounds"):
            found[baud, latency_ms] = {
                name: _use(micropython_client(script), baud, latency_ms, effort)
                for name, script in CLIENTS.items()
            }
    return [_metric(found)]


def _use(program: Program, baud: int, latency_ms: int, effort: Effort) -> Json:
    """Use of the wire in each round, and what the slave saw of all of them."""
    exchanges = max(_FEWEST, effort.exchanges * baud // HEADLINE_BAUD)
    bound_us = read_us(REGISTERS, baud, latency_ms * 1000)
    uses = []
    means_ms = []
    slave = native("rtu_slave")
    options = (baud, CHARACTER_BITS, latency_ms * 1000, *PATTERN)
    with running(slave, *options, cpu=SLAVE_CPU) as line:
        for _ in range(effort.rounds):
            result = run_json(
                program,
                *(REGISTERS, exchanges, baud, line.hello["port"]),
                cpu=CLIENT_CPU,
                timeout_s=exchanges * bound_us / 1e6 * 3 + 30,
            )
            uses.append(bound_us / mean(result["us"]))
            means_ms.append(mean(result["us"]) / 1000)
    return {
        "use": Series(tuple(uses)),
        "mean_ms": Series(tuple(means_ms)).median,
        "bound_ms": bound_us / 1000,
        "slave": line.counts,
    }


def _metric(found: dict[tuple[int, int], dict[str, Json]]) -> Metric:
    headline = found[HEADLINE_BAUD, LATENCY_MS]
    ours, umodbus = headline["gateway"]["use"], headline["umodbus"]["use"]
    others = ", ".join(
        f"{baud}: {clients['gateway']['use'].median:.4f}"
        for (baud, latency_ms), clients in found.items()
        if latency_ms == LATENCY_MS and baud != HEADLINE_BAUD
    )
    short = found[HEADLINE_BAUD, SHORT_LATENCY_MS]["gateway"]["use"].median
    gaps = headline["umodbus"]["slave"]["short_gaps"]
    return Metric(
        "rtu_bus_use_115200",
        ours.median,
        "x",
        baseline=umodbus.median,
        bound=1.0,
        target=0.97,
        details={
            "note": f"{REGISTERS} registers, 8N1, {LATENCY_MS} ms latency,"
            f" bound {headline['gateway']['bound_ms']:.2f} ms"
            " = request + t3.5 + latency + answer + t3.5;"
            f" {ours}; with {SHORT_LATENCY_MS} ms latency {short:.4f}; {others};"
            f" umodbus left less than t3.5 {gaps} times",
            "lines": [
                {"baud": baud, "latency_ms": latency_ms}
                | {name: _as_json(each) for name, each in clients.items()}
                for (baud, latency_ms), clients in found.items()
            ],
        }
        | ours.as_json(),
    )


def _as_json(measured: Json) -> dict[str, Any]:
    return {
        "use": measured["use"].as_json(),
        "mean_ms": round(measured["mean_ms"], 3),
        "bound_ms": round(measured["bound_ms"], 3),
        "slave": measured["slave"],
    }
