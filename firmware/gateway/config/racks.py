"""Where the racks are: serial buses and TCP endpoints, units behind them, their relays."""

from __future__ import annotations

from gateway.config.checks import (
    check_address,
    check_entry,
    check_name,
    check_unique,
    entry_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_RACKS = 16
MAX_BUSES = 8

# Keys of a rack and of a serial bus: (name, lowest and highest number, or None for text;
# the value when it is absent, or None when it must be there).
_TCP_RACK = (
    ("name", None, None, None),
    ("host", None, None, None),
    ("port", 1, 65535, None),
    ("unit", 0, 247, None),
    ("trip_relay", 0, 31, None),
    ("position", 0, 31, 0),
)
_BUS_RACK = (
    ("name", None, None, None),
    ("bus", None, None, None),
    ("unit", 1, 247, None),
    ("trip_relay", 0, 31, None),
    ("position", 0, 31, 0),
)
_BUS = (
    ("name", None, None, None),
    ("uart", 0, 15, None),
    ("baud", 1200, 230400, None),
    ("frame", None, None, "8E1"),
    ("latency_ms", 0, 1000, 15),
    ("reply_timeout_ms", 20, 2000, 200),
)
# What the specification allows on a serial line: (parity as for machine.UART, stop bits).
FRAMES = {"8N1": (None, 1), "8E1": (0, 1), "8N2": (None, 2)}


class BusSettings:
    """A serial line: its UART, speed and frame.

    `latency_ms`: how long the racks usually take to begin an answer; the schedule is checked with
    it. `reply_timeout_ms`: how long they may take.
    """

    def __init__(
        self, name: str, uart: int, baud: int, frame: str, latency_ms: int, reply_timeout_ms: int
    ) -> None:
        self.name = name
        self.uart = uart
        self.baud = baud
        self.parity, self.stop = FRAMES[frame]
        self.frame = frame
        self.latency_ms = latency_ms
        self.reply_timeout_ms = reply_timeout_ms


class RackSettings:
    """Where one rack BMS answers and which relay trips it.

    `bus` is the name of a serial line, or "" for a rack behind `host` and `port`. `position`
    counts racks that one unit serves in blocks of registers, from 0.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self.name: str = values["name"]
        self.bus: str = values.get("bus", "")
        self.host: str = values.get("host", "")
        self.port: int = values.get("port", 0)
        self.unit: int = values["unit"]
        self.trip_relay: int = values["trip_relay"]
        self.position: int = values["position"]

    @property
    def endpoint(self) -> tuple[str, str, int]:
        """Racks with the same endpoint share one link."""
        return self.bus, self.host, self.port


def load_buses(entries: object, problems: list[str]) -> list[BusSettings]:
    """The serial lines of a configuration; what is wrong goes to `problems`."""
    if not isinstance(entries, list) or len(entries) > MAX_BUSES:
        problems.append("buses: needs a list of at most %d serial lines" % MAX_BUSES)
        return []
    buses = []
    for index, entry in enumerate(entries):
        where = entry_name("buses", index, entry)
        values = check_entry(where, entry, _BUS, problems)
        if values is None:
            continue
        check_name(where + ".name", values["name"], problems)
        if values["frame"] not in FRAMES:
            problems.append("%s.frame: needs 8N1, 8E1 or 8N2" % where)
            continue
        buses.append(BusSettings(*[values[key[0]] for key in _BUS]))
    check_unique("buses", "name", buses, lambda bus: bus.name, problems)
    check_unique("buses", "uart", buses, lambda bus: bus.uart, problems)
    return buses


def load_racks(entries: object, buses: list[str], problems: list[str]) -> list[RackSettings]:
    """The racks of a configuration; `buses` are the names of its serial lines."""
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_RACKS:
        problems.append("racks: needs a list of 1..%d racks" % MAX_RACKS)
        return []
    racks = []
    for index, entry in enumerate(entries):
        where = entry_name("racks", index, entry)
        on_bus = isinstance(entry, dict) and "bus" in entry
        if isinstance(entry, dict) and on_bus and "host" in entry:
            problems.append("%s: has a bus and a host; a rack is at one of them" % where)
            continue
        values = check_entry(where, entry, _BUS_RACK if on_bus else _TCP_RACK, problems)
        if values is None:
            continue
        check_name(where + ".name", values["name"], problems)
        if not on_bus:
            check_address(where + ".host", values["host"], problems)
        elif values["bus"] not in buses:
            problems.append("%s.bus: no bus %r" % (where, values["bus"]))
        racks.append(RackSettings(values))
    check_unique("racks", "name", racks, lambda rack: rack.name, problems)
    check_unique("racks", "trip_relay", racks, lambda rack: rack.trip_relay, problems)
    check_unique(
        "racks",
        "bus or host, port, unit and position",
        racks,
        lambda rack: (rack.endpoint, rack.unit, rack.position),
        problems,
    )
    return racks
