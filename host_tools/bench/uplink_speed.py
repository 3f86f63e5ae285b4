"""MQTT: messages of QoS 1 over a long link, and how long a TLS handshake stops everything else."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from host_tools.bench.delayed_link import HOST, delayed_link
from host_tools.bench.processes import Program, micropython_client, run_json
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series, interleaved, ratio
from host_tools.run.broker import MOSQUITTO, Broker
from host_tools.run.certificates import Authority
from host_tools.run.tls_broker import TlsBroker
from host_tools.toolchain.progress import step

CPU = 0
RTT_S = 0.1
BYTES = 500
WINDOW = 16
OTHER_WINDOWS = (1, 4, 32)
ROUND_S = 5  # of a second of effort: a second holds ten messages of the baseline
HANDSHAKES = 40
_OURS = "mqtt_gateway.py"
_BASELINE = "mqtt_stop_and_wait.py"
_HEAP = "1m"


def measure(effort: Effort) -> list[Metric]:
    """Both metrics; about two minutes in full."""
    return [_speed(effort), _handshake(effort)]


def _speed(effort: Effort) -> Metric:
    with (
        step(f"MQTT over {RTT_S * 1000:.0f} ms: {effort.rounds} rounds"),
        tempfile.TemporaryDirectory() as folder,
    ):
        rates = asyncio.run(_rates(effort, Path(folder)))
    ours, baseline = rates[f"window {WINDOW}"], rates["stop and wait"]
    return Metric(
        "mqtt_qos1_vs_umqtt",
        ratio(ours, baseline),
        "x",
        baseline=1.0,
        bound=WINDOW,
        target=12,
        details={
            "note": "messages per second on MicroPython, mosquitto, round trip 100 ms; baseline:"
            " one message in flight as umqtt.simple, written here with one write per message;"
            + ", ".join(f" {name} {each.median:.3g}" for name, each in rates.items()),
            "messages_per_s": {name: each.as_json() for name, each in rates.items()},
            "bytes": BYTES,
            "window": WINDOW,
        },
    )


async def _rates(effort: Effort, folder: Path) -> dict[str, Series]:
    broker = Broker(_free_port(), folder, MOSQUITTO)
    await broker.start()
    try:
        async with delayed_link(broker.port, RTT_S / 2) as port:
            seconds = effort.seconds * ROUND_S
            runs: dict[str, Callable[[], float]] = {
                "stop and wait": partial(
                    _rate, micropython_client(_BASELINE, _HEAP), port, BYTES, seconds
                )
            }
            for window in (WINDOW, *OTHER_WINDOWS):
                runs[f"window {window}"] = partial(
                    _rate,
                    micropython_client(_OURS, _HEAP),
                    "speed",
                    port,
                    window,
                    BYTES,
                    seconds,
                )
            # in a thread: the link lives in this loop
            return await asyncio.to_thread(interleaved, runs, effort.rounds)
    finally:
        await broker.stop()


def _rate(program: Program, *arguments: object) -> float:
    found = run_json(program, *arguments, cpu=CPU, timeout_s=60)
    return float(found["messages"]) / float(found["seconds"])


def _handshake(effort: Effort) -> Metric:
    count = max(3, HANDSHAKES * effort.rounds // 5)
    with step(f"TLS: {count} handshakes"), tempfile.TemporaryDirectory() as folder:
        runs = asyncio.run(_standstills(count, Path(folder)))
    first = runs["tls"][0] / 1000
    warm, plain = (Series(tuple(us / 1000 for us in runs[name][1:])) for name in ("tls", "plain"))
    return Metric(
        "tls_handshake_block_ms",
        warm.median,
        "ms",
        baseline=plain.median,
        details={
            "note": "longest time that no other task ran during a connect, median of"
            f" {len(warm.samples)}, mutual TLS 1.2 with P-256 on MicroPython; baseline without"
            f" TLS; the first one after a start {first:.3g} ms."
            " A desktop processor: about a second on an ESP32, as others report",
            "first_ms": first,
            "tls_ms": warm.as_json(),
            "plain_ms": plain.as_json(),
        },
    )


async def _standstills(count: int, folder: Path) -> dict[str, list[int]]:
    authority = Authority(folder, "ca")
    authority.issue("gw")
    broker = TlsBroker(folder, authority)
    program = micropython_client(_OURS, _HEAP)
    found: dict[str, list[int]] = {}
    async with broker.running():
        for name, port, files in (("plain", broker.port, "-"), ("tls", broker.tls_port, folder)):
            measured = await asyncio.to_thread(
                run_json, program, "handshake", port, count, files, cpu=CPU, timeout_s=120
            )
            found[name] = measured["us"]
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
    return number
