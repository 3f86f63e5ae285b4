"""The DC bus: racks join at rest, and a breaker beyond the racks takes every current away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from host_tools.simulate import faults
from host_tools.simulate.dc_bus import JOIN_MS, DcBus
from host_tools.simulate.product import Product
from host_tools.simulate.simulated_site import UPSTREAM, SimulatedSite
from host_tools.simulate.truth import Change

Run = tuple[SimulatedSite, Callable[[int], None]]


def test_nothing_flows_until_the_bus_has_been_live_for_a_while() -> None:
    bus = DcBus()
    assert bus.load(0.7, False, 1_000) == 0.0
    assert bus.load(0.7, True, 5_000) == 0.0
    assert bus.load(0.7, True, 5_000 + JOIN_MS - 1) == 0.0
    assert bus.load(0.7, True, 5_000 + JOIN_MS) == 0.7
    assert bus.load(-0.2, True, 60_000) == -0.2


def test_a_bus_that_was_dead_is_checked_anew() -> None:
    bus = DcBus()
    bus.load(0.7, True, 0)
    assert bus.load(0.7, True, JOIN_MS) == 0.7
    assert bus.load(0.7, False, 9_000) == 0.0
    assert bus.load(0.7, True, 9_100) == 0.0
    assert bus.load(0.7, True, 9_100 + JOIN_MS) == 0.7


def held_site(product: Product, clock: Callable[[], int], load: float) -> SimulatedSite:
    return SimulatedSite(product, base_port=20_000, seed=7, clock=clock, held_load=load)


@pytest.mark.parametrize(("load", "current_da"), [(-0.4, -628), (0.4, 628), (0.0, 0)])
def test_a_held_load_goes_one_way(product: Product, load: float, current_da: int) -> None:
    site = held_site(product, lambda: 0, load)
    for index in range(product.racks):
        site.set_relay(index, True)
    for now_ms in range(0, 200_000, 5_000):
        site.tick(now_ms)
        expected_da = 0 if now_ms < JOIN_MS else current_da
        assert [rack.values["rack_current_da"] for rack in site.racks] == [expected_da] * 3


def test_a_rack_that_joins_others_finds_them_at_work(product: Product) -> None:
    site = held_site(product, lambda: 0, 0.5)
    site.set_relay(0, True)
    for now_ms in range(0, 10_000, 1_000):
        site.tick(now_ms)
    site.set_relay(1, True)
    site.tick(10_000)
    assert site.racks[0].values["rack_current_da"] == 785
    assert site.racks[1].values["rack_current_da"] == 785
    assert site.racks[2].values["rack_current_da"] == 0


def test_the_breaker_of_the_site_ends_even_a_welded_current(
    run_site: Run, hand_clock: Callable[[], int]
) -> None:
    site, run = run_site
    run(5_000)
    welded = faults.by_name("stuck_contactor").model_copy(update={"carries": 0.3})
    faults.begin(site, welded, 0)
    faults.begin(site, faults.by_name("discharge_overcurrent"), 1)
    site.set_relay(0, False)
    site.set_site_relay(UPSTREAM, True)
    run(100)
    assert [rack.values["rack_current_da"] for rack in site.racks[:2]] == [471, -2041]
    site.set_site_relay(UPSTREAM, False)
    site.set_site_relay("ventilation", True)
    run(100)
    assert [rack.values["rack_current_da"] for rack in site.racks] == [0, 0, 0]
    assert site.racks[0].values["contactor_state"] == 1
    assert site.truth.site_relay_changes == {
        UPSTREAM: [Change(6_000, True), Change(6_100, False)],
        "ventilation": [Change(6_100, True)],
    }
