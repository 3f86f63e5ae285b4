"""Voltages of cells and rack, their spread and rate, and the insulation resistance."""

from __future__ import annotations

import math

from host_tools.site.limits.rows import L1, L2, L3, Row, Rows
from host_tools.site.products import Product

# mV. Over-voltage and its delays [published]: industrial LFP reference, MG Energy Systems, SEPLOS
# BMS 3.0. Under-voltage [published]: SEPLOS 2.90, Atlas 2.80, cell data sheet 2.50 above 0 degC.
# Cold, at and below -5 degC: 2.00 V [published] (cell data sheets), levels 1 and 2 [derived]
# between it and the warm ones; the device draws a straight line between -5 and 0 degC.
# Deep discharge [published]: below 2.0 V a cell must not be charged again (SEPLOS, foxBMS).
CELLS: Rows = {
    "cell_overvoltage": {
        L1: (3500, 3450, 5000, 5000),
        L2: (3600, 3500, 2000, 5000),
        L3: (3650, 3450, 1000, 5000),
    },
    "cell_undervoltage": {
        L1: (2900, 3000, 5000, 5000),
        L2: (2800, 3000, 2000, 5000),
        L3: (2500, 2800, 1000, 5000),
    },
    "cell_undervoltage_cold": {
        L1: (2600, 2800, 5000, 5000),
        L2: (2400, 2600, 2000, 5000),
        L3: (2000, 2400, 1000, 5000),
    },
    "deep_discharge": {L3: (1990, 2800, 10000, 5000)},
}
# Spread in mV on the plateau at rest [published]: levels between those of the industrial reference
# (50/100/200), BYD 230 and a 16S storage BMS (500). Rate in mV/s of a single cell against the mean
# [published]: industrial reference, 50 and 100. A rate is that of a window of 1 s: level 1
# needs one window, level 3 two [derived].
COMPARED: Rows = {
    "voltage_spread": {
        L1: (50, 30, 60000, 10000),
        L2: (150, 100, 60000, 10000),
        L3: (500, 300, 5000, 10000),
    },
    "voltage_rate": {L1: (50, 20, 500, 5000), L3: (100, 40, 1500, 5000)},
}
# Volts per cell: (set, clear, delay ms). SEPLOS alarm 3.50 and 2.90, under-voltage protection 2.70
# [published]; 3.55 and 2.80 are the ends of the printed rack range [published]. The trip of 3.60
# keeps CLASS_MARGIN_V below the 1500 V class, where 416 cells at 3.65 V would lie [derived].
CLASS_MARGIN_V = 10.0
_OVER = {L1: (3.50, 3.45, 5000), L2: (3.55, 3.50, 2000), L3: (3.60, 3.45, 1000)}
_UNDER = {L1: (2.90, 3.00, 5000), L2: (2.80, 2.90, 2000), L3: (2.70, 2.80, 1000)}
_CLEAR_MS = 5000
# 0.1 V between the rack's own reading and the sum of its cells, at 416 cells: 5 and 10 V, 0.3 to
# 0.7 % of the rack [derived] from foxBMS 3 V and ENNOID 1 V at smaller packs. Never below `least`.
_SUM_CELLS = 416
_SUM = {L1: (50, 30, 20), L2: (100, 50, 40)}  # set, clear, least set
_SUM_TIMES_MS = (5000, 5000)
# Ohm per volt of the highest rack voltage: 1000 and 500 [published]; the clear points 20 % above
# [published]. The trip of 200 kOhm [published] belongs to a rack of 1476.8 V: scaled [derived].
_OHM_PER_VOLT = {L1: 1000, L2: 500}
_HYSTERESIS = 1.2
_TRIP_KOHM, _TRIP_CLEAR_KOHM, _TRIP_AT_V = 200, 300, 1476.8
_INSULATION_MS = {L1: 5000, L2: 5000, L3: 2500}  # 2500: five samples of 500 ms


def rows(product: Product) -> Rows:
    """All rules of this module."""
    cells = product.cells_per_rack
    highest_dv = round((product.system_class_v - CLASS_MARGIN_V) * 10)
    return CELLS | COMPARED | {
        "rack_overvoltage": {
            level: (min(_dv(high, cells), highest_dv), _dv(low, cells), delay_ms, _CLEAR_MS)
            for level, (high, low, delay_ms) in _OVER.items()
        },
        "rack_undervoltage": {
            level: (_dv(low, cells), _dv(high, cells), delay_ms, _CLEAR_MS)
            for level, (low, high, delay_ms) in _UNDER.items()
        },
        "voltage_sum": {
            level: (
                _sum(high, least, cells),
                _sum(low, least * low // high, cells),
                *_SUM_TIMES_MS,
            )
            for level, (high, low, least) in _SUM.items()
        },
        "insulation": _insulation(product.rack_voltage_high_v),
    }  # fmt: skip


def _dv(cell_v: float, cells: int) -> int:
    return round(cell_v * cells * 10)


def _sum(at_416_dv: int, least_dv: int, cells: int) -> int:
    return max(round(at_416_dv * cells / _SUM_CELLS), least_dv)


def _insulation(rack_v: float) -> dict[str, Row]:
    points = {
        level: (_tens(ohm * rack_v / 1000), _tens(_HYSTERESIS * ohm * rack_v / 1000))
        for level, ohm in _OHM_PER_VOLT.items()
    }
    scale = rack_v / _TRIP_AT_V
    points[L3] = (round(_TRIP_KOHM * scale), round(_TRIP_CLEAR_KOHM * scale))
    return {level: (*point, _INSULATION_MS[level], 10000) for level, point in points.items()}


def _tens(kohm: float) -> int:
    """Up to the next 10 kOhm: a resistance is never asked lower than the rule has it."""
    return math.ceil(kohm / 10) * 10
