"""Each fault shows in its own field of its own rack, and the truth notes when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from host_tools.errors import UserError
from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.simulate.truth import Change, opened_after

Run = tuple[SimulatedSite, Callable[[int], None]]
REACHED = {
    "cell_overvoltage": (3650, 3700),
    "cell_undervoltage": (2500, 2300),
    "charge_overtemperature": (600, 620),
    "discharge_overcurrent": (-1962, -2041),
    "charge_overcurrent": (1962, 2041),
    "discharge_peak_current": (-6594, -6908),
    "discharge_undertemperature": (-300, -330),
    "insulation": (200, 83),
}


@pytest.mark.parametrize("name", REACHED)
def test_reading_reaches_its_target_in_one_tick(
    name: str, run_site: Run, hand_clock: Callable[[], int]
) -> None:
    site, run = run_site
    run(10_000)
    limit, target = REACHED[name]
    fault = faults.by_name(name)
    assert isinstance(fault, ReadingFault)
    reading = fault.reading
    assert reading.field is not None
    watches = [site.truth.watch(index, reading.field, limit, reading.above) for index in range(3)]
    run(1_000)
    assert [watch.crossed_ms for watch in watches] == [None, None, None]

    began_ms = hand_clock()
    crossed_ms = began_ms + 100
    faults.begin(site, fault, 1)
    run(100)
    assert site.racks[1].values[reading.field] == target
    assert watches[1].crossed_ms == crossed_ms == began_ms + 100
    run(900)
    assert site.racks[1].values[reading.field] == target
    assert watches[0].crossed_ms is watches[2].crossed_ms is None

    faults.end(site, fault, 1)
    run(200)
    back = site.racks[1].values[reading.field]
    assert back < limit if reading.above else back > limit
    assert watches[1].crossed_ms == crossed_ms


def test_a_limit_counts_as_crossed_when_it_is_just_reached(run_site: Run) -> None:
    site, run = run_site
    reached = site.truth.watch(0, "cell_count", 416, above=True)
    reached_below = site.truth.watch(0, "cell_count", 416, above=False)
    missed = site.truth.watch(0, "cell_count", 417, above=True)
    run(100)
    assert reached.crossed_ms == reached_below.crossed_ms == 1_100
    assert missed.crossed_ms is None


def test_forced_cell_is_what_the_master_reads(
    run_site: Run, hand_clock: Callable[[], int]
) -> None:
    site, run = run_site
    faults.begin(site, faults.by_name("cell_overvoltage"), 2)
    run(1_000)
    values = site.racks[2].values
    assert site.racks[2].registers.read(3, 0x1000 + values["cell_max_index"], 1) == [3700]
    assert values["charge_limit_da"] == 0


def test_overcurrent_ignores_every_limit_but_not_the_contactor(
    run_site: Run, hand_clock: Callable[[], int]
) -> None:
    site, run = run_site
    rack = site.racks[0]
    rack.write(6, 0x0103, [100])
    faults.begin(site, faults.by_name("discharge_overcurrent"), 0)
    run(1_000)
    assert rack.values["rack_current_da"] == -2041
    site.set_relay(0, False)
    run(100)
    assert rack.values["rack_current_da"] == 0


def test_unknown_fault_and_rack_are_refused(run_site: Run) -> None:
    site, _ = run_site
    with pytest.raises(UserError, match=r"no fault 'fire'.*rack_silent"):
        faults.by_name("fire")
    with pytest.raises(UserError, match="no rack 3"):
        faults.begin(site, faults.by_name("rack_silent"), 3)


@pytest.mark.parametrize("name", faults.names())
def test_stopping_what_never_started_is_no_error(run_site: Run, name: str) -> None:
    faults.end(run_site[0], faults.by_name(name), 0)


def test_relays_and_contactors_are_noted_at_each_change(
    run_site: Run, hand_clock: Callable[[], int]
) -> None:
    site, run = run_site
    run(300)
    site.set_relay(0, True)  # no change
    site.racks[0].write(6, 0x0100, [0])
    run(200)
    site.set_relay(0, False)
    assert site.truth.relay_changes[0] == [Change(1_000, True), Change(1_500, False)]
    assert site.truth.contactor_changes[0] == [Change(1_000, True), Change(1_300, False)]
    assert site.truth.relay_changes[1] == [Change(1_000, True)]


def test_opened_after_finds_the_first_opening_from_a_moment_on() -> None:
    changes = [Change(10, True), Change(20, False), Change(30, True), Change(40, False)]
    assert opened_after(changes, 0) == opened_after(changes, 20) == 20
    assert opened_after(changes, 21) == 40
    assert opened_after(changes, 41) is None
