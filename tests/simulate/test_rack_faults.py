"""A BMS that is frozen, not started, restarting, or whose contactor does not move."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault
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


# -- currents that do not obey --


def test_a_welded_contactor_under_load_ignores_the_limits_once_it_should_be_open(
    run_site: Run,
) -> None:
    site, run = run_site
    run(6_000)
    rack = site.racks[0]
    faults.begin(site, fault("stuck_contactor", carries=-0.3), 0)
    rack.write(16, 0x0102, [0, 0])
    run(100)
    assert rack.values["rack_current_da"] == 0
    rack.write(6, 0x0100, [0])
    run(100)
    assert rack.values["rack_current_da"] == -471 and rack.values["contactor_state"] == 1
    faults.end(site, fault("stuck_contactor"), 0)
    run(100)
    assert rack.values["rack_current_da"] == 0 and rack.values["contactor_state"] == 0


@pytest.mark.parametrize(
    ("keeps", "limit_da", "current_da"), [(True, 0, 560), (False, 300, 420), (False, 0, 0)]
)
def test_a_converter_beyond_the_limit_keeps_its_current_or_follows(
    run_site: Run, keeps: bool, limit_da: int, current_da: int
) -> None:
    site, run = run_site
    rack = site.racks[0]
    rack.write(16, 0x0102, [400, 400])
    faults.begin(site, fault("limit_not_respected", target=1.4, keeps=keeps), 0)
    run(100)
    assert rack.values["rack_current_da"] == 560
    rack.write(16, 0x0102, [limit_da, limit_da])
    run(200)
    assert rack.values["rack_current_da"] == current_da


def test_charging_and_discharging_faults_ask_for_their_own_direction(run_site: Run) -> None:
    site, run = run_site
    for index, (kind, current_da) in enumerate(
        [("charge_peak_current", 6908), ("discharge_peak_current", -6908)]
    ):
        faults.begin(site, faults.by_name(kind), index)
        run(100)
        assert site.racks[index].values["rack_current_da"] == current_da


# -- readings --


def test_a_slow_fault_moves_by_its_rate_and_stops_at_its_target(run_site: Run) -> None:
    site, run = run_site
    run(1_000)
    rack = site.racks[0]
    faults.begin(site, fault("voltage_spread", level=0, target=3000, rate=100), 0)
    run(100)  # begins
    seen = []
    for _ in range(4):
        seen.append(int(rack.served[0][137]))
        run(1_000)
    assert [first - second for first, second in pairwise(seen)][:2] == [100, 100]
    assert seen[-1] == 3000
    temp_rise = fault("temp_rise", target=300, rate=20)
    faults.begin(site, temp_rise, 1)
    run(100)
    before = int(site.racks[1].served[1][60])
    run(2_000)
    assert site.racks[1].served[1][60] - before == 40


def test_a_whole_rack_moves_together(run_site: Run) -> None:
    site, run = run_site
    run(1_000)
    rack = site.racks[0]
    spread = rack.values["cell_max_mv"] - rack.values["cell_min_mv"]
    faults.begin(site, faults.by_name("rack_overvoltage"), 0)
    faults.begin(site, faults.by_name("discharge_undertemperature"), 0)
    run(100)
    values = rack.values
    assert values["cell_mean_mv"] == 3620 and values["temp_min_dc"] == -330
    assert abs(values["cell_max_mv"] - values["cell_min_mv"] - spread) <= 5
    assert values["temp_max_dc"] < -270
    assert abs(values["rack_voltage_dv"] - 3620 * 416 / 100) < 5


def test_the_rack_voltage_leaves_the_sum_of_its_cells(run_site: Run) -> None:
    site, run = run_site
    faults.begin(site, faults.by_name("voltage_sum"), 0)
    run(100)
    beside = site.racks[0].values["rack_voltage_dv"] - sum(site.racks[0].served[0]) / 100
    assert beside == pytest.approx(30 * 416 / 100, abs=1)


@pytest.mark.parametrize(("level", "void"), [(2, 1), (3, 2)])
def test_cells_vanish_from_the_scan_only(run_site: Run, level: int, void: int) -> None:
    site, run = run_site
    faults.begin(site, fault("bad_cells", level=level), 0)
    run(100)
    rack = site.racks[0]
    scan = [
        cell
        for first in range(0, 400, 100)
        for cell in rack.registers.read(3, 0x1000 + first, 100)
    ]
    assert scan.count(0xFFFF) == void
    assert rack.values["cell_max_mv"] < 3400


def test_an_implausible_summary_is_told_and_nothing_else_changes(run_site: Run) -> None:
    site, run = run_site
    run(500)
    rack = site.racks[0]
    before = dict(rack.values)
    told = fault("implausible")
    faults.begin(site, told, 0)
    run(100)
    assert rack.values["cell_max_mv"] == 0xFFFF and summary(rack)[10] == 0xFFFF
    assert rack.values["alarm_trip_bits"] == 0
    assert rack.values["charge_limit_da"] == before["charge_limit_da"]
    faults.end(site, told, 0)
    run(100)
    assert rack.values["cell_max_mv"] < 3400
    faults.begin(site, fault("implausible", field="temp_min_dc", target=-0x8000), 0)
    run(100)
    assert summary(rack)[17] == 0x8000


def test_a_contactor_that_fails_to_precharge(run_site: Run) -> None:
    site, run = run_site
    run(5_000)
    rack = site.racks[0]
    failing = faults.by_name("precharge")
    faults.begin(site, failing, 0)
    assert not rack.contactor_closed
    states = []
    for _ in range(200):
        run(100)
        state = rack.values["contactor_state"]
        if not states or states[-1] != state:
            states.append(state)
    assert states == [2, 0, 2, 0, 2, 0]
    assert rack.values["rack_current_da"] == 0
    faults.end(site, failing, 0)
    run(100)
    assert rack.values["contactor_state"] == 1


def test_without_the_coil_there_is_no_precharge(run_site: Run) -> None:
    site, run = run_site
    site.set_relay(0, False)
    faults.begin(site, faults.by_name("precharge"), 0)
    run(100)
    assert site.racks[0].values["contactor_state"] == 0


def test_an_impossible_level_is_refused() -> None:
    with pytest.raises(ValueError, match="voltage_sum cannot be driven to level 3"):
        ReadingFault.model_validate({"kind": "voltage_sum", "level": 3})
    assert ReadingFault(kind="voltage_sum").expected_level == 2
    assert ReadingFault.model_validate({"kind": "voltage_sum", "level": 0}).expected_level == 0
