"""A small site for tests: two racks of 208 cells, limits as a real one has them."""

import json

from gateway import config

_OVERCURRENT = ((1648, 1570, 10000, 10000), (1805, 1570, 10000, 10000), (1962, 1570, 10000, 60000))
_HOT = ((500, 470, 10000, 10000), (550, 500, 5000, 10000), (600, 470, 2000, 10000))
_BUDGET = ((800, 500, 200, 5000), (1000, 800, 200, 5000), None)
_PEAK = (None, None, (6594, 1570, 300, 5000))
# rule: (set, clear, delay ms, clear delay ms) for levels 1, 2, 3
LIMITS = {
    "cell_overvoltage": (
        (3500, 3450, 5000, 5000), (3600, 3500, 2000, 5000), (3650, 3450, 1000, 5000)),
    "cell_undervoltage": (
        (2900, 3000, 5000, 5000), (2800, 3000, 2000, 5000), (2500, 2800, 1000, 5000)),
    "cell_undervoltage_cold": (
        (2600, 2800, 5000, 5000), (2400, 2600, 2000, 5000), (2000, 2400, 1000, 5000)),
    "deep_discharge": (None, None, (1990, 2800, 10000, 5000)),
    "rack_overvoltage": (
        (7280, 7176, 5000, 5000), (7384, 7280, 2000, 5000), (7488, 7176, 1000, 5000)),
    "rack_undervoltage": (
        (6032, 6240, 5000, 5000), (5824, 6032, 2000, 5000), (5616, 5824, 1000, 5000)),
    "voltage_sum": ((25, 15, 5000, 5000), (50, 25, 5000, 5000), None),
    "charge_overcurrent": _OVERCURRENT,
    "discharge_overcurrent": _OVERCURRENT,
    "charge_peak_budget": _BUDGET,
    "discharge_peak_budget": _BUDGET,
    "charge_peak_current": _PEAK,
    "discharge_peak_current": _PEAK,
    "charge_overtemperature": _HOT,
    "charge_undertemperature": ((50, 80, 10000, 10000), (0, 50, 5000, 10000), None),
    "cold_charging": (None, None, (50, 30, 10000, 10000)),
    "discharge_overtemperature": _HOT,
    "discharge_undertemperature": (
        (-100, -50, 10000, 10000), (-200, -150, 5000, 10000), (-300, -250, 5000, 10000)),
    "temp_spread": ((70, 60, 60000, 10000), (150, 80, 10000, 10000), None),
    "temp_rise": ((10, 5, 60000, 10000), (30, 15, 20000, 10000), (100, 50, 12000, 10000)),
    "temp_rise_hot": (None, None, (50, 25, 12000, 10000)),
    "voltage_spread": ((50, 30, 60000, 10000), (150, 100, 60000, 10000), (500, 300, 5000, 10000)),
    "voltage_rate": ((50, 20, 200, 10000), None, (100, 40, 1500, 10000)),
    "insulation": ((738, 890, 5000, 5000), (369, 450, 5000, 5000), (100, 150, 2500, 5000)),
    "comm_loss": ((1500, 1200, 0, 5000), (3000, 1200, 0, 5000), (10000, 1200, 0, 60000)),
    "heartbeat_frozen": (
        (3000, 2500, 0, 5000), (5000, 2500, 0, 5000), (15000, 2500, 0, 60000)),
    "values_frozen": (
        (15000, 10000, 0, 5000), (30000, 10000, 0, 5000), (60000, 10000, 0, 60000)),
    "implausible": ((100, 50, 0, 5000), (1000, 50, 0, 5000), (10000, 50, 0, 5000)),
    "bad_cells": ((1, 0, 0, 0), (1, 0, 1000, 0), (2, 0, 1000, 0)),
    "contactor_mismatch": (None, (1000, 100, 0, 5000), (3000, 100, 0, 5000)),
    "limit_not_respected": (
        (1050, 1000, 5000, 5000), (1100, 1000, 5000, 5000), (1250, 1000, 10000, 5000)),
    "stop_not_respected": (None, None, (50, 30, 30000, 5000)),
    "precharge": ((1, 0, 0, 5000), None, (3, 0, 0, 5000)),
    "gas": ((1, 0, 20, 5000), (2, 1, 20, 5000), (3, 2, 20, 5000)),
    "smoke": ((1, 0, 20, 5000), (1, 0, 10000, 5000), (2, 1, 20, 5000)),
    "estop": (None, None, (1, 0, 20, 1000)),
    "door": ((1, 0, 1000, 1000), None, None),
    "leak": (None, (1, 0, 1000, 5000), None),
    "coolant": ((1, 0, 1000, 5000), (2, 1, 60000, 5000), None),
}  # fmt: skip
CURVES = {
    "charge_by_cell_max_mv": [[3450, 1000], [3600, 20], [3650, 0]],
    "charge_by_temp_min_dc": [[0, 0], [20, 250], [50, 500], [100, 1000]],
    "charge_by_temp_max_dc": [[400, 1000], [450, 500], [500, 250], [550, 0]],
    "discharge_by_cell_min_mv": [[2800, 0], [2900, 50], [3000, 1000]],
    "discharge_by_temp_min_dc": [[-200, 0], [-100, 215], [0, 215], [10, 1000]],
    "discharge_by_temp_max_dc": [[440, 1000], [450, 865], [500, 325], [550, 0]],
}
STRINGS = ("rack_overvoltage", "rack_undervoltage", "insulation")
KEYS = ("set", "clear", "delay_ms", "clear_delay_ms")


def tree(racks=2, cells=208):
    """A device configuration that passes every check, as plain data to change at will."""
    limits = {}
    for rule in LIMITS:
        levels = LIMITS[rule]
        limits[rule] = {}
        for index in range(3):
            if levels[index] is not None:
                level = dict(zip(KEYS, levels[index]))
                if rule in STRINGS:  # written for a string of 208 cells
                    level["set"] = level["set"] * cells // 208
                    level["clear"] = level["clear"] * cells // 208
                if rule == "rack_overvoltage":
                    level["set"] = min(level["set"], 14900)
                limits[rule]["l%d" % (index + 1)] = level
    return {
        "schema": 2,
        "site": "test-site",
        "gateway": "gw-test",
        "map": "generic_416s",
        "cells_per_rack": cells,
        "temps_per_rack": cells // 2,
        "capacity_dah": 3140,
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
        "curves": dict(CURVES),
        "inputs": [{"name": "reset", "number": 0, "role": "reset"}],
    }


_last = [None, None]  # text and what it was loaded to: most tests want the same one again


def settings(racks=2, cells=208, **changes):
    """The same, checked; `changes` replace top-level entries."""
    entries = tree(racks, cells)
    for name in changes:
        entries[name] = changes[name]
    text = json.dumps(entries)
    if text != _last[0]:
        _last[0] = _last[1] = None
        _last[1] = config.load(text)
        _last[0] = text
    return _last[1]
