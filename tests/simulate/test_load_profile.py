"""The load shows life, moves no net charge, and keeps every product away from its limits."""

from __future__ import annotations

import pytest

from host_tools.simulate.load_profile import PERIOD_S, load_fraction
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.site.products import load_product, slugs


def over_one_period(step_s: float = 0.1) -> list[float]:
    return [load_fraction(index * step_s) for index in range(round(PERIOD_S / step_s))]


def test_charges_rests_and_discharges_within_the_rating() -> None:
    loads = over_one_period()
    assert min(loads) < -0.6
    assert max(loads) > 0.6
    assert loads.count(0.0) > 0.1 * len(loads)
    assert all(-1.0 <= load <= 1.0 for load in loads)


def test_no_net_charge_over_a_period() -> None:
    loads = over_one_period()
    assert sum(loads) / len(loads) == pytest.approx(0.0, abs=1e-9)


def test_repeats_for_ever() -> None:
    assert load_fraction(33.3 + 10_000 * PERIOD_S) == pytest.approx(load_fraction(33.3))


def test_changes_within_seconds() -> None:
    for start_s in range(6, 40, 6):
        window = [load_fraction(start_s + index * 0.5) for index in range(12)]
        assert max(window) - min(window) > 0.05


@pytest.mark.parametrize("slug", slugs())
def test_three_normal_hours_raise_no_alarm(slug: str) -> None:
    product = load_product(slug).model_copy(update={"racks": 2})
    now_ms = 0
    site = SimulatedSite(product, base_port=20_000, seed=1, clock=lambda: now_ms)
    for index in range(product.racks):
        site.set_relay(index, True)
    while now_ms < 3 * 3_600_000:
        now_ms += 2_600
        site.tick(now_ms)
        for rack in site.racks:
            values = rack.values
            assert 2900 < values["cell_min_mv"] <= values["cell_max_mv"] < 3500
            assert 2.9 < values["rack_voltage_dv"] / 10 / product.cells_per_rack < 3.5
            assert 50 < values["temp_min_dc"] <= values["temp_max_dc"] < 500
            assert -product.discharge_current_a * 10 <= values["rack_current_da"]
            assert values["rack_current_da"] <= product.charge_current_a * 10
            assert values["alarm_warn_bits"] == 0
            assert 450 < values["soc_pm"] < 550
