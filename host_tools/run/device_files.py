"""The files that a gateway process of a run starts from: configuration and board description."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.config import Config
from gateway.uplink import device_key
from host_tools.errors import UserError
from host_tools.run import rack_places
from host_tools.run.ports import DEFAULT_FIRST, Ports, first_port
from host_tools.run.scenario import ARM_DELAY_S
from host_tools.simulate.ports import HOST
from host_tools.simulate.topology import Topology
from host_tools.site import compile as site_compile
from host_tools.site import config_files
from host_tools.site.compile import Tree
from host_tools.site.products import Product
from host_tools.toolchain.paths import BUILD

# Of boards/sim.
RELAYS = 16
INPUTS = 8
FLASH = "flash.img"
CONFIG = "config.json"
_CONFIG_FOLDER = "config"
# What a run sets, whatever the site file says.
_OF_A_RUN: Tree = {
    # A board in the field waits 10 s until all racks have answered and settled; in a run that
    # would be a third of the time.
    "outputs": {"arm_delay_ms": ARM_DELAY_S * 1000},
    # In the field a fleet must not storm a broker that has come back, and pauses; here there is
    # one gateway and little time.
    "uplink": {
        "reconnect_cap_ms": 2000,
        "connect_delay_ms": 0,
        "backlog_delay_ms": 0,
        "backlog_factor": 100,
    },
}
# A run is too short to fill blocks of 10 s samples; a site file may say otherwise.
_UNLESS_SAID: Tree = {"telemetry": {"fine_period_ms": 1000}}


def run_folder(first: int) -> Path:
    """Where a run whose ports begin at `first` writes."""
    return BUILD / ("run" if first == DEFAULT_FIRST else f"run-{first}")


def of_a_run_here() -> Path:
    """The configuration of the run that the environment means; it need not be there."""
    return run_folder(first_port()) / _CONFIG_FOLDER


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
    changed = site_compile.merge(site_compile.merge(_UNLESS_SAID, changed), _OF_A_RUN)
    if own_broker:
        changed["uplink"] = changed["uplink"] | {"host": HOST, "port": ports.broker}
    return changed, topology


def differences(of_site: Config, of_run: Config) -> str:
    """One line for a person: what a run sets in the place of what the site would have."""
    names = [
        f"{group}.{key}"
        for tree in (_OF_A_RUN, _UNLESS_SAID, {"poll": rack_places.RTU_POLL})
        for group, settings in tree.items()
        for key in settings
    ]
    changed = (
        f"{name} {of_run.integer(name)} (on site {of_site.integer(name)})"
        for name in names
        if of_run.integer(name) != of_site.integer(name)
    )
    return ", ".join(["of this run: addresses", *changed])


def clear(folder: Path) -> None:
    """Forget the last run that used this folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def write(folder: Path, tree: Tree, ports: Ports, serial: Sequence[str] = ()) -> Path:
    """Write all files into `folder`; the path of the board description.

    `serial` are the ports of the board's UARTs, in their order.
    """
    config = folder / _CONFIG_FOLDER
    config.mkdir()
    config_files.write(config / CONFIG, tree)
    # a new one for each run: what was ordered of the last one means nothing to this one
    (config / device_key.FILE).write_text(secrets.token_hex(device_key.KEY_BYTES) + "\n")
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
