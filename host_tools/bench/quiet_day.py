"""A day of normal operation, in virtual time: nothing may trip.

Simulated racks of every cell, with their noise, are read every 500 ms and scanned every 4 s by the
firmware's own protection and outputs, without a bus in between; these command relays, contactors
and limits in return. The site charges and discharges nearly its whole capacity, with the ripple of
frequency control on top, while the coolant goes through a day. At the end a cell of one rack is
driven over its limit: a harness that could not trip would prove nothing.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from gateway import config
from gateway.clock import TICKS_MASK
from gateway.outputs.enforcer import Enforcer
from gateway.protection import rules
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import SITE, Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack.data import CELL_ABSENT, SUMMARY_FIELDS, RackData
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.bench.site_config import PRODUCT
from host_tools.simulate.load_profile import load_fraction
from host_tools.simulate.rack_faults import ReadingFault
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.registers import CHARGE_LIMIT, CONTACTOR, DISCHARGE_LIMIT
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.site.compile import load_site
from host_tools.toolchain.progress import step

TICK_MS = 500
STEP_MS = 250  # of the gateway's loop: one that stands still for 500 ms drops its relays
SCAN_MS = 4000
SEED = 7
_START_MS = TICKS_MASK - 3_600_000  # the tick counter wraps in the first hour
_HOUR_MS = 3_600_000
_SETTLE_MS = 15_000  # arming, and the first closing
_FAULT_MS = 10_000
_RIPPLE = 0.35  # share of the load profile of a run
_COOLANT_SWING_C = 3.0
# Hour of the day and part of the rating: 0.8 of the capacity up and down again.
_DAY = ((0.0, 0.25), (3.2, 0.0), (8.0, 0.25), (11.2, 0.0), (14.0, -0.4), (18.0, 0.0), (24.0, 0.0))


def measure(effort: Effort) -> list[Metric]:
    """The whole day on all processors; about ten minutes on two in full."""
    product, _ = load_site(PRODUCT)
    workers = max(1, min(len(os.sched_getaffinity(0)), product.racks))
    shares = [list(range(first, product.racks, workers)) for first in range(workers)]
    with (
        step(f"{effort.day_h:g} simulated hours of twelve racks, {workers} processes"),
        ProcessPoolExecutor(workers) as pool,
    ):
        found = list(pool.map(_day, shares, [effort.day_h] * workers))
    return [_metric(found, effort.day_h)]


def _metric(found: list[dict[str, Any]], hours: float) -> Metric:
    levels: Counter[str] = Counter()
    for each in found:
        levels.update(each["levels"])
    trips = sum(each["trips"] for each in found)
    blind = sum(not each["tripped_at_the_end"] for each in found)
    lowest = min(each["soc_pm"][0] for each in found)
    highest = max(each["soc_pm"][1] for each in found)
    warnings = sum(count for name, count in levels.items() if not name.endswith(" 3"))
    return Metric(
        "false_trips",
        None if blind else trips,
        "trips",
        bound=0,
        target=0,
        at_most=True,
        details={
            "note": f"{hours:g} h of 12 racks; levels 1 and 2: {warnings}; state of charge"
            f" {lowest / 10:g}..{highest / 10:g} %"
            + (f"; {blind} harnesses did not trip on a real fault" if blind else ""),
            "hours": hours,
            "levels": dict(sorted(levels.items())),
            "lost_changes": sum(each["lost_changes"] for each in found),
            "evaluations": sum(each["evaluations"] for each in found),
            "temp_dc": [
                min(each["temp_dc"][0] for each in found),
                max(each["temp_dc"][1] for each in found),
            ],
        },
    )


class _Inputs:
    """Nothing pushed, every loop closed."""

    count = 8

    def get(self, number: int) -> bool:
        return number != 0


class _Relays:
    """Relays that drive the contactors of the racks."""

    def __init__(self, racks: list[RackUnit]) -> None:
        self.count = len(racks)
        self._racks = racks

    def set(self, number: int, energised: int) -> None:
        if self._racks[number].relay_energised != (energised == 1):
            self._racks[number].set_relay(energised == 1)


class _DeadMan:
    def toggle(self) -> None:
        """Nobody drops anything here."""


class _Poller:
    """In place of a rack's poller: what it would read and write, at once."""

    def __init__(self, data: RackData, rack: RackUnit) -> None:
        self.data = data
        self.hot = False
        self.opening_write = None
        self._rack = rack

    def read(self, now: int, scan: bool) -> None:
        """Take a summary, and the scans when they are due."""
        data, rack = self.data, self._rack
        for slot, name in enumerate(SUMMARY_FIELDS):
            data.staging[slot] = rack.values[name]
        data.take(now)
        if scan:
            cells_mv, temps_dc = rack.served
            for index, value in enumerate(cells_mv.tolist()):
                data.cells_mv[index] = min(value, CELL_ABSENT)
            for index, value in enumerate(temps_dc.tolist()):
                data.temps_dc[index] = value
            data.cells_sequence += 1
            data.temps_sequence += 1
            data.values_moved(now)

    def open_contactor(self, now: int) -> None:
        self._rack.commands[CONTACTOR] = 0

    def leave_contactor(self) -> None:
        """As it is."""

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        self._rack.commands[CHARGE_LIMIT] = charge_da
        self._rack.commands[DISCHARGE_LIMIT] = discharge_da


