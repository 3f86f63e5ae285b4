"""How busy each bus of a site will be: the gateway's own schedule, built without any hardware."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.rack.bus_time import BusTime
from gateway.southbound import Southbound
from host_tools.errors import UserError


@dataclass(frozen=True)
class _Line:
    """As much of a serial port as its times need."""

    baud: int
    char_bits: int


def _uart(number: int, baud: int, parity: int | None, stop: int) -> _Line:
    return _Line(baud, 9 + stop + (parity is not None))


def bus_times(config: Config, where: str) -> list[BusTime]:
    """The time each bus needs; UserError names the first bus that cannot hold its periods."""
    board: Any = SimpleNamespace(
        network=lambda: None, uart=_uart, clock=Clock(), random=random.Random(0)
    )
    try:
        southbound = Southbound(board, config, 0)
    except ConfigError as error:
        raise UserError(f"{where}: {error}") from error
    period_ms = config.integer("poll.summary_period_ms")
    return [BusTime(bus, period_ms) for bus in southbound.buses]


def line(time: BusTime) -> str:
    """One bus for a person."""
    return (
        f"  bus {time.name}: {time.racks} rack(s), summaries {time.summaries_ms} ms"
        f" and cells and writes {time.slow_ms} ms of each {time.period_ms} ms,"
        f" {time.use_pm / 10:.1f} % used"
    )
