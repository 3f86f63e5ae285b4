"""Data that are old, frozen, implausible or missing, and a contactor that does not obey."""

from __future__ import annotations

from host_tools.site.limits.rows import L1, L2, L3, Rows
from host_tools.site.products import Product

# Ages in ms: the time is in the value itself, so there is no delay.
RULES: Rows = {
    # Two missed polls, 3 s, 10 s [derived] between foxBMS (0.25 to 1 s) and Battery-Emulator
    # (60 s); back after a minute of good data [derived].
    "comm_loss": {
        L1: (1500, 1200, 0, 5000),
        L2: (3000, 1200, 0, 5000),
        L3: (10000, 1200, 0, 60000),
    },
    # SunSpec counts its heartbeat once a second [published]: 3, 5 and 15 of them [derived].
    "heartbeat_frozen": {
        L1: (3000, 2500, 0, 5000),
        L2: (5000, 2500, 0, 5000),
        L3: (15000, 2500, 0, 60000),
    },
    # A BMS whose every value stands still; some have slow or coarse readings [derived].
    "values_frozen": {
        L1: (15000, 10000, 0, 5000),
        L2: (30000, 10000, 0, 5000),
        L3: (60000, 10000, 0, 60000),
    },
    # How long a value has been void although the rack answers. 1 s and 10 s [derived]; that it
    # then counts as the worst case is the opposite of what foxBMS does.
    "implausible": {
        L1: (100, 50, 0, 5000),
        L2: (1000, 50, 0, 5000),
        L3: (10000, 50, 0, 60000),
    },
    # Cells without a value in the scan: one is marked, after 1 s it stops the rack, two open it
    # [derived]: the second one can no longer be a single broken wire. Seen in two scans, so that a
    # BMS that goes down between two requests is not taken for one. Scans are seconds apart, so
    # 1 s is two scans, and clear is clear.
    "bad_cells": {
        L1: (1, 0, 0, 0),
        L2: (1, 0, 1000, 0),
        L3: (2, 0, 1000, 0),
    },
    # ms since the contactor was told to open while it reports closed or carries current: 1 s a
    # retry, 3 s another way [derived] from foxBMS 0.2 to 0.3 s and SMA E072 [published].
    "contactor_mismatch": {L2: (1000, 100, 0, 5000), L3: (3000, 100, 0, 5000)},
    # Failed precharges: three tries [published] (foxBMS, SEPLOS).
    "precharge": {L1: (1, 0, 0, 60000), L3: (3, 0, 0, 60000)},
}


def rows(product: Product) -> Rows:
    """All rules of this module; the same for every product."""
    return RULES
