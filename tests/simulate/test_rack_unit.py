"""Registers of one rack, its contactor, and who may limit its current."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.rack.data import SUMMARY_FIELDS
from host_tools.simulate.image_registers import ImageRegisters, shipped
from host_tools.simulate.product import Product
from host_tools.simulate.rack_unit import CHARGE, COMMANDS, DISCHARGE, STANDBY, RackUnit
from host_tools.simulate.registers import RefusedError
from host_tools.simulate.simulated_site import GENERIC

START_MS = 5_000
CONTACTOR_COMMAND = 0x0100


@pytest.fixture
def contactor_calls() -> list[bool]:
    return []


@pytest.fixture
def rack(product: Product, contactor_calls: list[bool]) -> RackUnit:
    return RackUnit(
        "rack01",
        product,
        registers=ImageRegisters(shipped(GENERIC), product.cells_per_rack, product.temps_per_rack),
        rng=np.random.default_rng(2),
        now_ms=START_MS,
        on_contactor=contactor_calls.append,
    )


@pytest.mark.parametrize(
    ("command", "relay", "closed"), [(0, False, 0), (0, True, 0), (1, False, 0), (1, True, 1)]
)
def test_contactor_needs_command_and_relay(
    rack: RackUnit, command: int, relay: bool, closed: int
) -> None:
    assert rack.write(6, CONTACTOR_COMMAND, [command]) == {"contactor": command}
    rack.set_relay(relay)
    rack.tick(START_MS + 100, 0.5)
    assert rack.values["contactor_state"] == closed
    assert (rack.values["rack_current_da"] != 0) == bool(closed)


@pytest.mark.parametrize("opened_by", ["command", "relay"])
def test_opening_makes_the_current_exactly_zero(
    rack: RackUnit, contactor_calls: list[bool], opened_by: str
) -> None:
    rack.set_relay(True)
    rack.tick(START_MS + 100, 0.8)
    assert rack.values["rack_current_da"] == round(0.8 * 1570)
    if opened_by == "command":
        rack.write(6, CONTACTOR_COMMAND, [0])
    else:
        rack.set_relay(False)
    assert contactor_calls == [True, False]
    charge_ah = rack.model.charge_ah.copy()
    for tick in range(2, 20):
        rack.tick(START_MS + tick * 100, 0.8)
        assert rack.values["rack_current_da"] == 0
        assert rack.values["state"] == STANDBY
    assert np.array_equal(rack.model.charge_ah, charge_ah)


def test_heartbeat_counts_half_seconds_whatever_the_tick(rack: RackUnit) -> None:
    beats = []
    for now_ms in (
        START_MS,
        START_MS + 499,
        START_MS + 500,
        START_MS + 1730,
        START_MS + 65_536_500,
    ):
        rack.tick(now_ms, 0.0)
        beats.append(rack.values["heartbeat"])
    assert beats == [0, 0, 1, 3, (65_536_500 // 500) & 0xFFFF]


@pytest.mark.parametrize(("load", "state"), [(0.5, CHARGE), (-0.5, DISCHARGE), (0.0, STANDBY)])
def test_direction_and_sign_of_the_current(rack: RackUnit, load: float, state: int) -> None:
    rack.set_relay(True)
    rack.tick(START_MS + 100, load)
    assert rack.values["state"] == rack.registers.read(3, 1, 1)[0] == state
    assert rack.values["rack_current_da"] == round(load * 1570)
    assert rack.registers.read(3, 7, 1) == [round(load * 1570) & 0xFFFF]


def test_summary_is_computed_from_the_served_cells(rack: RackUnit) -> None:
    rack.set_relay(True)
    for tick in range(1, 50):
        rack.tick(START_MS + tick * 100, -0.7)
        cells = rack.registers.read(3, 0x1000, 416)
        temps = rack.registers.read(3, 0x2000, 208)
        raw = rack.registers.read(3, 0, 25)
        summary = dict(zip(SUMMARY_FIELDS, raw, strict=True))  # this map has them in this order
        assert summary["cell_max_mv"] == max(cells) == cells[summary["cell_max_index"]]
        assert summary["cell_min_mv"] == min(cells) == cells[summary["cell_min_index"]]
        assert abs(summary["cell_mean_mv"] - sum(cells) / 416) <= 0.5
        assert abs(summary["rack_voltage_dv"] - sum(cells) / 100) <= 0.5
        assert summary["temp_max_dc"] == max(temps) == temps[summary["temp_max_index"]]
        assert summary["temp_min_dc"] == min(temps) == temps[summary["temp_min_index"]]
        assert abs(summary["temp_mean_dc"] - sum(temps) / 208) <= 0.5


def test_every_value_lies_in_the_plausible_range_of_the_map(rack: RackUnit) -> None:
    rack.tick(START_MS + 100, 0.0)
    for item in shipped(GENERIC).in_poll("summary"):
        if item.low is not None and item.high is not None:
            assert item.low <= rack.values[item.name] <= item.high


def test_identity(rack: RackUnit) -> None:
    assert rack.registers.read(3, 0x0200, 4) == [0x4716, 1, 416, 208]


@pytest.mark.parametrize(
    ("address", "load", "current_da"),
    [
        (0x0102, 1.0, 300),
        (0x0102, -1.0, -1570),
        (0x0103, -1.0, -300),
        (0x0103, 1.0, 1570),
    ],
)
def test_load_respects_the_requested_limit(
    rack: RackUnit, address: int, load: float, current_da: int
) -> None:
    rack.set_relay(True)
    rack.write(6, address, [300])
    rack.tick(START_MS + 100, load)
    assert rack.values["rack_current_da"] == current_da
    rack.write(6, address, [0xFFFF])
    rack.tick(START_MS + 200, load)
    assert abs(rack.values["rack_current_da"]) == 1570


def test_bms_takes_its_own_limit_back_at_the_top(rack: RackUnit) -> None:
    rack.set_relay(True)
    rack.model.charge_ah = rack.model.capacity_ah * 0.999
    rack.tick(START_MS + 100, 0.0)
    assert rack.values["charge_limit_da"] < 300
    assert rack.values["discharge_limit_da"] == 1570
    assert rack.values["alarm_warn_bits"] & 1
    rack.tick(START_MS + 200, 1.0)
    assert rack.values["rack_current_da"] < 300


def test_a_refused_write_changes_nothing(rack: RackUnit) -> None:
    before = rack.registers.read(3, 0x0100, 4)
    with pytest.raises(RefusedError, match="exception 3"):
        rack.write(16, CONTACTOR_COMMAND, [2, 9, 9, 9])
    assert rack.registers.read(3, 0x0100, 4) == before
    assert rack.commands == COMMANDS
