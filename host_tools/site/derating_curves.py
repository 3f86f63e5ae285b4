"""Default derating curves: parts of the rated current by cell voltage and temperature.

Points are (reading, 0.1 % of the rating); straight lines between them, flat outside. The shapes
are those of open BMS integrations [published]; where a curve ends at another voltage or
temperature than there, it ends at level 2 of the rule of its quantity [derived], so that the rule
finds no current any more that it had to stop. They only fall towards the dangerous side.
"""

from __future__ import annotations

# fmt: off
CURVES: dict[str, list[list[int]]] = {
    # OpenEMS, BYD C130 LFP: a straight line from 3.45 V; there 2 % are left at 3.60 V
    "charge_by_cell_max_mv":    [[3450, 1000], [3600, 0]],
    # OpenEMS, BYD and Soltaro: a straight line from 0 to 18 degC
    "charge_by_temp_min_dc":    [[0, 0], [180, 1000]],
    # dbus-serialbattery
    "charge_by_temp_max_dc":    [[400, 1000], [450, 500], [500, 250], [550, 0]],
    # OpenEMS: 5 % just above 2.90 V, all at 3.00 V; to level 2 at 2.80 V
    "discharge_by_cell_min_mv": [[2800, 0], [2900, 50], [3000, 1000]],
    # OpenEMS; to level 2 at -20 degC
    "discharge_by_temp_min_dc": [[-200, 0], [-100, 215], [0, 215], [10, 1000]],
    # OpenEMS
    "discharge_by_temp_max_dc": [[440, 1000], [450, 865], [490, 865], [500, 325], [550, 0]],
}
# fmt: on
