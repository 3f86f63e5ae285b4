"""A reading that a fault drives away from the model."""

from __future__ import annotations

from dataclasses import dataclass

RAMP_MS = 1000


@dataclass(frozen=True)
class ForcedReading:
    """Goes from the live value to `target` in RAMP_MS and stays there without noise."""

    target: float
    index: int  # of the cell or sensor; unused for whole-rack quantities
    since_ms: int

    def value(self, live: float, now_ms: int) -> float:
        """What is read at `now_ms` where the model says `live`; both in the unit of `target`."""
        share = min(1.0, (now_ms - self.since_ms) / RAMP_MS)
        return live + (self.target - live) * share
