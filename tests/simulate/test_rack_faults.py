"""A BMS that is frozen, not started, restarting, or whose contactor does not move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from host_tools.simulate import faults
from host_tools.simulate.rack_unit import STANDBY, RackUnit
from host_tools.simulate.registers import CHARGE_LIMIT, CONTACTOR, NO_LIMIT
from host_tools.simulate.simulated_site import SimulatedSite

Run = tuple[SimulatedSite, Callable[[int], None]]


def fault(kind: str, **settings: Any) -> Any:
    return faults.by_name(kind).model_copy(update=settings)


def summary(rack: RackUnit) -> list[int]:
    return rack.registers.read(3, 0, 25)


def cells(rack: RackUnit) -> list[int]:
    return rack.registers.read(3, 0x1000, 100)


@pytest.mark.parametrize(
    ("what", "heartbeat", "values"),
    [("everything", False, False), ("values", True, False), ("heartbeat", False, True)],
)
def test_what_a_frozen_bms_still_changes(
    run_site: Run, what: str, heartbeat: bool, values: bool
) -> None:
    site, run = run_site
    run(4_000)
    rack = site.racks[1]
    before, before_cells = summary(rack), cells(rack)
    frozen = fault("frozen", what=what)
    faults.begin(site, frozen, 1)
    run(2_000)
    assert (summary(rack)[0] != before[0]) == heartbeat
    assert (summary(rack)[1:] != before[1:]) == values
    assert (cells(rack) != before_cells) == values
    assert rack.values["heartbeat"] == summary(rack)[0]
    assert site.racks[0].values["heartbeat"] == before[0] + 4
    faults.end(site, frozen, 1)
    run(200)
    assert summary(rack)[0] > before[0] and summary(rack)[1:] != before[1:]


def test_a_contactor_that_opens_while_frozen_still_reads_closed(run_site: Run) -> None:
    site, run = run_site
    run(500)
    faults.begin(site, fault("frozen"), 0)
    site.set_relay(0, False)
    run(500)
    assert not site.racks[0].contactor_closed
    assert site.racks[0].values["contactor_state"] == 1


def test_before_its_start_a_bms_reads_zero_and_raises_no_alarm(run_site: Run) -> None:
    site, run = run_site
    run(1_000)
    zero = fault("zero_before_start")
    faults.begin(site, zero, 0)
    run(200)
    rack = site.racks[0]
    assert set(cells(rack)) == {0}
    values = rack.values
    assert values["cell_max_mv"] == values["cell_min_mv"] == values["rack_voltage_dv"] == 0
    assert values["alarm_warn_bits"] == values["alarm_stop_bits"] == values["alarm_trip_bits"] == 0
    assert values["charge_limit_da"] == values["discharge_limit_da"] == 0
    assert values["state"] == STANDBY and values["temp_max_dc"] > 100
    assert not rack.contactor_closed and values["rack_current_da"] == 0
    faults.end(site, zero, 0)
    run(200)
    assert min(cells(rack)) > 3000 and rack.contactor_closed


def test_a_restart_forgets_commands_and_counts_anew(run_site: Run) -> None:
    site, run = run_site
    run(5_000)
    rack = site.racks[0]
    rack.write(16, 0x0100, [0, 7, 300, 300])
    assert rack.values["heartbeat"] == 10
    faults.begin(site, fault("restart", silent_s=1.0, zero_s=2.0), 0)
    assert rack.silent and not rack.contactor_closed
    assert rack.commands[CHARGE_LIMIT] == NO_LIMIT and rack.commands[CONTACTOR] == 1
    assert rack.registers.read(3, 0x0100, 4) == [1, 0, NO_LIMIT, NO_LIMIT]
    run(900)
    assert rack.silent
    run(200)
    assert not rack.silent and rack.values["heartbeat"] == 0 and set(cells(rack)) == {0}
    run(2_000)
    assert min(cells(rack)) > 3000 and rack.contactor_closed
    assert rack.values["heartbeat"] == (2_100 // 500)
    changes = [change.on for change in site.truth.contactor_changes[0]]
    assert changes == [True, False, True]


@pytest.mark.parametrize("opened_by", ["command", "relay"])
def test_a_welded_contactor_carries_on_and_says_so(run_site: Run, opened_by: str) -> None:
    site, run = run_site
    run(6_000)
    stuck = fault("stuck_contactor")
    faults.begin(site, stuck, 0)
    rack = site.racks[0]
    if opened_by == "command":
        rack.write(6, 0x0100, [0])
    else:
        site.set_relay(0, False)
    run(500)
    assert rack.contactor_closed and rack.values["contactor_state"] == 1
    assert rack.values["rack_current_da"] != 0
    faults.end(site, stuck, 0)
    assert not rack.contactor_closed
    run(100)
    assert rack.values["contactor_state"] == 0 and rack.values["rack_current_da"] == 0


def test_a_contactor_that_does_not_close(run_site: Run) -> None:
    site, run = run_site
    faults.begin(site, fault("stuck_contactor", position="open"), 0)
    run(500)
    assert site.racks[0].relay_energised and not site.racks[0].contactor_closed
    assert site.racks[0].values["contactor_state"] == 0
