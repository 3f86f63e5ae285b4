"""What drains of a backlog come to: their rate over the live rate, and trips meanwhile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from host_tools.bench.backlog_flash import Backlog
from host_tools.bench.results import Metric
from host_tools.bench.rounds import percentile
from host_tools.bench.trip_drill import RULE, Found, Trip
from host_tools.bench.uplink_meter import Arrival, longest_pause_ms, rate

TARGET = 20
_SETTLED_MS = 1000  # after the last block of the backlog


@dataclass(frozen=True)
class Drain:
    """One of them, and the quiet time behind it until `end_ms`."""

    found: Found
    backlog: list[Arrival]
    live: list[Arrival]
    log: list[Arrival]
    end_ms: int

    @property
    def begin_ms(self) -> int:
        """The first message of the backlog."""
        return self.backlog[0][0]

    @property
    def drained_ms(self) -> int:
        """The last one."""
        return self.backlog[-1][0]

    @property
    def bytes_per_s(self) -> float:
        """Of the backlog."""
        return rate(self.backlog, self.begin_ms, self.drained_ms)

    @property
    def live_meanwhile(self) -> float:
        """Live bytes per second during the drain."""
        return rate(self.live, self.begin_ms, self.drained_ms)

    @property
    def live_afterwards(self) -> float:
        """Live bytes per second with nothing else to send."""
        return rate(self.live, self.drained_ms + _SETTLED_MS, self.end_ms)

    @property
    def trips_meanwhile(self) -> list[Trip]:
        """Faults that came, and relays that dropped, during the drain."""
        return [
            trip
            for trip in self.found.trips
            if trip.crossed_ms >= self.begin_ms and trip.dropped_ms <= self.drained_ms
        ]

    @property
    def trips_afterwards(self) -> list[Trip]:
        """Those with nothing else to send."""
        quiet_ms = self.drained_ms + _SETTLED_MS
        return [trip for trip in self.found.trips if trip.crossed_ms >= quiet_ms]


def metrics(drains: Sequence[Drain], backlog: Backlog, bound_ms: int) -> list[Metric]:
    """Of all drains together."""
    return [_ratio(drains, backlog), _latency(drains, bound_ms)]


def _ratio(drains: Sequence[Drain], backlog: Backlog) -> Metric:
    """Live rate = what the gateway takes in to send at normal operation: live and recorded."""
    drained = sum(_size(each.backlog[1:]) for each in drains)
    seconds = sum(each.drained_ms - each.begin_ms for each in drains) / 1000
    live = sum(each.live_afterwards for each in drains) / len(drains) + backlog.recorded_per_s
    rates = [round(each.bytes_per_s) for each in drains]
    return Metric(
        "backlog_drain_ratio",
        drained / seconds / live,
        "x",
        bound=backlog.build_per_s / live,
        target=TARGET,
        details={
            "note": f"{drained / seconds / 1000:.0f} kB/s of backlog over {live / 1000:.1f} kB/s"
            f" live and recorded, {len(drains)} drains of {backlog.hours:.1f} h;"
            " bound: messages built and not sent, nothing else running",
            "drain_bytes_per_s": rates,
            "live_bytes_per_s": round(live),
            "recorded_bytes_per_s": round(backlog.recorded_per_s),
            "live_bytes_per_s_meanwhile": [round(each.live_meanwhile) for each in drains],
            "events_bytes_per_s_meanwhile": [
                round(rate(each.log, each.begin_ms, each.drained_ms)) for each in drains
            ],
            "longest_pause_ms": [longest_pause_ms(each.backlog) for each in drains],
            "backlog_bytes": backlog.message_bytes,
            "backlog_messages": backlog.messages,
            "load": round(os.getloadavg()[0], 2),
        },
    )


def _latency(drains: Sequence[Drain], bound_ms: int) -> Metric:
    """The slowest but one in a hundred during the drains; baseline: after them."""
    meanwhile = [trip.latency_ms for each in drains for trip in each.trips_meanwhile]
    afterwards = [trip.latency_ms for each in drains for trip in each.trips_afterwards]
    missed = sum(each.found.missed for each in drains)
    counts = bool(meanwhile) and not missed
    drain, quiet = _spread(meanwhile), _spread(afterwards)
    return Metric(
        "trip_drain_latency_ms",
        drain["p99_ms"] if counts else None,
        "ms",
        baseline=quiet["p99_ms"],
        bound=bound_ms,
        target=bound_ms,
        at_most=True,
        details={
            "note": f"{_text(drain)} during the drains; {_text(quiet)} after them;"
            f" {RULE}, less its delay; {missed} missed",
            "rule": RULE,
            "missed": missed,
            "meanwhile": drain,
            "afterwards": quiet,
        },
    )


def _size(arrivals: Sequence[Arrival]) -> int:
    return sum(size for _, size in arrivals)


def _spread(latencies_ms: Sequence[int]) -> dict[str, Any]:
    if not latencies_ms:
        return {"trips": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}
    return {
        "trips": len(latencies_ms),
        "p50_ms": percentile(latencies_ms, 50),
        "p99_ms": percentile(latencies_ms, 99),
        "max_ms": max(latencies_ms),
    }


def _text(spread: dict[str, Any]) -> str:
    return "p50 {p50_ms}, p99 {p99_ms}, max {max_ms} of {trips} trips".format(**spread)
