"""A simulated rack and the gateway's own protection of it, in virtual time and without a bus."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gateway import config
from gateway.protection import rules
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack.data import CELL_ABSENT, SUMMARY_FIELDS, RackData
from host_tools.simulate.registers import CHARGE_LIMIT, DISCHARGE_LIMIT
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.site.compile import load_site

TICK_MS, SUMMARY_MS, SCAN_MS = 100, 500, 4000
_LIMIT_REGISTERS = 0x0102


class Healthy:
    """Inputs of a board with nothing pushed and every loop closed."""

    def get(self, number: int) -> bool:
        return number != 0


class ProtectedRack:
    """Rack 1 of a site: read like over a bus, and told the limits; its relay drops on a trip.

    `levels` is the highest level of each rule so far, `tripped_by` the rule that took the permit
    away and `tripped_ms` when.
    """

    def __init__(
        self,
        slug: str,
        load: float | None = None,
        changed: Callable[[dict[str, Any]], None] = lambda tree: None,
    ) -> None:
        product, tree = load_site(slug)
        changed(tree)
        self.settings = config.load(json.dumps(tree))
        self.now_ms = 1_000
        self.site = SimulatedSite(
            product, base_port=20_000, seed=3, clock=lambda: self.now_ms, held_load=load
        )
        self.rack = self.site.racks[0]
        self.data = RackData(
            0, "rack01", product.cells_per_rack, product.temps_per_rack, 1500, self.now_ms
        )
        for slot in range(len(self.data.supplied)):
            self.data.supplied[slot] = 1
        changes = Changes()
        self.protection = RackProtection(
            self.data,
            SharedSettings(self.settings),
            Interlocks(self.settings, Healthy(), changes, self.now_ms),  # type: ignore[arg-type]
            changes,
        )
        self.protection.limits_sent = True
        self.levels: dict[str, int] = {}
        self.tripped_by = ""
        self.tripped_ms: int | None = None
        self.site.set_relay(0, True)

    def run(self, duration_ms: int) -> None:
        """Let time pass."""
        for _ in range(duration_ms // TICK_MS):
            self.now_ms += TICK_MS
            self.site.tick(self.now_ms)
            if self.protection.running or self.now_ms % SUMMARY_MS == 0:
                self._read_summary()
            if self.now_ms % SCAN_MS == 0:
                self._read_scans()
            self.protection.step(self.now_ms)
            self._note()
            self._write_limits()

    def grant_everything(self) -> None:
        """As long after the start of a gateway: it begins with no current and raises it slowly."""
        decision = self.protection.decision
        ratings = self.rack.rated_charge_da, self.rack.rated_discharge_da
        ramps = decision._charge_ramp, decision._discharge_ramp
        for ramp, rating_da in zip(ramps, ratings, strict=True):
            ramp.granted_da = rating_da

    def _read_summary(self) -> None:
        for slot, name in enumerate(SUMMARY_FIELDS):
            self.data.staging[slot] = self.rack.values[name]
        self.data.take(self.now_ms)

    def _read_scans(self) -> None:
        cells_mv, temps_dc = self.rack.served
        for index, value in enumerate(cells_mv.tolist()):
            self.data.cells_mv[index] = min(value, CELL_ABSENT)
        for index, value in enumerate(temps_dc.tolist()):
            self.data.temps_dc[index] = value
        self.data.cells_sequence += 1
        self.data.temps_sequence += 1
        self.data.values_moved(self.now_ms)

    def _note(self) -> None:
        for number in range(rules.RACK_RULES):
            name = rules.name(number)
            self.levels[name] = max(self.levels.get(name, 0), self.protection.levels[number])
        decision = self.protection.decision
        if self.tripped_ms is None and self.data.sequence and not decision.permit:
            self.tripped_by, self.tripped_ms = rules.name(decision.rule), self.now_ms
            self.site.set_relay(0, False)

    def _write_limits(self) -> None:
        decision = self.protection.decision
        granted = decision.charge_da, decision.discharge_da
        if granted != tuple(self.rack.commands[name] for name in (CHARGE_LIMIT, DISCHARGE_LIMIT)):
            self.rack.write(16, _LIMIT_REGISTERS, list(granted))
