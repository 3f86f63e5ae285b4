"""Interleaved rounds: all candidates meet the same moments of the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Effort:
    """How long everything is measured."""

    rounds: int
    seconds: float  # of one speed round
    scans: int  # cycles of one site scan
    exchanges: int  # RTU exchanges of one round at 115200 baud
    warm_up_s: int  # of the real scheduler, before anything counts
    dying_s: int  # of it, after the warm-up: a rack dies in the middle
    polling_s: int  # of one run of it
    steps: int  # of one rack's protection
    faults: int  # that have to trip, at rest
    loaded_faults: int  # under load
    day_h: float  # of normal operation, simulated
    frames: int  # of one set of cell data, at most
    backlog_bytes: int  # of records on the flash, before a drain
    drain_faults: int  # that have to trip during drains


FULL = Effort(
    rounds=5,
    seconds=1.0,
    scans=60,
    exchanges=50,
    warm_up_s=5,
    dying_s=10,
    polling_s=60,
    steps=2000,
    faults=500,
    loaded_faults=120,
    day_h=24,
    frames=2880,
    backlog_bytes=12_000_000,
    drain_faults=120,
)
QUICK = Effort(
    rounds=2,
    seconds=0.1,
    scans=5,
    exchanges=3,
    warm_up_s=2,
    dying_s=1,
    polling_s=3,
    steps=50,
    faults=12,
    loaded_faults=6,
    day_h=0.02,
    frames=120,
    backlog_bytes=1_000_000,
    drain_faults=1,
)


@dataclass(frozen=True)
class Series:
    """One figure of each round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure to show; a mean or a single run is not."""
        return float(median(self.samples))

    def as_json(self) -> dict[str, Any]:
        """Median, extremes and number of rounds."""
        return {
            "median": _short(self.median),
            "min": _short(min(self.samples)),
            "max": _short(max(self.samples)),
            "rounds": len(self.samples),
        }

    def __str__(self) -> str:
        return f"{self.median:.5g} [{min(self.samples):.5g}..{max(self.samples):.5g}]"


def interleaved(runs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Series]:
    """Run every candidate once per round, the order rotated by one from round to round."""
    names = list(runs)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(runs[name]())
    return {name: Series(tuple(values)) for name, values in samples.items()}


def ratio(over: Series, under: Series) -> float:
    """Ratio of two medians of the same rounds."""
    return over.median / under.median


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not below `percent` of all (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return float(ordered[max(0, min(len(ordered), int(rank)) - 1)])


def _short(value: float) -> float:
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
