"""`gatewayctl bench`: measure one group of figures or all, and keep them in build/bench.json."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from host_tools.bench import (
    backlog_drain,
    board_costs,
    codec_size,
    codec_speed,
    decode_speed,
    ingest_speed,
    journal_flash,
    outage,
    protection_proof,
    protection_speed,
    quiet_day,
    rtu_use,
    site_polling,
    tcp_scan,
    tcp_speed,
    trip_latency,
    uplink_speed,
)
from host_tools.bench.machine import describe
from host_tools.bench.processes import need_taskset
from host_tools.bench.results import RESULTS, Metric, merge
from host_tools.bench.rounds import FULL, QUICK, Effort
from host_tools.bench.table import show
from host_tools.errors import UserError
from host_tools.toolchain.progress import say

Measure = Callable[[Effort], list[Metric]]

# name -> what to measure, in this order; each part keeps its figures as soon as it has them
GROUPS: dict[str, tuple[Measure, ...]] = {
    "modbus": (tcp_speed.measure, tcp_scan.measure, decode_speed.measure),
    "rtu": (rtu_use.measure, site_polling.measure),
    "protection": (
        protection_speed.measure,
        trip_latency.measure,
        quiet_day.measure,
        protection_proof.measure,
    ),
    "mqtt": (uplink_speed.measure,),
    "drain": (backlog_drain.measure,),
    "journal": (journal_flash.measure, outage.measure),
    "codec": (codec_size.measure, codec_speed.measure),
    "board": (board_costs.measure,),
    "ingest": (ingest_speed.measure,),
}


def main(only: str, quick: bool) -> int:
    """Measure group `only`, "" = all; `quick` is for trying it out, not for figures.

    UserError when the group is unknown or a tool is missing. A missed target is shown, it is no
    failure to measure: 0.
    """
    groups = _chosen(only)
    need_taskset()
    machine = describe()
    effort = QUICK if quick else FULL
    if quick:
        say("quick: everything is shortened, the figures say little")
    elif not machine["quiet"]:
        say(f"load is {machine['load_before']}: for figures that count, let nothing else run")
    metrics: list[Metric] = []
    for name in groups:
        for measure in GROUPS[name]:
            found = measure(effort)
            merge(found, machine | {"quick": quick}, RESULTS)
            metrics += found
    console = Console()
    if not console.is_terminal:
        console.width = 200  # of a file or a pipe: no figure may be cut
    show(metrics, machine, console)
    return 0


def _chosen(only: str) -> list[str]:
    if not only:
        return list(GROUPS)
    if only not in GROUPS:
        raise UserError(f"no benchmark group {only!r}; there are {', '.join(GROUPS)}")
    return [only]
