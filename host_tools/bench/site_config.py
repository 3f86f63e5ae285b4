"""Configurations of the twelve-rack site that the polling benchmarks run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host_tools.site import config_files
from host_tools.site.compile import check, load_site

PRODUCT = "energalactic-5015-0.5c"
RACKS = 12
BAUD = 115200
_HOST = "127.0.0.1"
_LINE = "rs485-1"
# 416 cells of 12 racks and their summaries nearly fill the line: temperatures, which are slow,
# take what is left.
LINE_POLL = {"scan_period_ms": 5400, "temp_period_ms": 40000}

Tree = dict[str, Any]


def on_one_line() -> Tree:
    """Units 1 to 12 on one serial line."""
    tree = _base()
    tree["buses"] = [{"name": _LINE, "uart": 0, "baud": BAUD, "frame": "8N1"}]
    tree["poll"] = LINE_POLL
    tree["racks"] = [_rack(index) | {"bus": _LINE, "unit": index + 1} for index in range(RACKS)]
    return tree


def behind_one_endpoint(port: int) -> Tree:
    """Units 1 to 12 behind one TCP connection, as a converter has them."""
    tree = _base()
    tree["racks"] = [
        _rack(index) | {"host": _HOST, "port": port, "unit": index + 1} for index in range(RACKS)
    ]
    return tree


def with_own_endpoints(ports: list[int]) -> Tree:
    """Twelve racks with a TCP connection each."""
    tree = _base()
    tree["racks"] = [
        _rack(index) | {"host": _HOST, "port": port, "unit": 1} for index, port in enumerate(ports)
    ]
    return tree


def write(tree: Tree, folder: Path) -> Path:
    """The configuration as a file for the client, checked by the firmware's own code."""
    check(tree, "benchmark")
    path = folder / "config.json"
    config_files.write(path, tree)
    return path


def cells() -> int:
    """Cells of each rack."""
    return int(_base()["cells_per_rack"])


def _base() -> Tree:
    return load_site(PRODUCT)[1]


def _rack(index: int) -> Tree:
    return {"name": f"rack{index + 1:02d}", "trip_relay": index}
