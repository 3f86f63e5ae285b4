"""How busy each bus of a site will be: the gateway's own schedule, built without any hardware."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from gateway.clock import Clock
from gateway.config import Config
from gateway.config.rules import LATCH, NAME, RULES, SERVICE
from gateway.errors import ConfigError
from gateway.rack.bus_time import BusTime
from gateway.southbound import Southbound, map_table
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


def cannot(config: Config) -> list[str]:
    """What the site's register map has no register for, outputs no relay and inputs no contact."""
    table = map_table(config.text("map"))
    missing = []
    if not table.OPEN_CONTACTOR:
        missing.append("command the contactor open: level 3 drops the relay only")
    if not table.CHARGE_LIMIT or not table.DISCHARGE_LIMIT:
        missing.append(
            "tell the BMS a lower current: level 1 is reported only, and a level 2 whose current"
            " does not stop opens after the delay of stop_not_respected"
        )
    lines = [f"  map {config.text('map')} cannot {what}" for what in missing]
    if config.integer("outputs.site_relay") < 0:
        lines.append(
            "  outputs.site_relay is not set: when a contactor does not open, all that is left is"
            " to grant 0 A and to say so"
        )
    if all(each.role != "service_key" for each in config.inputs):
        held = [str(row[NAME]) for row in RULES if row[LATCH] == SERVICE]
        lines.append(
            "  no input is a service_key: nobody can release what only service may,"
            f" a flash that was formatted and {', '.join(held)}"
        )
    return lines


def line(time: BusTime) -> str:
    """One bus for a person."""
    return (
        f"  bus {time.name}: {time.racks} rack(s), summaries {time.summaries_ms} ms"
        f" and cells and writes {time.slow_ms} ms of each {time.period_ms} ms,"
        f" {time.use_pm / 10:.1f} % used"
    )