class _Bus:
    """In place of the bus of one rack: it has always just been read."""

    def __init__(self, index: int) -> None:
        self._index = index
        self.fresh = False

    def step(self, now: int) -> int:
        fresh, self.fresh = self.fresh, False
        return self._index if fresh else -1

    def wait_us(self, now: int) -> int:
        return TICK_MS * 1000


class _Site:
    """Some racks of the site and a gateway for them."""

    def __init__(self, share: list[int]) -> None:
        product, tree = load_site(PRODUCT)
        tree["racks"] = [
            tree["racks"][index] | {"trip_relay": at} for at, index in enumerate(share)
        ]
        settings = config.load(json.dumps(tree))
        self.ms = 0
        site = SimulatedSite(product, base_port=20_000, seed=SEED, clock=lambda: self.ms)
        self.racks = [site.racks[index] for index in share]
        now = self._ticks
        self.changes = Changes()
        interlocks = Interlocks(settings, _Inputs(), self.changes, now)
        shared = SharedSettings(settings)
        self._pollers = []
        protections = []
        for at, rack in enumerate(self.racks):
            data = RackData(
                at, rack.name, product.cells_per_rack, product.temps_per_rack,
                settings.limits["comm_loss"][0].set_point, now,  # type: ignore[union-attr]
            )  # fmt: skip
            for slot in range(len(data.supplied)):
                data.supplied[slot] = 1
            self._pollers.append(_Poller(data, rack))
            protection = RackProtection(data, shared, interlocks, self.changes)
            protection.limits_sent = True
            protections.append(protection)
        self._buses = [_Bus(at) for at in range(len(share))]
        self._coolant_c = [rack.model.coolant_c.copy() for rack in self.racks]
        self.enforcer = Enforcer(
            self._buses,  # type: ignore[arg-type]
            self._pollers,  # type: ignore[arg-type]
            protections,
            interlocks,
            _Relays(self.racks),
            _DeadMan(),
            settings,
            now,
        )

    @property
    def _ticks(self) -> int:
        return self.ms + _START_MS & TICKS_MASK

    def tick(self, load: float) -> None:
        """Move on by TICK_MS: racks, answers, then protection and outputs."""
        for _ in range(TICK_MS // STEP_MS - 1):
            self.ms += STEP_MS
            self.enforcer.step(self._ticks)
        self.ms += STEP_MS
        now = self._ticks
        swing_c = _COOLANT_SWING_C * math.sin(2 * math.pi * self.ms / (24 * _HOUR_MS))
        scan = self.ms % SCAN_MS == 0
        for at, rack in enumerate(self.racks):
            rack.model.coolant_c = self._coolant_c[at] + swing_c
            rack.tick(self.ms, load)
            self._pollers[at].read(now, scan)
            self._buses[at].fresh = True
        self.enforcer.step(now)

    def new_levels(self) -> Iterator[tuple[int, int, int]]:
        """(rack, rule, level) of each that became active since the last call."""
        while (change := self.changes.take()) is not None:
            rack, rule, level, active, _ = change
            if active:
                yield rack, rule, level


def _day(share: list[int], hours: float) -> dict[str, Any]:
    """What happened to these racks."""
    site = _Site(share)
    levels: Counter[str] = Counter()
    trips = 0
    soc_pm, temp_dc = [1000, 0], [10_000, -10_000]
    closed = [False] * len(share)
    ended = _SETTLE_MS + round(hours * _HOUR_MS)
    while site.ms < ended:
        running = site.ms >= _SETTLE_MS
        site.tick(_load(site.ms - _SETTLE_MS) if running else 0.0)
        for rack, rule, level in site.new_levels():
            where = "site" if rack == SITE else "rack"
            levels[f"{where} {rules.name(rule)} {level}"] += 1
        for at, rack_unit in enumerate(site.racks):
            if closed[at] and not rack_unit.contactor_closed:
                trips += 1
            closed[at] = rack_unit.contactor_closed
        values = site.racks[0].values
        _widen(soc_pm, values["soc_pm"], values["soc_pm"])
        _widen(temp_dc, values["temp_min_dc"], values["temp_max_dc"])
    all_closed = all(closed)
    return {
        "levels": dict(levels),
        "trips": trips,
        "lost_changes": site.changes.lost,
        "evaluations": site.ms // TICK_MS * len(share),
        "soc_pm": soc_pm,
        "temp_dc": temp_dc,
        "tripped_at_the_end": all_closed and _trips_on_a_fault(site),
    }


def _trips_on_a_fault(site: _Site) -> bool:
    """Whether the first rack opens for a cell beyond its limit, and no other does."""
    ReadingFault(kind="cell_overvoltage", level=3).strike(site.racks[0], site.ms)
    for _ in range(_FAULT_MS // TICK_MS):
        site.tick(0.0)
    others = all(rack.contactor_closed for rack in site.racks[1:])
    return others and not site.racks[0].contactor_closed


def _load(ms: int) -> float:
    """Part of the rating that the site wants; charging is positive."""
    hour = ms / _HOUR_MS % 24
    steady = next(part for begin, part in reversed(_DAY) if hour >= begin)
    ripple = _RIPPLE * load_fraction(ms / 1000)
    return min(1.0, max(-1.0, steady + ripple))


def _widen(span: list[int], lowest: int, highest: int) -> None:
    span[0] = min(span[0], lowest)
    span[1] = max(span[1], highest)
