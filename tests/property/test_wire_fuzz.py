"""Whatever comes in: the decoder and the configuration keep their promises."""

from __future__ import annotations

import json
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import config
from gateway.errors import ConfigError
from gateway.rack.data import (
    ABSENT,
    ALARM_TRIP_BITS,
    CELL_MAX_INDEX,
    CELL_MAX_MV,
    CELL_MIN_INDEX,
    CELL_MIN_MV,
    CONTACTOR_STATE,
    STATE,
    SUMMARY_FIELDS,
    TEMP_MAX_DC,
    TEMP_MAX_INDEX,
    TEMP_MIN_DC,
    TEMP_MIN_INDEX,
    VITAL,
    RackData,
)
from gateway.rack.maps import generic_416s
from gateway.rack.register_map import RegisterMap

ALARM_WARN_BITS = SUMMARY_FIELDS.index("alarm_warn_bits")
SIGNED = ("rack_current_da", "temp_max_dc", "temp_min_dc", "temp_mean_dc")


@settings(max_examples=500, deadline=None)
@given(registers=st.lists(st.integers(0, 0xFFFF), min_size=25, max_size=25))
def test_summary_is_taken_whole_and_plausible_or_not_at_all(registers: list[int]) -> None:
    register_map = RegisterMap(generic_416s, 416, 208)
    registers[23:25] = [416, 208]
    data = RackData(0, "rack", 416, 208, 1100, 0)
    answer = bytearray(struct.pack(">25H", *registers))
    register_map.stage(data, register_map.summary[0], answer, 0)
    taken = register_map.commit(data, 10)
    expected = [
        value - 0x10000 if name in SIGNED and value >= 0x8000 else value
        for name, value in zip(SUMMARY_FIELDS, registers, strict=True)
    ]
    expected[STATE] = min(expected[STATE], 4)
    expected[CONTACTOR_STATE] = min(expected[CONTACTOR_STATE], 3)
    for slot in range(ALARM_WARN_BITS, ALARM_TRIP_BITS + 1):
        expected[slot] &= 0x1FF  # nine alarms are defined
    ranges = {slot: (low, high) for slot, low, high, _ in generic_416s.RULES}
    ranges |= dict.fromkeys((CELL_MAX_INDEX, CELL_MIN_INDEX), (0, 415))
    ranges |= dict.fromkeys((TEMP_MAX_INDEX, TEMP_MIN_INDEX), (0, 207))
    good = [ranges[slot][0] <= value <= ranges[slot][1] for slot, value in enumerate(expected)]
    plausible = (
        all(good[slot] for slot in VITAL)
        and expected[CELL_MAX_MV] >= expected[CELL_MIN_MV]
        and expected[TEMP_MAX_DC] >= expected[TEMP_MIN_DC]
    )
    assert taken == plausible
    if taken:
        wanted = [value if good[slot] else ABSENT for slot, value in enumerate(expected)]
        assert list(data.summary) == wanted
    else:
        assert set(data.summary) == {ABSENT}
    assert data.sequence == int(plausible)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
KEYS = ("schema", "site", "racks", "limits", "poll", "uplink", "cells_per_rack", "gateway")


@settings(max_examples=300, deadline=None)
@given(tree=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JSON, max_size=8))
def test_no_tree_but_a_configuration_is_accepted(tree: dict[str, object]) -> None:
    try:
        config.load(json.dumps(tree))
    except ConfigError as error:
        assert str(error)
        return
    raise AssertionError("accepted")
