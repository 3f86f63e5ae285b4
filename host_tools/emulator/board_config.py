"""The configuration of a site as the emulated board can have it: its racks on three buses."""

from __future__ import annotations

import json
from typing import Any

from gateway.config.file import CRC_FILE, FILE, checksum_text
from host_tools.emulator.machine import BUSES
from host_tools.simulate.topology import Place
from host_tools.site.compile import Tree, check, load_site, merge

BAUD = 115200
FRAME = "8N1"
LATENCY_MS = 5
# QEMU brings a UART byte by byte, so bytes are what costs the host its time.
_POLL = {"scan_period_ms": 8000, "temp_period_ms": 16000}


def tree_of(site: str, over: dict[str, Any] | None = None, racks: int = 0) -> Tree:
    """The site file's configuration, its racks on the buses in turn; `over` is laid over it.

    Only the first `racks` of them, unless that is 0.
    """
    _, tree = load_site(site)
    tree = merge(tree, {"poll": _POLL})
    tree["racks"] = tree["racks"][: racks or None]
    count = len(tree["racks"])
    per_bus = -(-count // BUSES)
    tree["buses"] = [
        {
            "name": f"rs485-{number + 1}",
            "uart": number + 1,
            "baud": BAUD,
            "frame": FRAME,
            "latency_ms": LATENCY_MS,
        }
        for number in range(-(-count // per_bus))
    ]
    tree["racks"] = [
        {
            "name": rack["name"],
            "trip_relay": rack["trip_relay"],
            "bus": f"rs485-{index // per_bus + 1}",
            "unit": index % per_bus + 1,
        }
        for index, rack in enumerate(tree["racks"])
    ]
    tree = merge(tree, over or {})
    check(tree, site)
    return tree


def places_of(tree: Tree) -> tuple[Place, ...]:
    """Bus and unit of each rack of such a configuration."""
    names = [bus["name"] for bus in tree["buses"]]
    return tuple(Place(names.index(rack["bus"]), rack["unit"]) for rack in tree["racks"])


def files_of(tree: Tree) -> dict[str, bytes]:
    """The files of the config window."""
    content = (json.dumps(tree, separators=(",", ":")) + "\n").encode()
    return {FILE: content, CRC_FILE: checksum_text(content)}
