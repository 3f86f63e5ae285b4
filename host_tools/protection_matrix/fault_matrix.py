"""Faults of the data against dangers that are really there: is the rack ever weaker protected?

In virtual time a rack runs, its data become faulty, and 2 s later a real danger begins. It must
end open, or with no current granted in either direction, within the time that good data take, or
the longest time after which the gateway gives up faulty data of that kind, whichever is longer.
What no gateway can know is named in RESIDUAL, with what else covers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.protection import rules
from host_tools.protection_matrix import data_faults
from host_tools.protection_matrix.data_faults import Target
from host_tools.protection_matrix.virtual_site import VirtualSite
from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault

SITE = "celestial-energy-835-690v-0.5c"  # two racks of 416 cells
STRUCK, NEIGHBOUR = 0, 1
LOAD = -0.4  # discharging
SETTLE_MS = 8_000
LEAD_MS = 2_000  # the data are faulty before the danger begins
MARGIN_MS = 1_500  # a summary, two samples, the relay
_STEP_MS = 100
_GRACE_MS = 10_000  # implausible, silent
_FROZEN_MS = 15_000
_VALUES_FROZEN_MS = 60_000 + 4_000  # counted from the scan that still brought something new
_AFTER_MS = 40_000  # what comes too late is still worth knowing
_CHATTER = 4  # of every second reading good: a bad one counts whole, a good one takes half away


@dataclass(frozen=True)
class Danger:
    """What really happens: a fault of the simulator; and the value that shows it."""

    fault: dict[str, Any]
    target: Target


DANGERS = {
    "cell_overvoltage": Danger(
        {"kind": "cell_overvoltage", "level": 3}, Target("cell_max_mv", -60, -400)
    ),
    # One cell, as the over-voltage; the rule that is driven alike leaves the others in peace.
    "cell_undervoltage": Danger(
        {"kind": "voltage_spread", "level": 3, "target": 2300}, Target("cell_min_mv", 250, 900)
    ),
    "rack_overvoltage": Danger(
        {"kind": "rack_overvoltage", "level": 3}, Target("rack_voltage_dv", -200, -1350)
    ),
    "overcurrent": Danger(
        {"kind": "discharge_overcurrent", "level": 3}, Target("rack_current_da", 250, 1500)
    ),
    "overtemperature": Danger(
        {"kind": "charge_overtemperature", "level": 3}, Target("temp_max_dc", -30, -370)
    ),
    "one_hot_sensor": Danger(
        {"kind": "temp_rise", "level": 3, "target": 640, "rate": 0},
        Target("temp_max_dc", -50, -370),
    ),
    "insulation": Danger({"kind": "insulation", "level": 3}, Target("insulation_kohm", 200, 5000)),
}
_LONGEST_MS = {"frozen": _FROZEN_MS, "frozen_values": _VALUES_FROZEN_MS}

_CELL = (
    "the BMS reports another plausible extreme",
    "the BMS itself; rack_overvoltage or rack_undervoltage once many cells are concerned. The scan"
    " of the cells shows the cell, but nothing compares it with the summary",
)
_CURRENT = (
    "the BMS reports a plausible current",
    "the BMS itself and its fuse; the temperatures, later",
)
_SENSOR = (
    "the BMS reports another plausible extreme",
    "temp_rise sees the sensor in the scan and opens the rack, but needs half a minute",
)
_INSULATION = (
    "one reading, and nothing else depends on it",
    "the insulation monitor's own test; the BMS itself",
)
_NO_WORD = (
    "the highest value of this register is a good insulation, not a missing one",
    "none; other maps name a raw value for it, and its loss is then told",
)
# (fault, danger): (why it cannot be known, what else covers it)
RESIDUAL: dict[tuple[str, str], tuple[str, str]] = {
    ("stuck", "cell_overvoltage"): _CELL,
    ("stuck", "cell_undervoltage"): _CELL,
    ("stuck", "overcurrent"): _CURRENT,
    ("stuck", "one_hot_sensor"): _SENSOR,
    ("stuck", "insulation"): _INSULATION,
    ("offset", "cell_overvoltage"): (
        _CELL[0],
        "level 2 of the same rule, which stops the charging; " + _CELL[1],
    ),
    ("offset", "insulation"): (
        _INSULATION[0],
        "level 2 of the same rule, which reduces the currents; " + _INSULATION[1],
    ),
    ("large_offset", "cell_overvoltage"): _CELL,
    ("large_offset", "cell_undervoltage"): _CELL,
    ("large_offset", "overcurrent"): _CURRENT,
    ("large_offset", "insulation"): _INSULATION,
    ("drift", "insulation"): _INSULATION,
    ("absent", "insulation"): _NO_WORD,
}


@dataclass(frozen=True)
class Outcome:
    """Times in ms after the danger began, None = not within the time that was watched.

    `by` is the rule that opened the rack or took the current away, "" for none.
    """

    fault: str
    danger: str
    allowed_ms: int
    zero_ms: int | None  # no current is granted in either direction any more
    open_ms: int | None
    by: str
    neighbour_closed: bool

    @property
    def safe(self) -> bool:
        """Open or without current within the allowed time."""
        times = [ms for ms in (self.zero_ms, self.open_ms) if ms is not None]
        return bool(times) and min(times) <= self.allowed_ms

    @property
    def residual(self) -> bool:
        """Named as something that cannot be known."""
        return (self.fault, self.danger) in RESIDUAL


@cache
def good_data_ms(danger: str) -> int:
    """From the beginning of the danger to the open relay, with good data."""
    found = _watch("", danger, _GRACE_MS + 10_000).open_ms
    if found is None:
        raise AssertionError(f"{danger}: no trip with good data")
    return found


@cache
def outcome(fault: str, danger: str) -> Outcome:
    """What becomes of one pair."""
    return _watch(fault, danger, allowed_ms(fault, danger))


def allowed_ms(fault: str, danger: str) -> int:
    """The longest time that this pair may take."""
    good_ms = good_data_ms(danger)
    if fault == "jump":
        return _CHATTER * good_ms + MARGIN_MS
    return max(good_ms, _LONGEST_MS.get(fault, _GRACE_MS)) + MARGIN_MS


def longest(fault: str) -> str:
    """The same for a person, without the margin and the time of good data."""
    if fault == "jump":
        return f"{_CHATTER} x good data"
    return f"{_LONGEST_MS.get(fault, _GRACE_MS) // 1000} s"


def outcomes() -> Iterator[Outcome]:
    """All pairs; a minute or two."""
    for fault in data_faults.NAMES:
        for danger in DANGERS:
            yield outcome(fault, danger)


def drive() -> tuple[int, list[str]]:
    """How many pairs there are, and those that end weaker than with good data, RESIDUAL apart."""
    found = list(outcomes())
    missed = [each for each in found if not each.safe and not each.residual]
    return len(found), [f"{each.fault} {each.danger}" for each in missed]


def missed_trips() -> int:
    """How many pairs end weaker than with good data, beyond those named in RESIDUAL."""
    return len(drive()[1])


def _watch(fault: str, danger: str, allowed_ms: int) -> Outcome:
    site = VirtualSite(SITE, LOAD, {"outputs": {"arm_delay_ms": 3000, "shared_dc_bus": 0}})
    site.run(SETTLE_MS)
    if fault:
        site.middle[STRUCK] = data_faults.middle(fault, DANGERS[danger].target, site.now_ms)
    site.run(LEAD_MS)
    begun = ReadingFault.model_validate(DANGERS[danger].fault)
    faults.begin(site.site, begun, STRUCK)
    began_ms = site.now_ms
    zero_ms = open_ms = None
    by = ""
    neighbour_closed = True
    while site.now_ms < began_ms + allowed_ms + _AFTER_MS and open_ms is None:
        site.run(_STEP_MS)
        age_ms = site.now_ms - began_ms
        none_granted = site.granted_da(STRUCK) == (0, 0)
        if none_granted and zero_ms is None:
            zero_ms = age_ms
            by = rules.name(site.protections[STRUCK].decision.rule)
        elif not none_granted:
            zero_ms = None
        if not site.closed(STRUCK):
            open_ms = age_ms
            by = rules.name(site.protections[STRUCK].decision.rule)
        neighbour_closed = neighbour_closed and site.closed(NEIGHBOUR)
    return Outcome(fault, danger, allowed_ms, zero_ms, open_ms, by, neighbour_closed)
