"""Currents against the rack's rating, its 30 s peak, and the limits sent to the converter."""

from __future__ import annotations

from host_tools.site.limits.rows import L1, L2, L3, Row, Rows
from host_tools.site.products import Product

# Multiples of the printed continuous rack current: (set, delay ms, clear delay ms); clear at 1.00.
# 1.05 and the 10 s [published] (SEPLOS 105 and 110 of 100 A, pause 60 s); 1.15 and 1.25 [derived]:
# a converter at constant power needs 1.143 times its nominal current at the lowest voltage.
_CONTINUOUS = {
    L1: (1.05, 10000, 10000),
    L2: (1.15, 10000, 10000),
    L3: (1.25, 10000, 60000),
}
# 0.1 % of the 30 s peak budget; the full budget is 2C for 30 s [published] (cell data sheet). The
# time is in the budget itself: the delay is that of two samples only. 80 % as a warning [derived].
BUDGET: dict[str, Row] = {L1: (800, 500, 500, 5000), L2: (1000, 800, 500, 5000)}
# Above the printed peak of 2C something is broken [derived]; 300 ms [published] (SEPLOS stage 2).
PEAK_C = 2.1
_PEAK_MS = (300, 60000)
# 0.1 % of the limit the gateway sent. A converter is allowed 5 % [derived]; Battery-Emulator
# tolerates a violation for 5 s [published].
FIXED: Rows = {
    # Current in a direction that a level 2 stopped, 0.1 % of the rating: whoever was told had half
    # a minute, by register or from upstream; then the rack opens [derived].
    "stop_not_respected": {L3: (50, 30, 30000, 60000)},
    "limit_not_respected": {
        L1: (1050, 1000, 5000, 5000),
        L2: (1100, 1000, 5000, 5000),
        L3: (1250, 1000, 10000, 60000),
    },
}


def rows(product: Product) -> Rows:
    """All rules of this module."""
    found = dict(FIXED)
    for direction, rated_a in (
        ("charge", product.charge_current_a),
        ("discharge", product.discharge_current_a),
    ):
        rated_da = round(rated_a * 10)
        found[f"{direction}_overcurrent"] = {
            level: (round(rated_a * factor * 10), rated_da, delay_ms, clear_ms)
            for level, (factor, delay_ms, clear_ms) in _CONTINUOUS.items()
        }
        found[f"{direction}_peak_budget"] = dict(BUDGET)
        found[f"{direction}_peak_current"] = {
            L3: (round(PEAK_C * product.cell_ah * 10), rated_da, *_PEAK_MS)
        }
    return found
