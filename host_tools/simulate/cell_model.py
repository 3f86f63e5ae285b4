"""Electrical and thermal model of one rack of LFP cells in series."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Open-circuit voltage at rest: representative LFP shape with a flat plateau and two knees.
OCV_SOC = (
    0.0, 0.01, 0.02, 0.04, 0.07, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 0.95,
    0.97, 0.98, 0.99, 0.995, 1.0,
)  # fmt: skip
OCV_V = (
    2.500, 2.710, 2.830, 2.960, 3.070, 3.130, 3.185, 3.215, 3.250, 3.266, 3.276, 3.285, 3.297,
    3.312, 3.327, 3.337, 3.347, 3.362, 3.405, 3.470, 3.650,
)  # fmt: skip

CAPACITY_SPREAD = 0.006  # standard deviations between cells, as parts of one
SOC_SPREAD = 0.005
RESISTANCE_SPREAD = 0.03
COOLING_SPREAD = 0.05

POLARISATION_RATIO = 0.6  # resistance of the RC pair over the ohmic resistance
POLARISATION_S = 30.0  # time constant of the RC pair

HEAT_CAPACITY_J_PER_K = 5600.0  # one cell: 5.6 kg at 1000 J/(kg K)
COOLING_W_PER_K = 2.0  # one cell to the coolant: about 5 K above it at 0.5C
COOLANT_INLET_C = 22.0
COOLANT_RISE_C = 1.5  # from the first to the last sensor along the loop
START_ABOVE_COOLANT_C = 1.0

CELL_NOISE_MV = 0.6
TEMP_NOISE_C = 0.03


class CellModel:
    """State of every cell of a rack; charging current is positive.

    It has no time and no chance of its own: `step` is told the seconds and `rng` is handed in.
    """

    def __init__(
        self,
        *,
        cells: int,
        temps: int,
        capacity_ah: float,
        resistance_mohm: float,
        soc: float,
        rng: np.random.Generator,
        cooling_w_per_k: float = COOLING_W_PER_K,
    ) -> None:
        """Build a rack at rest; `soc` is 0..1, each sensor watches `cells / temps` cells.

        Raises ValueError when the cells cannot be shared out evenly to the sensors.
        """
        if temps < 1 or cells % temps:
            raise ValueError(f"{cells} cells cannot be shared by {temps} sensors")
        self.capacity_ah: Floats = capacity_ah * rng.normal(1.0, CAPACITY_SPREAD, cells)
        self.charge_ah: Floats = self.capacity_ah * rng.normal(soc, SOC_SPREAD, cells)
        self.ohmic_ohm: Floats = resistance_mohm / 1000 * rng.normal(1.0, RESISTANCE_SPREAD, cells)
        self.polarisation_ohm: Floats = self.ohmic_ohm * POLARISATION_RATIO
        self.polarisation_v: Floats = np.zeros(cells)
        self.current_a = 0.0

        cells_per_sensor = cells // temps
        self.heat_capacity_j_per_k = HEAT_CAPACITY_J_PER_K * cells_per_sensor
        self.cooling_w_per_k: Floats = (
            cooling_w_per_k * cells_per_sensor * rng.normal(1.0, COOLING_SPREAD, temps)
        )
        self.coolant_c: Floats = np.linspace(
            COOLANT_INLET_C, COOLANT_INLET_C + COOLANT_RISE_C, temps
        )
        self.temp_c: Floats = self.coolant_c + START_ABOVE_COOLANT_C

    def step(self, current_a: float, dt_s: float) -> None:
        """Carry `current_a` for `dt_s` seconds; stable at any step length."""
        if dt_s < 0:
            raise ValueError(f"time runs backwards: {dt_s} s")
        self.current_a = current_a
        self.charge_ah += current_a * dt_s / 3600
        settled = -math.expm1(-dt_s / POLARISATION_S)
        self.polarisation_v += (current_a * self.polarisation_ohm - self.polarisation_v) * settled

        heat_w = current_a**2 * self.ohmic_ohm + self.polarisation_v**2 / self.polarisation_ohm
        sensor_heat_w = heat_w.reshape(self.temp_c.size, -1).sum(axis=1)
        steady_c = self.coolant_c + sensor_heat_w / self.cooling_w_per_k
        warmed = -np.expm1(-dt_s * self.cooling_w_per_k / self.heat_capacity_j_per_k)
        self.temp_c += (steady_c - self.temp_c) * warmed

    @property
    def soc(self) -> float:
        """State of charge of the whole rack, 0..1 while no cell is driven out of its range."""
        return float(self.charge_ah.sum() / self.capacity_ah.sum())

    @property
    def ocv_v(self) -> Floats:
        """Open-circuit voltage of each cell."""
        return np.interp(self.charge_ah / self.capacity_ah, OCV_SOC, OCV_V)

    @property
    def terminal_v(self) -> Floats:
        """Voltage at the terminals of each cell under the present current."""
        return self.ocv_v + self.current_a * self.ohmic_ohm + self.polarisation_v

    def measured_mv(self, rng: np.random.Generator) -> Integers:
        """Cell voltages as the BMS sees them: noise, then 1 mV steps."""
        noise_mv = CELL_NOISE_MV * rng.standard_normal(self.charge_ah.size)
        return np.rint(self.terminal_v * 1000 + noise_mv).astype(np.int64)

    def measured_dc(self, rng: np.random.Generator) -> Integers:
        """Sensor temperatures as the BMS sees them: noise, then 0.1 degC steps."""
        noise_c = TEMP_NOISE_C * rng.standard_normal(self.temp_c.size)
        return np.rint((self.temp_c + noise_c) * 10).astype(np.int64)
