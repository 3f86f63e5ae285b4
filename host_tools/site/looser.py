"""Numbers of a site that are looser than the defaults of its product: allowed, but not unsaid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gateway.config.curves import CURVES
from gateway.config.rules import LEVELS, NAME, RULES, SIDE, VARIANTS
from gateway.config.settings import INTEGERS

# Settings that a rack is less safe with when they are raised (1) or lowered (-1).
_SETTINGS = {
    "derate_l1_pm": 1,
    "rest_current_pm": 1,
    "derating.hold_ms": -1,
    "derating.rise_da_per_s": 1,
    "derating.rise_pm_per_s": 1,
    "poll.summary_period_ms": 1,
    "poll.scan_period_ms": 1,
    "poll.temp_period_ms": 1,
    "poll.hot_period_ms": 1,
    "outputs.arm_delay_ms": -1,
    "outputs.zero_wait_ms": 1,
    "outputs.check_ms": 1,
    "outputs.escalate_ms": 1,
    "outputs.shared_dc_bus": -1,
    "outputs.reconnect_dv": 1,
    "prooftest.interval_days": 1,
    "commands.acknowledge": 1,
    "watchdog_ms": 1,
}
_DEFAULTS: dict[str, Any] = {row[0]: row[3] for row in INTEGERS}
_SIDES: dict[str, int] = {row[NAME]: row[SIDE] for row in RULES}
_SIDES |= {name: _SIDES[base] for name, base, _, _ in VARIANTS}


@dataclass(frozen=True)
class Looser:
    """A number of a site file beside its default."""

    name: str
    value: int
    default: int

    def __str__(self) -> str:
        return f"{self.name} {self.value} ({self.default})"


def looser(tree: dict[str, Any], defaults: dict[str, Any]) -> list[Looser]:
    """Every number of a configuration that passed its checks and is looser than in `defaults`."""
    found = [*_limits(tree["limits"], defaults["limits"])]
    found += _curves(tree["curves"], defaults["curves"])
    for name, side in _SETTINGS.items():
        default = _value(defaults, name, _DEFAULTS[name])
        found += _if_looser(name, _value(tree, name, default), default, side)
    return found


def _limits(limits: dict[str, Any], defaults: dict[str, Any]) -> list[Looser]:
    found = []
    for rule, side in _SIDES.items():
        sides = {"set": side, "clear": side, "delay_ms": 1, "clear_delay_ms": -1}
        for level in LEVELS:
            for key, towards in sides.items():
                if level in defaults[rule]:
                    name = f"limits.{rule}.{level}.{key}"
                    value, default = limits[rule][level][key], defaults[rule][level][key]
                    found += _if_looser(name, value, default, towards)
    return found


def _curves(curves: dict[str, Any], defaults: dict[str, Any]) -> list[Looser]:
    """Curves are compared where either of them bends: in between they are straight."""
    found = []
    for name, _, _ in CURVES:
        for at in sorted({point[0] for point in curves[name] + defaults[name]}):
            value, default = _at(curves[name], at), _at(defaults[name], at)
            found += _if_looser(f"curves.{name} at {at}:", value, default, 1)
    return found


def _at(points: list[list[int]], value: int) -> int:
    if value <= points[0][0]:
        return points[0][1]
    for (left, left_pm), (right, right_pm) in pairwise(points):
        if value <= right:
            return left_pm + (right_pm - left_pm) * (value - left) // (right - left)
    return points[-1][1]


def _if_looser(name: str, value: int, default: int, side: int) -> list[Looser]:
    return [Looser(name, value, default)] if (value - default) * side > 0 else []


def _value(tree: dict[str, Any], name: str, default: int) -> int:
    section, _, key = name.rpartition(".")
    found: int = (tree.get(section, {}) if section else tree).get(key, default)
    return found
