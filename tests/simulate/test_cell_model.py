"""The cells keep charge and energy, and relax as an RC pair does."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from host_tools.simulate.cell_model import (
    OCV_SOC,
    OCV_V,
    POLARISATION_RATIO,
    POLARISATION_S,
    CellModel,
)

CURRENTS_A = (157.0, -40.0, 0.0, 12.5, -157.0)


def make_model(seed: int = 3, **changes: float) -> CellModel:
    return CellModel(
        cells=416,
        temps=208,
        capacity_ah=314.0,
        resistance_mohm=0.25,
        soc=0.5,
        rng=np.random.default_rng(seed),
        **changes,
    )


def test_open_circuit_voltage_rises_over_the_whole_range() -> None:
    assert len(OCV_SOC) == len(OCV_V)
    assert all(low < high for low, high in pairwise(OCV_SOC))
    assert all(low < high for low, high in pairwise(OCV_V))
    assert (OCV_SOC[0], OCV_V[0]) == (0.0, 2.5)
    assert (OCV_SOC[-1], OCV_V[-1]) == (1.0, 3.65)


def test_charge_is_the_coulombs_counted_outside() -> None:
    model = make_model()
    before = model.charge_ah.copy()
    counted_as = []
    for second in range(2000):
        current_a = CURRENTS_A[second // 100 % len(CURRENTS_A)]
        model.step(current_a, 0.7)
        counted_as.append(current_a * 0.7)
    moved_ah = math.fsum(counted_as) / 3600
    assert moved_ah == pytest.approx(-2.13889, abs=1e-4)
    assert model.charge_ah - before == pytest.approx(np.full(416, moved_ah), abs=1e-9)


def test_energy_lost_over_a_cycle_becomes_heat() -> None:
    model = make_model(cooling_w_per_k=1e-9)
    start_c = model.temp_c.copy()
    start_ah = model.charge_ah.copy()
    absorbed_j = 0.0
    for current_a, seconds in ((157.0, 300), (-157.0, 300), (0.0, 600)):
        for _ in range(seconds):
            before_w = model.terminal_v.sum() * current_a
            model.step(current_a, 1.0)
            absorbed_j += (before_w + model.terminal_v.sum() * current_a) / 2
    heat_j = ((model.temp_c - start_c) * model.heat_capacity_j_per_k).sum()
    assert model.charge_ah == pytest.approx(start_ah)
    assert heat_j == pytest.approx(absorbed_j, rel=0.03)
    assert heat_j > 416 * 157.0**2 * 0.25e-3 * 600  # ohmic part alone


def test_voltage_jumps_by_the_ohmic_drop_and_follows_the_rc_pair() -> None:
    model = make_model()
    at_rest = model.terminal_v
    model.step(100.0, 0.0)
    assert model.terminal_v - at_rest == pytest.approx(100.0 * model.ohmic_ohm)
    model.step(100.0, POLARISATION_S)
    full_v = 100.0 * model.ohmic_ohm * POLARISATION_RATIO
    assert model.polarisation_v == pytest.approx(full_v * (1 - math.exp(-1)))


def test_one_long_step_equals_many_short_ones() -> None:
    long, short = make_model(), make_model()
    long.step(80.0, 60.0)
    for _ in range(600):
        short.step(80.0, 0.1)
    assert long.charge_ah == pytest.approx(short.charge_ah)
    assert long.polarisation_v == pytest.approx(short.polarisation_v)


def test_temperature_settles_above_the_coolant_and_falls_back_at_rest() -> None:
    model = make_model()
    model.step(157.0, 60.0)
    model.step(157.0, 100_000.0)
    hot_c = model.temp_c - model.coolant_c
    assert np.all((hot_c > 3.0) & (hot_c < 8.0))
    model.step(0.0, 100_000.0)
    model.step(0.0, 100_000.0)
    assert model.temp_c == pytest.approx(model.coolant_c, abs=0.01)


def test_measurement_has_the_noise_of_the_data_sheet_and_whole_millivolts() -> None:
    model = make_model()
    rng = np.random.default_rng(11)
    readings = np.array([model.measured_mv(rng) for _ in range(200)])
    error_mv = readings - model.terminal_v * 1000
    assert readings.dtype == np.int64
    assert error_mv.mean() == pytest.approx(0.0, abs=0.02)
    assert error_mv.std() == pytest.approx(math.sqrt(0.6**2 + 1 / 12), rel=0.03)


def test_same_seed_same_rack_other_seed_other_rack() -> None:
    assert np.array_equal(make_model(5).charge_ah, make_model(5).charge_ah)
    assert not np.array_equal(make_model(5).charge_ah, make_model(6).charge_ah)
    assert make_model().capacity_ah.std() / 314.0 == pytest.approx(0.006, rel=0.2)


def test_impossible_racks_and_times_are_refused() -> None:
    with pytest.raises(ValueError, match="3 sensors"):
        CellModel(
            cells=416,
            temps=3,
            capacity_ah=314.0,
            resistance_mohm=0.25,
            soc=0.5,
            rng=np.random.default_rng(1),
        )
    with pytest.raises(ValueError, match="backwards"):
        make_model().step(1.0, -0.1)
