"""`gatewayctl site check` and `gatewayctl site build`."""

from __future__ import annotations

import json
from pathlib import Path

from host_tools.deploy.boards import BoardKind
from host_tools.site import board_fit, bus_time, config_files
from host_tools.site import compile as site_compile


def check(site: str, as_json: bool = False, board: BoardKind | None = None) -> None:
    """Print what a site file describes, or raise UserError with everything that is wrong.

    With `board` the relays and inputs that it names must be there.
    """
    product, tree = site_compile.load_site(site, need_racks=board is not None)
    config = site_compile.check(tree, site)
    if board is not None:
        board_fit.check(config, board, site)
    racks = len(config.racks)
    cells = racks * config.integer("cells_per_rack")
    times = bus_time.bus_times(config, site)
    if as_json:
        facts = {"site": site, "product": product.name, "racks": racks, "cells": cells}
        buses = [vars(time) | {"use_pm": time.use_pm} for time in times]
        print(json.dumps(facts | {"buses": buses}))
        return
    for time in times:
        print(bus_time.line(time))
    for text in bus_time.cannot(config):
        print(text)
    print(f"{site}: {product.name}, {racks} racks, {cells} cells: good")


def build(site: str, out: str) -> None:
    """Write the device's configuration of a site file to `out`, and its checksum beside it."""
    _, tree = site_compile.load_site(site, need_racks=True)
    bus_time.bus_times(site_compile.check(tree, site), site)
    checksum = config_files.write(Path(out), tree)
    print(f"wrote {out} and {checksum}: the device takes both or none")
