"""Modbus TCP, one connection, one request in flight: speed and heap per read.

Client and server share one processor, so a rate is the whole processor time of a transaction.
"""

from __future__ import annotations

from functools import partial

from host_tools.bench.native import native
from host_tools.bench.processes import (
    HEAP,
    Program,
    cpython_client,
    micropython_client,
    run_json,
    running,
)
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series, interleaved, ratio
from host_tools.toolchain.progress import step

CPU = 0
REGISTERS = 60
HEAP_WITHOUT_COLLECTOR = "2m"  # the collector is off there: 200 reads of umodbus take 300 kB
PATTERN = (0, -1, -1, 0)  # server options: test pattern, everyone answers

OURS = "gateway"
UMODBUS = "umodbus"
C_LOOP = "c_loop"


def measure(effort: Effort) -> list[Metric]:
    """The speed and heap metrics; about 40 s in full."""
    with running(native("tcp_server"), 1, 0, *PATTERN, cpu=CPU) as server:
        port = server.hello["ports"][0]
        with step(f"Modbus TCP: {effort.rounds} rounds of {len(_candidates())} clients"):
            runs = {
                name: partial(_rate, program, job, port, effort.seconds)
                for name, (program, job) in _candidates().items()
            }
            rates = interleaved(runs, effort.rounds)
        with step("Modbus TCP: heap per read"):
            heaps = {
                name: _heap(micropython_client(script, HEAP_WITHOUT_COLLECTOR), port)
                for name, script in ((OURS, "tcp_gateway.py"), (UMODBUS, "tcp_umodbus.py"))
            }
    return [*_speed_metrics(rates), _heap_metric(heaps)]


def _candidates() -> dict[str, tuple[Program, str]]:
    """Name -> (program, job); "" = the C loop, which takes no job."""
    return {
        C_LOOP: (native("tcp_loop"), ""),
        OURS: (micropython_client("tcp_gateway.py"), "speed"),
        UMODBUS: (micropython_client("tcp_umodbus.py"), "speed"),
        "gateway_undecoded": (micropython_client("tcp_gateway.py"), "speed-undecoded"),
        "gateway_in_task": (micropython_client("tcp_gateway.py"), "speed-in-task"),
        "gateway_cpython": (cpython_client("tcp_gateway.py"), "speed"),
        "umodbus_cpython": (cpython_client("tcp_umodbus.py"), "speed"),
        "socket_cpython": (cpython_client("tcp_plain.py"), "speed"),
    }


def _rate(program: Program, job: str, port: int, seconds: float) -> float:
    arguments = (job, REGISTERS, seconds, port) if job else (port, REGISTERS, seconds)
    result = run_json(program, *arguments, cpu=CPU, timeout_s=seconds + 30)
    return float(result["requests"] / result["seconds"])


def _heap(program: Program, port: int) -> Series:
    result = run_json(program, "heap", REGISTERS, 0, port, cpu=CPU, timeout_s=60)
    return Series(tuple(result["bytes"]))


def _speed_metrics(rates: dict[str, Series]) -> list[Metric]:
    ours, umodbus, bound = rates[OURS], rates[UMODBUS], rates[C_LOOP]
    all_rates = {name: series.as_json() for name, series in rates.items()}
    extra_us = {
        name: round(1e6 / series.median - 1e6 / bound.median, 2) for name, series in rates.items()
    }
    conditions = {
        "registers": REGISTERS,
        "heap": HEAP,
        "placement": "client and server on one CPU",
    }
    return [
        Metric(
            "modbus_tcp_vs_umodbus",
            ratio(ours, umodbus),
            "x",
            baseline=1.0,
            bound=ratio(bound, umodbus),
            target=1.15,
            details={
                "note": f"requests/s: {ours}, umodbus {umodbus}",
                "requests_per_s": all_rates,
                "extra_us": extra_us,
            }
            | conditions,
        ),
        Metric(
            "modbus_tcp_vs_c",
            ratio(ours, bound),
            "x",
            baseline=ratio(umodbus, bound),
            bound=1.0,
            target=0.75,
            details={
                "note": f"C loop {bound}; ours not decoded"
                f" {ratio(rates['gateway_undecoded'], bound):.3g},"
                f" in an asyncio task {ratio(rates['gateway_in_task'], bound):.3g},"
                f" on CPython {ratio(rates['gateway_cpython'], bound):.3g}"
            }
            | conditions,
        ),
        Metric(
            "modbus_tcp_requests_per_s",
            ours.median,
            "1/s",
            baseline=umodbus.median,
            bound=bound.median,
            details=ours.as_json() | conditions,
        ),
    ]


def _heap_metric(heaps: dict[str, Series]) -> Metric:
    return Metric(
        "modbus_tcp_heap_bytes_per_read",
        heaps[OURS].median,
        "B",
        baseline=heaps[UMODBUS].median,
        bound=0,
        target=200,
        at_most=True,
        details={
            "note": f"{REGISTERS} registers, 64-bit words; umodbus {heaps[UMODBUS]}",
            "registers": REGISTERS,
            "heap": HEAP_WITHOUT_COLLECTOR,
        }
        | heaps[OURS].as_json(),
    )
