"""`gatewayctl site check` and `gatewayctl site build`."""

from __future__ import annotations

import json
from pathlib import Path

from host_tools.deploy import boards
from host_tools.site import board_fit, bus_time, config_files, notices
from host_tools.site import compile as site_compile
from host_tools.site.looser import Looser, looser


def check(site: str, as_json: bool = False, board: str = "") -> None:
    """Print what a site file describes, or raise UserError with everything that is wrong.

    What is allowed but not as safe as it could be is listed; that alone is no failure. With the
    name of a `board`, its relays and inputs must do.
    """
    kind = boards.find(board) if board else None
    under = boards.settings(kind) if kind else {}
    product, tree = site_compile.load_site(site, board=under)
    config = site_compile.check(tree, site)
    if kind:
        board_fit.check(config, kind, site)
    racks = len(config.racks)
    cells = racks * config.integer("cells_per_rack")
    times = bus_time.bus_times(config, site)
    told = notices.notices(config)
    loosened = looser(tree, site_compile.defaults(product, tree))
    if as_json:
        facts = {"site": site, "product": product.name, "racks": racks, "cells": cells}
        buses = [vars(time) | {"use_pm": time.use_pm} for time in times]
        lists = {"buses": buses, "notices": told, "looser": [vars(each) for each in loosened]}
        print(json.dumps(facts | lists))
        return
    for time in times:
        print(bus_time.line(time))
    for text in told:
        print(f"  {text}")
    _tell(loosened)
    print(f"{site}: {product.name}, {racks} racks, {cells} cells: good")


def _tell(loosened: list[Looser]) -> None:
    for each in loosened:
        print(f"  looser than the default: {each}")


def build(site: str, out: str) -> None:
    """Write the device's configuration of a site file to `out`, and its checksum beside it."""
    product, tree = site_compile.load_site(site, need_racks=True)
    bus_time.bus_times(site_compile.check(tree, site), site)
    checksum = config_files.write(Path(out), tree)
    _tell(looser(tree, site_compile.defaults(product, tree)))
    print(f"wrote {out} and {checksum}: the device takes both or none")
