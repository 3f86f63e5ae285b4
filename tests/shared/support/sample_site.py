"""A small site for tests: two racks of 208 cells, limits as a real one has them."""

import json

from gateway import config

_OVERCURRENT = ((1648, 1570, 10000, 10000), (1805, 1570, 10000, 10000), (1962, 1570, 10000, 60000))
# rule: (set, clear, delay ms, clear delay ms) for levels 1, 2, 3
LIMITS = {
    "cell_overvoltage": (
        (3500, 3450, 5000, 5000), (3600, 3500, 2000, 5000), (3650, 3450, 1000, 5000)),
    "cell_undervoltage": (
        (2900, 3000, 5000, 5000), (2800, 3000, 2000, 5000), (2500, 2800, 1000, 5000)),
    "rack_overvoltage": (
        (7280, 7176, 5000, 5000), (7384, 7280, 2000, 5000), (7488, 7176, 1000, 5000)),
    "rack_undervoltage": (
        (6032, 6240, 5000, 5000), (5824, 6032, 2000, 5000), (5616, 5824, 1000, 5000)),
    "charge_overcurrent": _OVERCURRENT,
    "discharge_overcurrent": _OVERCURRENT,
    "overtemperature": (
        (500, 470, 10000, 10000), (550, 500, 5000, 10000), (600, 470, 2000, 10000)),
    "undertemperature": (
        (50, 80, 10000, 10000), (0, 50, 5000, 10000), (-300, -250, 5000, 10000)),
    "comm_loss": ((1500, 1200, 0, 5000), (3000, 1200, 0, 5000), (10000, 1200, 0, 60000)),
}  # fmt: skip
KEYS = ("set", "clear", "delay_ms", "clear_delay_ms")


def tree(racks=2, cells=208):
    """A device configuration that passes every check, as plain data to change at will."""
    limits = {}
    for rule in LIMITS:
        levels = LIMITS[rule]
        limits[rule] = {}
        for index in range(3):
            limits[rule]["l%d" % (index + 1)] = dict(zip(KEYS, levels[index]))
    return {
        "schema": 1,
        "site": "test-site",
        "gateway": "gw-test",
        "map": "generic_416s",
        "cells_per_rack": cells,
        "temps_per_rack": cells // 2,
        "charge_current_da": 1570,
        "discharge_current_da": 1570,
        "racks": [
            {
                "name": "rack%02d" % (index + 1),
                "host": "127.0.0.1",
                "port": 15020 + index,
                "unit": 1,
                "trip_relay": index,
            }
            for index in range(racks)
        ],
        "limits": limits,
    }


def settings(racks=2, cells=208, **changes):
    """The same, checked; `changes` replace top-level entries."""
    entries = tree(racks, cells)
    for name in changes:
        entries[name] = changes[name]
    return config.load(json.dumps(entries))
