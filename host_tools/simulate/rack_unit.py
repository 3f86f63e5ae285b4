"""One simulated rack: cells, BMS, contactor, and the registers that a Modbus master sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gateway.rack.maps import generic_416s as register_map
from host_tools.simulate.bms_rules import CHARGE_CURVES, DISCHARGE_CURVES, alarm_bits, allowed_da
from host_tools.simulate.cell_model import CellModel, Integers
from host_tools.simulate.forced_reading import ForcedReading
from host_tools.simulate.product import Product

HEARTBEAT_MS = 500
START_SOC = 0.5  # middle of the plateau: a normal run stays far from every limit
START_SOC_SPREAD = 0.01
INSULATION_KOHM = 5000
NO_REQUEST = 0xFFFF
ALARM_FIELDS = ("alarm_warn_bits", "alarm_stop_bits", "alarm_trip_bits")

STANDBY, DISCHARGE, CHARGE, FAULT = range(4)
OPEN, CLOSED = 0, 1

# address: (value at start, lowest and highest value that may be written). The rack starts with
# its contactor commanded closed; it stays open until the trip relay supplies the coil.
CONTROL = {
    register_map.CONTACTOR_COMMAND: (1, 0, 1),
    register_map.GATEWAY_HEARTBEAT: (0, 0, 0xFFFF),
    register_map.CHARGE_LIMIT_REQUEST_DA: (NO_REQUEST, 0, 0xFFFF),
    register_map.DISCHARGE_LIMIT_REQUEST_DA: (NO_REQUEST, 0, 0xFFFF),
}


class RackUnit:
    """A rack that is moved on by `tick` and read through `registers` and `values`.

    `registers` is indexed by Modbus address and changes in `tick` and `write` only, so whoever
    reads it between two ticks sees one moment. `values` holds the same summary signed, by name.
    `forced` maps a quantity to the fault that drives it: "cell_mv", "temp_dc", "load" (past every
    limit) or "silence" (the BMS takes connections and requests but never answers).
    """

    def __init__(
        self,
        name: str,
        product: Product,
        *,
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
        self.model = CellModel(
            cells=product.cells_per_rack,
            temps=product.temps_per_rack,
            capacity_ah=product.cell_ah,
            resistance_mohm=product.cell_resistance_mohm,
            soc=rng.normal(START_SOC, START_SOC_SPREAD),
            rng=rng,
        )
        self.forced: dict[str, ForcedReading] = {}
        self.relay_energised = False
        self.contactor_closed = False

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
        self.registers = [0] * (register_map.TEMPS_ADDRESS + product.temps_per_rack)
        for address, (start, _, _) in CONTROL.items():
            self.registers[address] = start
        self._put(
            register_map.IDENTITY[0],
            [
                register_map.MAP_ID,
                register_map.MAP_VERSION,
                product.cells_per_rack,
                product.temps_per_rack,
            ],
        )
        self._publish(now_ms, 0.0)

    @property
    def silent(self) -> bool:
        """Whether the BMS has stopped to answer."""
        return "silence" in self.forced

    def tick(self, now_ms: int, load: float) -> None:
        """Move on to `now_ms` with the site wanting `load` (-1..1) of `load_da`."""
        current_a = self._current_a(now_ms, load)
        self.model.step(current_a, (now_ms - self._ticked_ms) / 1000)
        self._ticked_ms = now_ms
        self._publish(now_ms, current_a)

    def set_relay(self, energised: bool) -> None:
        """Supply or cut the contactor coil through the trip relay; acts at once."""
        self.relay_energised = energised
        self._move_contactor()

    def write(self, address: int, values: list[int]) -> bool:
        """Take a write of the master; False and nothing changed when a value is out of range.

        Only addresses in CONTROL may come here.
        """
        for offset, value in enumerate(values):
            _, low, high = CONTROL[address + offset]
            if not low <= value <= high:
                return False
        self._put(address, values)
        self._move_contactor()
        return True

    def _move_contactor(self) -> None:
        commanded = self.registers[register_map.CONTACTOR_COMMAND] == 1
        closed = commanded and self.relay_energised
        if closed != self.contactor_closed:
            self.contactor_closed = closed
            self._on_contactor(closed)

    def _current_a(self, now_ms: int, load: float) -> float:
        if not self.contactor_closed:
            return 0.0
        charge_da = min(
            self.values["charge_limit_da"],
            self.registers[register_map.CHARGE_LIMIT_REQUEST_DA],
        )
        discharge_da = min(
            self.values["discharge_limit_da"],
            self.registers[register_map.DISCHARGE_LIMIT_REQUEST_DA],
        )
        current_da = min(max(load * self.load_da, -discharge_da), charge_da)
        forced = self.forced.get("load")
        if forced:
            rated_da = self.rated_discharge_da
            current_da = forced.value(current_da / rated_da, now_ms) * rated_da
        return current_da / 10

    def _read(self, quantity: str, measured: Integers, now_ms: int) -> Integers:
        forced = self.forced.get(quantity)
        if forced:
            live = float(measured[forced.index])
            measured[forced.index] = round(forced.value(live, now_ms))
        return measured

    def _publish(self, now_ms: int, current_a: float) -> None:
        cells_mv = self._read("cell_mv", self.model.measured_mv(self._rng), now_ms)
        temps_dc = self._read("temp_dc", self.model.measured_dc(self._rng), now_ms)
        current_da = round(current_a * 10)
        values: dict[str, int] = {
            **self._fixed,
            "heartbeat": (now_ms - self._started_ms) // HEARTBEAT_MS & 0xFFFF,
            "contactor_state": CLOSED if self.contactor_closed else OPEN,
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
        self.values = values
        self._put(
            register_map.SUMMARY[0],
            [values[name] & 0xFFFF for name, _, _, _, _ in register_map.FIELDS],
        )
        self._put(register_map.CELLS_ADDRESS, cells_mv.tolist())
        self._put(register_map.TEMPS_ADDRESS, (temps_dc & 0xFFFF).tolist())

    def _put(self, address: int, values: list[int]) -> None:
        self.registers[address : address + len(values)] = values


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
