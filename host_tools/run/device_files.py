"""The files that a gateway process of a run starts from: configuration and board description."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.run import rack_places
from host_tools.run.ports import Ports
from host_tools.run.scenario import ARM_DELAY_S
from host_tools.simulate.ports import HOST
from host_tools.simulate.topology import Topology
from host_tools.site import config_files
from host_tools.site.compile import Tree
from host_tools.site.products import Product

# Of boards/sim.
RELAYS = 16
INPUTS = 8
FLASH = "flash.img"
CONFIG = "config.json"


def for_this_run(
    site: str, tree: Tree, product: Product, ports: Ports, own_broker: bool, bus: str
) -> tuple[Tree, Topology]:
    """`tree` with the addresses and times of a run, and where the simulated racks answer.

    Names, units and relays of the racks stay as the site file has them; UserError when there are
    more or fewer of them than the product has.
    """
    racks, buses = rack_places.choose(tree["racks"], tree.get("buses", []), bus)
    if len(racks) != product.racks:
        raise UserError(
            f"{site}: racks: {len(racks)} of them, but the simulated {product.slug} has"
            f" {product.racks}"
        )
    changed = dict(tree)
    changed["racks"], changed["buses"], topology = rack_places.place(racks, buses, ports.racks)
    if buses == [rack_places.ONE_BUS]:
        changed["poll"] = rack_places.RTU_POLL | tree.get("poll", {})
    # A board in the field waits 10 s until all racks have answered and settled; in a run that
    # would be a third of the time.
    changed["outputs"] = tree.get("outputs", {}) | {"arm_delay_ms": ARM_DELAY_S * 1000}
    # In the field a fleet must not storm a broker that has come back; here there is one gateway.
    uplink = tree.get("uplink", {}) | {"reconnect_cap_ms": 2000}
    changed["uplink"] = uplink | ({"host": HOST, "port": ports.broker} if own_broker else {})
    return changed, topology


def clear(folder: Path) -> None:
    """Forget the last run that used this folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def write(folder: Path, tree: Tree, ports: Ports, serial: Sequence[str] = ()) -> Path:
    """Write all files into `folder`; the path of the board description.

    `serial` are the ports of the board's UARTs, in their order.
    """
    config = folder / "config"
    config.mkdir()
    config_files.write(config / CONFIG, tree)
    board = folder / "board.json"
    _dump(
        board,
        {
            "config": str(config),
            "flash": str(folder / FLASH),
            "wiring_port": ports.wiring,
            "console_port": ports.console,
            "unique_id": "simulated",
            "serial": list(serial),
        },
    )
    return board


def _dump(path: Path, tree: dict[str, Any]) -> None:
    path.write_text(json.dumps(tree, indent=1) + "\n")
