"""Power set-points of the site over time, as a fraction of the rack current."""

from __future__ import annotations

import math
from itertools import pairwise

# Slow part: charge, rest, discharge, rest. The second half mirrors the first and the ripple below
# repeats in both halves, so a period moves no net charge and a run may last for days.
PERIOD_S = 120.0
_POINTS = ((0.0, 0.0), (2.0, 0.0), (5.0, 0.7), (48.0, 0.7), (51.0, 0.0), (60.0, 0.0))

# Ripple as from automatic generation control: (share of the slow part, cycles in half a period).
_RIPPLE = ((0.18, 5), (0.08, 13))


def load_fraction(t_s: float) -> float:
    """Wanted current at `t_s` >= 0 seconds, -1 (discharge) .. 1 (charge) of the rack current."""
    half_s = PERIOD_S / 2
    phase_s = t_s % half_s
    sign = 1.0 if t_s % PERIOD_S < half_s else -1.0
    ripple = sum(
        share * math.sin(2 * math.pi * cycles * phase_s / half_s) for share, cycles in _RIPPLE
    )
    return sign * _slow(phase_s) * (1.0 + ripple)


def _slow(phase_s: float) -> float:
    for (start_s, start), (end_s, end) in pairwise(_POINTS):
        if phase_s <= end_s:
            return start + (end - start) * (phase_s - start_s) / (end_s - start_s)
    return _POINTS[-1][1]
