"""A small site, a clock that moves only when told, and free ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from own_ports import free_row

from host_tools.simulate.simulated_site import SimulatedSite


@dataclass(frozen=True)
class SmallProduct:
    """Three racks of real size."""

    slug: str = "small"
    racks: int = 3
    cells_per_rack: int = 416
    temps_per_rack: int = 208
    cell_ah: float = 314.0
    cell_resistance_mohm: float = 0.25
    charge_current_a: float = 157.0
    discharge_current_a: float = 157.0


@dataclass
class HandClock:
    """Milliseconds that a test moves on by itself."""

    now_ms: int = 1_000

    def __call__(self) -> int:
        """The time now."""
        return self.now_ms


@pytest.fixture
def product() -> SmallProduct:
    """Rated data of the small site."""
    return SmallProduct()


@pytest.fixture
def hand_clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


@pytest.fixture
def free_ports() -> Callable[[int], int]:
    """Find the first of `count` ports in a row that nobody listens on."""
    return free_row


@pytest.fixture
def run_site(
    product: SmallProduct, hand_clock: HandClock
) -> tuple[SimulatedSite, Callable[[int], None]]:
    """A closed, unserved site and a function that lets `duration_ms` pass in ticks of 100 ms."""
    site = SimulatedSite(product, base_port=20_000, seed=7, clock=hand_clock)
    for index in range(product.racks):
        site.set_relay(index, True)

    def run(duration_ms: int) -> None:
        for _ in range(duration_ms // 100):
            hand_clock.now_ms += 100
            site.tick(hand_clock.now_ms)

    return site, run
