"""The limits set in a simulated BMS: served, read by the gateway's decoder, and compared."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from gateway.protection.threshold_check import differences
from gateway.rack.data import ABSENT, RackData
from gateway.rack.maps import soltaro_single_c
from gateway.rack.register_map import RegisterMap
from gateway.rack.threshold_names import QUANTITIES, split
from host_tools.maps.image import RegisterImage
from host_tools.maps.model import Item
from host_tools.maps.register_map import load, map_names
from host_tools.simulate.bms_thresholds import thresholds
from host_tools.simulate.image_registers import ImageRegisters, shipped

NAME = "soltaro-single-c"
CELLS, TEMPS, RATED_DA = 416, 208, 1570


class Level:
    def __init__(self, set_point: int) -> None:
        self.set_point = set_point


# Level 3 of a rack of 416 cells at 157 A.
LIMITS = {
    "cell_overvoltage": (None, None, Level(3650)),
    "cell_undervoltage": (None, None, Level(2500)),
    "rack_overvoltage": (None, None, Level(14900)),
    "rack_undervoltage": (None, None, Level(11232)),
    "charge_overcurrent": (None, None, Level(1962)),
    "discharge_overcurrent": (None, None, Level(1962)),
    "charge_overtemperature": (None, None, Level(600)),
    "discharge_overtemperature": (None, None, Level(600)),
    "discharge_undertemperature": (None, None, Level(-300)),
    "insulation": (None, None, Level(200)),
    "voltage_spread": (None, None, Level(500)),
}


def read(registers: ImageRegisters) -> tuple[tuple[str, ...], list[int]]:
    register_map = RegisterMap(soltaro_single_c, CELLS, TEMPS, 0)
    data = RackData(0, "rack", CELLS, TEMPS, 1000, 0)
    register_map.prepare(data)
    for block in register_map.thresholds:
        words = registers.read(block.function, block.address, block.count)
        frame = bytearray(9) + b"".join(word.to_bytes(2, "big") for word in words)
        register_map.decode_thresholds(data, block, frame, 9)
    return register_map.threshold_names, data.thresholds


@pytest.fixture
def registers() -> ImageRegisters:
    return ImageRegisters(shipped(NAME), CELLS, TEMPS, 0, (RATED_DA, RATED_DA))


def test_the_simulated_bms_serves_limits_that_fit_the_gateways(registers: ImageRegisters) -> None:
    names, values = read(registers)
    found = dict(zip(names, values, strict=True))
    assert found == thresholds(names, CELLS, RATED_DA, RATED_DA)
    assert ABSENT not in values
    assert found["level2_cell_over_set_mv"] == 3650
    assert found["level2_rack_over_set_dv"] == 14893
    assert found["level2_charge_over_set_da"] == 1962
    assert found["level2_discharge_cold_set_dc"] == -200
    assert differences(names, values, LIMITS) == []


def test_a_value_that_the_device_cut_is_told() -> None:
    """What was set is not what it took: only reading back shows it."""
    source = deepcopy(shipped(NAME))
    item = source.item("level2_cell_over_set_mv")
    source.items[source.items.index(item)] = replace(item, low=3700, high=4200)
    registers = ImageRegisters(source, CELLS, TEMPS, 0, (RATED_DA, RATED_DA))
    assert registers.set_threshold("level2_cell_over_set_mv", 3650) == 3700
    names, values = read(registers)
    assert differences(names, values, LIMITS) == [("level2_cell_over_set_mv", 3700, 3650)]
    registers.restart()  # it is stored in the device
    assert read(registers)[1] == values


def test_a_register_takes_what_it_can_hold() -> None:
    image = RegisterImage(load(NAME), CELLS, TEMPS)
    assert image.put_threshold("level2_insulation_set_kohm", 70000) == 65535
    assert image.put_threshold("level2_soc_low_set_pm", 54) == 50  # whole per cent
    assert image.put_threshold("level2_discharge_cold_set_dc", -250) == -250
    with pytest.raises(KeyError):
        image.put_threshold("level3_cell_over_set_mv", 3650)


def test_names_of_shipped_maps_are_understood_and_all_are_used() -> None:
    items: list[Item] = [item for name in map_names() for item in load(name).in_poll("request")]
    places = [split(item.name) for item in items]
    assert None not in places
    assert {place[1] for place in places if place} == {name for name, _ in QUANTITIES}
