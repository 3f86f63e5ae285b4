"""The rack BMS' own limits and alarms, as tables over the summary values.

The simulated BMS limits and reports but never opens its contactor by itself: a run shows what the
gateway does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# (summary field, readings, fraction of the rated current allowed there); the least one counts.
_Curve = tuple[str, tuple[float, ...], tuple[float, ...]]
CHARGE_CURVES: tuple[_Curve, ...] = (
    ("cell_max_mv", (3480, 3600), (1.0, 0.0)),
    ("temp_min_dc", (0, 100), (0.0, 1.0)),
    ("temp_max_dc", (480, 550), (1.0, 0.0)),
)
DISCHARGE_CURVES: tuple[_Curve, ...] = (
    ("cell_min_mv", (2700, 2850), (0.0, 1.0)),
    ("temp_min_dc", (-200, -100), (0.0, 1.0)),
    ("temp_max_dc", (480, 600), (1.0, 0.0)),
)

# (bit, reading, +1 alarm at or above / -1 at or below, warn, stop, trip). Readings are summary
# fields; the two `_pm` ones are the current in 0.1 % of the rated current.
ALARMS = (
    (0, "cell_max_mv", 1, 3550, 3600, 3650),
    (1, "cell_min_mv", -1, 2850, 2700, 2500),
    (2, "cell_mean_mv", 1, 3520, 3550, 3580),
    (3, "cell_mean_mv", -1, 2850, 2800, 2700),
    (4, "charge_pm", 1, 1050, 1150, 1250),
    (5, "discharge_pm", 1, 1050, 1150, 1250),
    (6, "temp_max_dc", 1, 500, 550, 600),
    (7, "temp_min_dc", -1, 0, -100, -200),
)


def allowed_da(rated_da: int, curves: tuple[_Curve, ...], values: Mapping[str, int]) -> int:
    """Highest current in 0.1 A that the BMS grants at these readings."""
    fraction = min(np.interp(values[name], readings, parts) for name, readings, parts in curves)
    return round(rated_da * float(fraction))


def alarm_bits(readings: Mapping[str, int]) -> tuple[int, int, int]:
    """Warn, stop and trip bits at these readings."""
    bits = [0, 0, 0]
    for bit, name, sign, *thresholds in ALARMS:
        for level, threshold in enumerate(thresholds):
            if (readings[name] - threshold) * sign >= 0:
                bits[level] |= 1 << bit
    return bits[0], bits[1], bits[2]
