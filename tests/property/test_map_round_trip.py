"""What the image of a device publishes, the firmware reads back: every map, any values."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rack.data import ABSENT, SUMMARY_FIELDS, VITAL, RackData
from gateway.rack.fields_array import CELL_ABSENT, TEMP_ABSENT
from gateway.rack.register_map import RegisterMap
from host_tools.maps.image import RegisterImage
from host_tools.maps.model import Item
from host_tools.maps.register_map import load, map_names
from host_tools.maps.vocabulary import ALARMS, MEANINGS

CELLS, TEMPS = 208, 8
LOADED = {name: load(name) for name in map_names()}
TABLES = {
    name: importlib.import_module(f"gateway.rack.maps.{loaded.module_name}")
    for name, loaded in LOADED.items()
}
SPREAD = {
    "heartbeat": (0, 0xFFFF), "state": (0, 4), "contactor_state": (0, 3),
    "alarm_warn_bits": (0, 0xFFFF), "alarm_stop_bits": (0, 0xFFFF),
    "alarm_trip_bits": (0, 0xFFFF),
    "rack_voltage_dv": (1000, 15000), "rack_current_da": (-6000, 6000), "soc_pm": (0, 1000),
    "soh_pm": (0, 1000), "cell_max_mv": (3300, 4500), "cell_max_index": (0, CELLS - 1),
    "cell_min_mv": (1000, 3300), "cell_min_index": (0, CELLS - 1), "cell_mean_mv": (1000, 4000),
    "temp_max_dc": (200, 850), "temp_max_index": (0, TEMPS - 1), "temp_min_dc": (-400, 200),
    "temp_min_index": (0, TEMPS - 1), "temp_mean_dc": (-400, 850),
    "charge_limit_da": (0, 6000), "discharge_limit_da": (0, 6000), "insulation_kohm": (0, 60000),
    "cell_count": (CELLS, CELLS), "temp_count": (TEMPS, TEMPS),
}  # fmt: skip
VALUES = st.fixed_dictionaries({name: st.integers(*ends) for name, ends in SPREAD.items()})


def answer(image: RegisterImage, function: int, address: int, count: int) -> bytearray:
    words = image.read(function, address, count)
    assert words is not None, f"no registers at 0x{address:04X} + {count}"
    return bytearray(9) + b"".join(word.to_bytes(2, "big") for word in words)


def read_summary(loaded: RegisterMap, image: RegisterImage, data: RackData, shift: int) -> bool:
    for block in loaded.summary:
        address = block.address + (0 if block.fixed else shift)
        frame = answer(image, block.function, address, block.count)
        loaded.stage(data, block, frame, 9)
    return loaded.commit(data, 100)


def resolution(image: RegisterImage, item: Item) -> float:
    """Gateway units per raw step."""
    factor = abs(item.factor)
    if item.scale_by:
        factor *= 10.0 ** image.map.item(item.scale_by).default
    return float(factor)


def expected_alarms(name: str, field: str, value: int) -> int | None:
    """Bits that the map can say at all; None when it has none for this severity."""
    known = {
        bit.alarm
        for item in LOADED[name].items
        for bit in item.bit_names
        if item.is_alarm and bit.severity and bit.slot_name == field
    }
    if not known:
        return None
    return sum(1 << bit for bit, alarm in enumerate(ALARMS) if alarm in known and value >> bit & 1)


def check(name: str, image: RegisterImage, values: dict[str, int], found: dict[str, int]) -> None:
    source = LOADED[name]
    items = {item.name: item for item in source.in_poll("summary") if not item.is_alarm}
    for field in SUMMARY_FIELDS:
        if field.startswith("alarm_"):
            wanted = expected_alarms(name, field, values[field])
            assert found[field] == (ABSENT if wanted is None else wanted), field
        elif field in items and field in MEANINGS:
            known = {item.meaning(each.means) for item in [items[field]] for each in item.enum}
            assert found[field] == values[field] or values[field] not in known, field
        elif field in items:
            assert abs(found[field] - values[field]) <= resolution(image, items[field]) / 2, field
        elif field == "cell_mean_mv":
            assert abs(found[field] - 100 * found["rack_voltage_dv"] / CELLS) <= 0.5
        elif field not in ("cell_count", "temp_count"):
            assert found[field] == ABSENT, field
    assert (found["cell_count"], found["temp_count"]) == (CELLS, TEMPS)


@pytest.mark.parametrize("name", map_names())
@settings(max_examples=60, deadline=None)
@given(values=VALUES, position=st.integers(0, 31), hole_registers=st.sampled_from((0, 20, 125)))
def test_summary_comes_back_within_the_resolution(
    name: str, values: dict[str, int], position: int, hole_registers: int
) -> None:
    position %= LOADED[name].number("positions")
    loaded = RegisterMap(TABLES[name], CELLS, TEMPS, hole_registers)
    image = RegisterImage(LOADED[name], CELLS, TEMPS, position)
    image.put(values)
    data = RackData(0, "rack", CELLS, TEMPS, 1000, 0)
    assert read_summary(loaded, image, data, position * loaded.stride)
    check(name, image, values, dict(zip(SUMMARY_FIELDS, data.summary, strict=True)))


@pytest.mark.parametrize("name", map_names())
@settings(max_examples=30, deadline=None)
@given(
    cells=st.lists(st.integers(1, 60000), min_size=CELLS, max_size=CELLS),
    temps=st.lists(st.integers(-3000, 3000), min_size=TEMPS, max_size=TEMPS),
    hole_registers=st.sampled_from((0, 125)),
)
def test_every_cell_and_sensor_comes_back(
    name: str, cells: list[int], temps: list[int], hole_registers: int
) -> None:
    loaded = RegisterMap(TABLES[name], CELLS, TEMPS, hole_registers)
    image = RegisterImage(LOADED[name], CELLS, TEMPS)
    image.put_array("cells_mv", cells)
    image.put_array("temps_dc", temps)
    data = RackData(0, "rack", CELLS, TEMPS, 1000, 0)
    for block in loaded.once:
        frame = answer(image, block.function, block.address, block.count)
        assert loaded.identity_problem(data, block, frame, 9) == ""
    for block in loaded.cells + loaded.temps:
        frame = answer(image, block.function, block.address, block.count)
        loaded.decode_array(data, block, frame, 9)
    supplied = {item.name for item in LOADED[name].arrays}
    assert list(data.cells_mv) == (cells if "cell_mv" in supplied else [CELL_ABSENT] * CELLS)
    assert list(data.temps_dc) == (temps if "temp_dc" in supplied else [TEMP_ABSENT] * TEMPS)


@pytest.mark.parametrize("name", map_names())
@settings(max_examples=100, deadline=None)
@given(words=st.data())
def test_any_registers_are_taken_whole_and_plausible_or_not_at_all(
    name: str, words: st.DataObject
) -> None:
    loaded = RegisterMap(TABLES[name], CELLS, TEMPS, 125)
    data = RackData(0, "rack", CELLS, TEMPS, 1000, 0)
    image = RegisterImage(LOADED[name], CELLS, TEMPS)
    image.put({field: ends[1] for field, ends in SPREAD.items()} | {"contactor_state": 1})
    places = [place for place in image.registers if place[1] < 0xFFFF]
    for place in words.draw(st.lists(st.sampled_from(sorted(places)), max_size=6)):
        image.registers[place] = words.draw(st.integers(0, 0xFFFF))
    taken = read_summary(loaded, image, data, 0)
    assert data.sequence == int(taken)
    assert data.suspect != taken
    rules = {slot: (low, high) for slot, low, high, _ in TABLES[name].RULES}
    for slot, value in enumerate(data.summary):
        if not taken:
            assert value == ABSENT
        elif value == ABSENT:
            assert slot not in VITAL
        elif slot in rules:
            assert rules[slot][0] <= value <= rules[slot][1]
