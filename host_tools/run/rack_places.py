"""From the racks of a site file to the simulator's: the same buses, units and positions here."""

from __future__ import annotations

from typing import Any

from host_tools.errors import UserError
from host_tools.simulate.ports import HOST
from host_tools.simulate.topology import (
    BAUD,
    FRAME,
    LATENCY_MS,
    Place,
    SerialTrunk,
    TcpTrunk,
    Topology,
)

TCP, RTU = "tcp", "rtu"
AS_IN_SITE = ""
ONE_BUS = {
    "name": "rs485-1",
    "uart": 0,
    "baud": BAUD,
    "frame": FRAME,
    "latency_ms": round(LATENCY_MS),
}
# 416 cells of 12 racks and their summaries every 500 ms fill a bus of 115200 baud, so
# temperatures, which are slow, take what is left.
RTU_POLL = {"scan_period_ms": 5400, "temp_period_ms": 40000}

Entry = dict[str, Any]


def check_bus(bus: str) -> None:
    """UserError unless it is a kind of bus, or empty."""
    if bus not in (TCP, RTU, AS_IN_SITE):
        raise UserError(f"BUS: no {bus!r}; there are: {TCP}, {RTU}")


def choose(racks: list[Entry], buses: list[Entry], bus: str) -> tuple[list[Entry], list[Entry]]:
    """Racks and buses of a run over `bus`; what the site file says is kept where it fits."""
    on_bus = any("bus" in rack for rack in racks)
    if bus == RTU and not on_bus:
        return [_on_one_bus(rack, index) for index, rack in enumerate(racks)], [ONE_BUS]
    if bus == TCP and on_bus:
        return [_over_tcp(rack, index) for index, rack in enumerate(racks)], []
    return racks, buses


def place(
    racks: list[Entry], buses: list[Entry], first_port: int
) -> tuple[list[Entry], list[Entry], Topology]:
    """(racks, buses, topology): racks that share an endpoint share one here.

    The buses are UARTs 0, 1, ... of the simulated board, in their order.
    """
    trunks: list[TcpTrunk | SerialTrunk] = [
        SerialTrunk(
            entry["name"],
            entry["baud"],
            entry.get("frame", "8E1"),
            entry.get("latency_ms", LATENCY_MS),
        )
        for entry in buses
    ]
    numbers: dict[tuple[Any, ...], int] = {
        (entry["name"],): number for number, entry in enumerate(buses)
    }
    placed, places = [], []
    for rack in racks:
        if "bus" in rack:
            number = numbers[(rack["bus"],)]
            placed.append(rack)
        else:
            endpoint = (rack["host"], rack["port"])
            if endpoint not in numbers:
                numbers[endpoint] = len(trunks)
                trunks.append(TcpTrunk(len(trunks) - len(buses)))
            number = numbers[endpoint]
            port = first_port + number - len(buses)
            placed.append(rack | {"host": HOST, "port": port})
        places.append(Place(number, rack["unit"], rack.get("position", 0)))
    renumbered = [entry | {"uart": number} for number, entry in enumerate(buses)]
    return placed, renumbered, Topology(tuple(trunks), tuple(places))


def _on_one_bus(rack: Entry, index: int) -> Entry:
    kept = {key: rack[key] for key in ("name", "trip_relay")}
    return kept | {"bus": ONE_BUS["name"], "unit": index + 1}


def _over_tcp(rack: Entry, index: int) -> Entry:
    if "bus" not in rack:
        return rack
    kept = {key: rack[key] for key in ("name", "trip_relay")}
    return kept | {"host": HOST, "port": index + 1, "unit": 1}
