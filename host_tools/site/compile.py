"""From a product or a site file to the device's configuration, checked by its own code."""

from __future__ import annotations

import json
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

from gateway import config as device_config
from gateway.config.settings import SCHEMA
from gateway.errors import ConfigError
from host_tools.errors import UserError
from host_tools.maps.register_map import map_names
from host_tools.site import ratings
from host_tools.site.derating_curves import CURVES
from host_tools.site.limits import default_limits
from host_tools.site.products import Product, load_product

FIRST_RACK_PORT = 15020
# Every board has a push-button that releases trips; all else is the site's to name.
INPUTS = ({"name": "reset", "number": 0, "role": "reset", "alarm_level": 1},)
Tree = dict[str, Any]


def simulated_racks(product: Product, first_port: int = FIRST_RACK_PORT) -> list[Tree]:
    """Rack addresses of the simulator: one TCP port per rack on this machine."""
    return [
        {
            "name": f"rack{index + 1:02d}",
            "host": "127.0.0.1",
            "port": first_port + index,
            "unit": 1,
            "trip_relay": index,
        }
        for index in range(product.racks)
    ]


def load_site(
    site: str, need_racks: bool = False, board: Tree | None = None
) -> tuple[Product, Tree]:
    """Product and device configuration of a product name or of a site file (a path to a .toml).

    A site file without racks gets those of the simulator, unless `need_racks`. `board`: settings
    that suit the board, where the site file says nothing else.
    """
    board = board or {}
    path = Path(site)
    if path.is_dir():
        raise UserError(f"{site}: is a folder, needs a product or a site file (.toml)")
    if not site.endswith(".toml"):
        product = load_product(site)
        return product, merge(defaults(product, {}), board)
    tree = _read(path)
    slug = tree.pop("product", None)
    if not isinstance(slug, str):
        raise UserError(f"{path}: product: missing, needs the name of a product")
    if need_racks and "racks" not in tree:
        raise UserError(f"{path}: racks: missing, a device needs [[racks]] with their addresses")
    cell = tree.pop("cell", "")
    if not isinstance(cell, str):
        raise UserError(f"{path}: cell: needs the name of a cell")
    try:
        product = load_product(slug, cell)
    except UserError as error:
        raise UserError(f"{path}: {str(error).replace('SITE:', 'product:')}") from None
    if isinstance(tree.get("map"), str):  # the name of the CSV will do as well
        tree["map"] = tree["map"].replace("-", "_")
    problems = _foreign("", tree) + ratings.problems(product, tree)
    if problems:
        raise UserError(f"{path}: {'; '.join(problems)}")
    return product, merge(merge(defaults(product, tree), board), tree)


def _read(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a text file (UTF-8)") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: {error}") from error


def _foreign(name: str, value: object) -> list[str]:
    """What TOML has and the device's JSON has not: dates and times, by the name of their key."""
    if isinstance(value, dict):
        return [found for key in value for found in _foreign(f"{name}.{key}", value[key])]
    if isinstance(value, list):
        return [
            found
            for index, each in enumerate(value)
            for found in _foreign(f"{name}[{index}]", each)
        ]
    if isinstance(value, (date, time)):
        return [f"{name.removeprefix('.')}: {value} is a date or a time, needs a number or a text"]
    return []


def check(configuration: Tree, where: str) -> device_config.Config:
    """Check a device configuration with the firmware's own code; UserError lists the problems."""
    try:
        loaded = device_config.load(json.dumps(configuration))
    except ConfigError as error:
        raise UserError(f"{where}: {error}") from error
    known = [name.replace("-", "_").replace(".", "_") for name in map_names()]
    if loaded.text("map") not in known:
        raise UserError(f"{where}: map: no {loaded.text('map')!r}; there are: {', '.join(known)}")
    return loaded


def defaults(product: Product, site: Tree) -> Tree:
    """The configuration of `product`, its limits for the ratings that `site` lowers."""
    product = ratings.lowered(product, site)
    return {
        "schema": SCHEMA,
        "site": product.slug,
        "gateway": "gw-001",
        "map": "generic_416s",
        "cells_per_rack": product.cells_per_rack,
        "temps_per_rack": product.temps_per_rack,
        "charge_current_da": round(product.charge_current_a * 10),
        "discharge_current_da": round(product.discharge_current_a * 10),
        "capacity_dah": round(product.cell_ah * 10),
        "charge_rate_pm": round(product.cell_charge_rate * 1000),
        "discharge_rate_pm": round(product.cell_discharge_rate * 1000),
        "racks": simulated_racks(product),
        "limits": default_limits(product),
        "curves": CURVES,
        "inputs": [dict(entry) for entry in INPUTS],
        # 3 V at 416 cells: the equalising current goes with the resistance, so with the cells
        "outputs": {"reconnect_dv": max(1, 30 * product.cells_per_rack // 416)},
    }


def merge(base: Tree, over: Tree) -> Tree:
    """`base` with the values of `over`; tables are merged, lists and values replaced."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = (
            merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
        )
    return merged
