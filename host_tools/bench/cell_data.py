"""Made-up readings of one rack for the codec's figures: cells, temperatures, summaries.

416 LFP cells as a BMS reports them: open-circuit voltage by charge, spread of charge, capacity and
resistance, one RC pair, an offset per measuring channel, current ripple, Gaussian noise of the
converter, steps of 1 mV. Made up: what field data gives will differ.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.telemetry.records import SAMPLE_FIELDS
from host_tools.simulate.cell_model import CellModel

CELLS = 416
TEMPS = 104
CAPACITY_AH = 280.0
RESISTANCE_MOHM = 0.25
RATE = 0.5  # of the capacity per hour

_SOC_SPREAD = 0.008  # standard deviations between cells, as parts of one
_CAPACITY_SPREAD = 0.006
_RESISTANCE_SPREAD = 0.06
_OFFSET_MV = 0.7  # of a measuring channel, standard deviation
_RIPPLE = 0.01  # of the current
_AGC_STEP = 0.15  # of the current, up or down
_AGC_S = 4.0  # between two steps, on average
_TEMP_NOISE_C = 0.03
_DAY_S = 86_400
_CHARGE_AT_S = 10 * 3600
_DISCHARGE_AT_S = 18 * 3600
_HOURS_FULL = 1.6  # of charging at RATE: 80 % of the capacity

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """What the rack does and how it is looked at."""

    name: str
    period_s: float
    frames: int
    rate: float = 0.0  # charging current over capacity; a day has its own
    agc: bool = False
    day: bool = False  # charge in the morning, discharge in the evening
    soc: float = 0.12  # at the start: below the plateau, where the cells differ by 30 mV


PROFILES = (
    Profile("rest", 0.5, 600),
    Profile("load", 0.5, 600, rate=RATE),
    Profile("agc", 0.5, 600, rate=RATE, agc=True),
    Profile("minute", 60.0, 2880, day=True, soc=0.1),
)
NOISES_MV = (0.6, 1.0)


@dataclass(frozen=True)
class CellData:
    """One row per frame: `cells_mv`, `temps_dc`, and the rack's current in 0.1 A."""

    profile: Profile
    noise_mv: float
    cells_mv: Integers
    temps_dc: Integers
    current_da: Integers


def generate(profile: Profile, noise_mv: float, seed: int = 1) -> CellData:
    """The readings of `profile`; the same for the same seed."""
    rng = np.random.default_rng([seed, zlib.crc32(profile.name.encode()), int(noise_mv * 10)])
    model = _rack(profile.soc, rng)
    offset_mv = rng.normal(0, _OFFSET_MV, CELLS)
    cells = np.empty((profile.frames, CELLS), np.int64)
    temps = np.empty((profile.frames, TEMPS), np.int64)
    current_da = np.empty(profile.frames, np.int64)
    agc = 0.0
    for frame in range(profile.frames):
        if profile.agc and rng.random() < profile.period_s / _AGC_S:
            agc = rng.choice((-_AGC_STEP, 0.0, _AGC_STEP))
        rate = _day_rate(frame * profile.period_s) if profile.day else profile.rate
        current_a = rate * CAPACITY_AH * (1 + agc) * (1 + _RIPPLE * rng.standard_normal())
        model.step(current_a, profile.period_s)
        noise = noise_mv * rng.standard_normal(CELLS)
        cells[frame] = np.rint(model.terminal_v * 1000 + offset_mv + noise)
        noise_c = _TEMP_NOISE_C * rng.standard_normal(TEMPS)
        temps[frame] = np.rint((model.temp_c + noise_c) * 10)
        current_da[frame] = round(current_a * 10)
    return CellData(profile, noise_mv, cells, temps, current_da)


def _rack(soc: float, rng: np.random.Generator) -> CellModel:
    model = CellModel(
        cells=CELLS,
        temps=TEMPS,
        capacity_ah=CAPACITY_AH,
        resistance_mohm=RESISTANCE_MOHM,
        soc=soc,
        rng=rng,
    )
    model.capacity_ah = CAPACITY_AH * rng.normal(1, _CAPACITY_SPREAD, CELLS)
    model.charge_ah = model.capacity_ah * rng.normal(soc, _SOC_SPREAD, CELLS)
    model.ohmic_ohm = RESISTANCE_MOHM / 1000 * rng.normal(1, _RESISTANCE_SPREAD, CELLS)
    model.polarisation_ohm = model.ohmic_ohm * 0.6
    return model


def _day_rate(seconds: float) -> float:
    at = seconds % _DAY_S
    if 0 <= at - _CHARGE_AT_S < _HOURS_FULL * 3600:
        return RATE
    if 0 <= at - _DISCHARGE_AT_S < _HOURS_FULL * 3600:
        return -RATE
    return 0.0


def noise_entropy_bytes(noise_mv: float) -> float:
    """Entropy of the converter's noise after rounding to 1 mV: no lossless coder can beat it."""
    # Rounded noise around every position of the true value between two steps, averaged.
    positions = np.linspace(-0.5, 0.5, 201)[:-1]
    steps = np.arange(-12, 13)
    edges = np.concatenate((steps - 0.5, [steps[-1] + 0.5]))
    total = 0.0
    for position in positions:
        shares = np.diff(_normal_share((edges - position) / noise_mv))
        shares = shares[shares > 0]
        total -= float((shares * np.log2(shares)).sum())
    return total / len(positions) / 8


def _normal_share(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a normal distribution that lies below each of `x`."""
    return np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])


def samples(data: CellData) -> list[list[int]]:
    """A summary for each frame, in the order of records.SAMPLE_FIELDS."""
    rng = np.random.default_rng(7)
    step_ms = int(data.profile.period_s * 1000)
    per_frame = max(1, step_ms // 500)  # summaries
    charge_as = 0.0
    found = []
    for frame, (cells, temps) in enumerate(zip(data.cells_mv, data.temps_dc, strict=True)):
        current_da = int(data.current_da[frame])
        charge_as += current_da / 10 * data.profile.period_s
        soc_pm = round(1000 * (data.profile.soc + charge_as / 3600 / CAPACITY_AH))
        values = {
            "rack": 3,
            "quality": 1,
            "rule": 255,
            "acquired_ms": 60_000 + frame * step_ms + int(rng.integers(0, 12)),
            "summary_number": 100 + frame * per_frame + int(rng.integers(0, min(2, per_frame))),
            "rack_voltage_dv": int(cells.sum()) // 100,
            "rack_current_da": current_da,
            "soc_pm": soc_pm,
            "soh_pm": 985,
            "cell_max_mv": int(cells.max()),
            "cell_max_index": int(cells.argmax()),
            "cell_min_mv": int(cells.min()),
            "cell_min_index": int(cells.argmin()),
            "cell_mean_mv": int(cells.mean()),
            "temp_max_dc": int(temps.max()),
            "temp_min_dc": int(temps.min()),
            "temp_mean_dc": int(temps.mean()),
            "charge_da": 1400,
            "discharge_da": 1400,
            "insulation_kohm": 2000 + int(rng.integers(0, 3)),
            "contactor": 1,
            "relay": 1,
        }
        found.append([values.get(name, 0) for name in SAMPLE_FIELDS])
    return found
