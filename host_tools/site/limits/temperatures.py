"""Temperatures, their spread and their rise, and charging in the cold."""

from __future__ import annotations

from host_tools.site.limits.rows import L1, L2, L3, Row, Rows
from host_tools.site.products import Product

# 0.1 degC. 50/47 and 55/50 [published] (SEPLOS), 60 [published] (cell data sheets), delays between
# those of SEPLOS and the industrial reference [derived].
_HOT: dict[str, Row] = {
    L1: (500, 470, 10000, 10000),
    L2: (550, 500, 5000, 10000),
    L3: (600, 470, 2000, 10000),
}
RULES: Rows = {
    "charge_overtemperature": _HOT,
    "discharge_overtemperature": _HOT,
    # Charging below 5 degC slower, below 0 degC not at all [published] (Alpha 48-50LFP, SEPLOS).
    "charge_undertemperature": {
        L1: (50, 80, 10000, 10000),
        L2: (0, 50, 5000, 10000),
    },
    # 0.1 % of the rating that flows into cells below 0 degC: 5 % is what no sensor error explains
    # [derived]; charging below 0 degC is a trip [published] (industrial reference).
    "cold_charging": {L3: (50, 30, 10000, 10000)},
    # -10 and -20 degC [published] (SEPLOS, Libre Solar), -30 close to the cell's -35 [published].
    "discharge_undertemperature": {
        L1: (-100, -50, 10000, 10000),
        L2: (-200, -150, 5000, 10000),
        L3: (-300, -250, 5000, 10000),
    },
    # Between the sensors of a rack [published] (16S storage BMS): 7/6 and 15/8 degC.
    "temp_spread": {
        L1: (70, 60, 60000, 10000),
        L2: (150, 80, 10000, 10000),
    },
    # 0.1 degC per minute of one sensor against the median of its rack. 3 and 5 degC per minute
    # [published] (industrial reference); the reference to the median, 1 and 10 [derived].
    "temp_rise": {
        L1: (10, 5, 60000, 10000),
        L2: (30, 15, 20000, 10000),
        L3: (100, 50, 12000, 10000),
    },
    "temp_rise_hot": {L3: (50, 25, 12000, 10000)},  # counts only above 45 degC
}


def rows(product: Product) -> Rows:
    """All rules of this module; the same for every product."""
    return RULES
