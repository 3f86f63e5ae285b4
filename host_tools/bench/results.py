"""The figures: one metric each, and the file in which every group keeps its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.toolchain.paths import BUILD

RESULTS = BUILD / "bench.json"


@dataclass(frozen=True)
class Metric:
    """One measured figure; `value`, `baseline` and `bound` are in `unit`.

    `baseline` is what another way of doing the same takes, `bound` what cannot be beaten on this
    machine or wire, `ratio` = value / baseline. `target` bounds `value`, from above when
    `at_most`.
    """

    name: str
    value: float | None
    unit: str
    baseline: float | None = None
    bound: float | None = None
    target: float | None = None
    at_most: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Value in baselines; None without one."""
        if self.value is None or not self.baseline:
            return None
        return self.value / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None when there is none, False without a value."""
        if self.target is None:
            return None
        if self.value is None:
            return False
        return self.value <= self.target if self.at_most else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        """The entry of bench.json."""
        entry: dict[str, Any] = {
            "value": rounded(self.value),
            "unit": self.unit,
            "baseline": rounded(self.baseline),
            "ratio": rounded(self.ratio),
            "bound": rounded(self.bound),
        }
        if self.target is not None:
            entry["target"] = f"{'<=' if self.at_most else '>='} {self.target:g}"
            entry["met"] = self.met
        return entry | self.details


def rounded(value: float | None) -> float | None:
    """Four significant digits, whole numbers from 1000 up."""
    if value is None:
        return None
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")


def merge(metrics: Iterable[Metric], machine: dict[str, Any], path: Path = RESULTS) -> None:
    """Put the metrics into `path`, keeping every other one; in one step, so never half a file."""
    kept = _kept(path)
    kept |= {metric.name: metric.as_json() | {"machine": machine["id"]} for metric in metrics}
    text = json.dumps({"metrics": kept, "machine": machine}, indent=1)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text + "\n")
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _kept(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text())["metrics"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: holds no figures ({error}); delete it") from error
    if not isinstance(kept, dict):
        raise UserError(f"{path}: `metrics` is no table; delete it")
    return kept
