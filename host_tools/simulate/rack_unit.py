"""One simulated rack: cells, BMS, contactor, and the registers that a Modbus master sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from host_tools.simulate import bms_state, distortion
from host_tools.simulate import registers as meaning
from host_tools.simulate.bms_rules import CHARGE_CURVES, DISCHARGE_CURVES, alarm_bits, allowed_da
from host_tools.simulate.bms_state import BmsState
from host_tools.simulate.cell_model import CellModel, Integers
from host_tools.simulate.forced_reading import ForcedReading
from host_tools.simulate.product import Product
from host_tools.simulate.registers import Registers

HEARTBEAT_MS = 500
START_SOC = 0.5  # middle of the plateau: a normal run stays far from every limit
START_SOC_SPREAD = 0.01
INSULATION_KOHM = 5000
ALARM_FIELDS = ("alarm_warn_bits", "alarm_stop_bits", "alarm_trip_bits")

STANDBY, DISCHARGE, CHARGE, FAULT = range(4)
OPEN, CLOSED, PRECHARGING = range(3)

# What the master commands, at power-on: the contactor is commanded closed, and stays open until
# the trip relay supplies the coil.
COMMANDS = {
    meaning.CONTACTOR: 1,
    meaning.HEARTBEAT: 0,
    meaning.CHARGE_LIMIT: meaning.NO_LIMIT,
    meaning.DISCHARGE_LIMIT: meaning.NO_LIMIT,
}
# What a BMS says before it has measured anything.
_BLANK = ("charge_limit_da", "discharge_limit_da", *ALARM_FIELDS)


class RackUnit:
    """A rack that is moved on by `tick` and read through `registers` and `values`.

    `registers` changes in `tick`, `write` and `restart` only, so whoever reads it between two
    ticks sees one moment. `values` holds the same summary signed, by name, `served` every cell
    and sensor as a scan has them, `commands` what the master wants. `state` is what is wrong with
    the BMS as a whole, `bus_live` False where a breaker beyond the contactor is open.

    `forced` maps a quantity to the fault that drives it: those of `distortion`, "silence" (the BMS
    takes connections and requests but never answers), and the current: "load" in parts of the
    rating of its direction, "load_c" in multiples of the capacity per hour, "load_limit" in parts
    of the limit that was in force when the fault began. Charging is positive. Only an open
    contactor or breaker stops such a current, unless the fault follows the limit (`keeps` False):
    then it is that part of the limit as it is.
    """

    def __init__(
        self,
        name: str,
        product: Product,
        *,
        registers: Registers,
        rng: np.random.Generator,
        now_ms: int,
        on_contactor: Callable[[bool], None],
    ) -> None:
        """Build the rack with open trip relay; `on_contactor(closed)` is called at each change."""
        self.name = name
        self.rated_charge_da = round(product.charge_current_a * 10)
        self.rated_discharge_da = round(product.discharge_current_a * 10)
        # One rating for both directions: the load profile then moves no net charge.
        self.load_da = min(self.rated_charge_da, self.rated_discharge_da)
        self.capacity_dah = round(product.cell_ah * 10)
        self.model = CellModel(
            cells=product.cells_per_rack,
            temps=product.temps_per_rack,
            capacity_ah=product.cell_ah,
            resistance_mohm=product.cell_resistance_mohm,
            soc=rng.normal(START_SOC, START_SOC_SPREAD),
            rng=rng,
        )
        self.registers = registers
        self.commands = dict(COMMANDS)
        self.state = BmsState()
        self.forced: dict[str, ForcedReading] = {}
        self.relay_energised = False
        self.contactor_closed = False
        self.bus_live = True

        health = self.model.capacity_ah.mean() / product.cell_ah
        self._fixed = {
            "soh_pm": min(1000, round(1000 * float(health))),
            "insulation_kohm": INSULATION_KOHM,
            "cell_count": product.cells_per_rack,
            "temp_count": product.temps_per_rack,
        }
        self._rng = rng
        self._on_contactor = on_contactor
        self._started_ms = self._ticked_ms = now_ms

        self.values: dict[str, int] = {}
        self.served: tuple[Integers, Integers]
        self._publish(now_ms, 0.0)

    @property
    def silent(self) -> bool:
        """Whether the BMS does not answer."""
        return "silence" in self.forced or self.restarting

    @property
    def restarting(self) -> bool:
        """Whether the BMS is without power for a moment."""
        return self.state.is_silent(self._ticked_ms)

    def tick(self, now_ms: int, load: float) -> None:
        """Move on to `now_ms` with the site wanting `load` (-1..1) of `load_da`."""
        current_a = self._current_a(now_ms, load)
        self.model.step(current_a, (now_ms - self._ticked_ms) / 1000)
        self._ticked_ms = now_ms
        self._move_contactor()
        self._publish(now_ms, current_a)

    def set_relay(self, energised: bool) -> None:
        """Supply or cut the contactor coil through the trip relay; acts at once."""
        self.relay_energised = energised
        self._move_contactor()

    def write(self, function: int, address: int, values: list[int]) -> dict[str, int]:
        """Take a write of the master; what it commands. RefusedError changes nothing."""
        commands = self.registers.write(function, address, values)
        self.commands |= commands
        self._move_contactor()
        return commands

    def restart(self, now_ms: int, silent_ms: int, zero_ms: int) -> None:
        """Power-cycle the BMS: the contactor falls, commands and heartbeat begin anew."""
        self.state.restart(now_ms, silent_ms, zero_ms)
        self._ticked_ms = now_ms
        self._started_ms = now_ms + silent_ms
        self.registers.restart()
        self.commands = dict(COMMANDS)
        self._move_contactor()
        self._publish(now_ms, 0.0)

    def jam_contactor(self, closed: bool | None) -> None:
        """Keep the contactor where it is said to be, whatever is commanded; None frees it."""
        self.state.stuck = closed
        self._move_contactor()

    def fail_precharge(self, now_ms: int, tries: int) -> None:
        """Let the contactor fall and fail `tries` times to close; 0 ends the fault."""
        self.state.fail_precharge(now_ms, tries)
        self._move_contactor()

    @property
    def _wanted_closed(self) -> bool:
        return (
            self.commands[meaning.CONTACTOR] == 1
            and self.relay_energised
            and not self.state.is_zero(self._ticked_ms)
        )

    def _move_contactor(self) -> None:
        closed = self._wanted_closed and not self.state.precharge_tries
        if self.state.stuck is not None:
            closed = self.state.stuck
        if closed != self.contactor_closed:
            self.contactor_closed = closed
            self._on_contactor(closed)

    def _current_a(self, now_ms: int, load: float) -> float:
        if not self.contactor_closed or not self.bus_live:
            return 0.0
        charge_da = min(self.values["charge_limit_da"], self.commands[meaning.CHARGE_LIMIT])
        discharge_da = min(
            self.values["discharge_limit_da"], self.commands[meaning.DISCHARGE_LIMIT]
        )
        current_da = min(max(load * self.load_da, -discharge_da), charge_da)
        if self.state.carries is not None and self.state.stuck and not self._wanted_closed:
            return self.state.carries * self.load_da / 10
        for quantity, rated_da in (
            ("load", (self.rated_charge_da, self.rated_discharge_da)),
            ("load_c", (self.capacity_dah, self.capacity_dah)),
            ("load_limit", (charge_da, discharge_da)),
        ):
            if forced := self.forced.get(quantity):
                discharging = forced.target < 0
                limit_da = (charge_da, discharge_da)[discharging]
                kept_da = forced.first(rated_da[discharging], now_ms)
                current_da = forced.target * (kept_da if forced.keeps else limit_da)
        return current_da / 10

    def _publish(self, now_ms: int, current_a: float) -> None:
        zero = self.state.is_zero(now_ms)
        cells_mv = distortion.cells(self.forced, self.model.measured_mv(self._rng), now_ms)
        temps_dc = distortion.temps(self.forced, self.model.measured_dc(self._rng), now_ms)
        if zero:
            cells_mv = np.zeros_like(cells_mv)
        values = self._summary(now_ms, round(current_a * 10), cells_mv, temps_dc)
        if zero:
            values |= dict.fromkeys(_BLANK, 0) | {"state": STANDBY}
        distortion.summary(self.forced, values, now_ms)
        cells_mv = distortion.scan(self.forced, cells_mv)
        frozen = self.state.frozen
        if frozen == bms_state.EVERYTHING:
            return
        if frozen == bms_state.VALUES:
            values = self.values | {"heartbeat": values["heartbeat"]}
            cells_mv, temps_dc = self.served
        elif frozen == bms_state.HEARTBEAT:
            values["heartbeat"] = self.values["heartbeat"]
        self.values = values
        self.served = cells_mv, temps_dc
        self.registers.publish(values, cells_mv, temps_dc)

    def _summary(
        self, now_ms: int, current_da: int, cells_mv: Integers, temps_dc: Integers
    ) -> dict[str, int]:
        values: dict[str, int] = {
            **self._fixed,
            "heartbeat": max(0, now_ms - self._started_ms) // HEARTBEAT_MS & 0xFFFF,
            "contactor_state": self._contactor_state(now_ms),
            "rack_voltage_dv": round(int(cells_mv.sum()) / 100),
            "rack_current_da": current_da,
            "soc_pm": min(max(round(1000 * self.model.soc), 0), 1000),
            **_extremes("cell", "mv", cells_mv),
            **_extremes("temp", "dc", temps_dc),
        }
        values["charge_limit_da"] = allowed_da(self.rated_charge_da, CHARGE_CURVES, values)
        values["discharge_limit_da"] = allowed_da(
            self.rated_discharge_da, DISCHARGE_CURVES, values
        )
        ratios = {
            "charge_pm": round(1000 * current_da / self.rated_charge_da),
            "discharge_pm": round(-1000 * current_da / self.rated_discharge_da),
        }
        values |= zip(ALARM_FIELDS, alarm_bits(values | ratios), strict=True)
        values["state"] = FAULT if values["alarm_trip_bits"] else _direction(current_da)
        return values

    def _contactor_state(self, now_ms: int) -> int:
        if self.contactor_closed:
            return CLOSED
        trying = self._wanted_closed and self.state.is_precharging(now_ms)
        return PRECHARGING if trying else OPEN


def _extremes(what: str, unit: str, readings: Integers) -> dict[str, int]:
    highest, lowest = int(readings.argmax()), int(readings.argmin())
    return {
        f"{what}_max_{unit}": int(readings[highest]),
        f"{what}_max_index": highest,
        f"{what}_min_{unit}": int(readings[lowest]),
        f"{what}_min_index": lowest,
        f"{what}_mean_{unit}": round(float(readings.mean())),
    }


def _direction(current_da: int) -> int:
    if current_da == 0:
        return STANDBY
    return CHARGE if current_da > 0 else DISCHARGE
