"""The image of a device: which registers exist, and what writes of a master mean."""

from __future__ import annotations

import pytest

from host_tools.maps.image import RegisterImage


def test_generic_rack_has_the_registers_of_its_list_and_no_others() -> None:
    image = RegisterImage("generic-416s", 416, 208)
    assert image.layout() == [
        (3, 0x0000, 25, False),
        (3, 0x0100, 4, True),
        (3, 0x0200, 4, False),
        (3, 0x1000, 416, False),
        (3, 0x2000, 208, False),
    ]
    assert image.read(3, 0x0200, 4) == [0x4716, 1, 416, 208]
    assert image.read(3, 0x0100, 4) == [1, 0, 0xFFFF, 0xFFFF]
    assert image.read(3, 0x0018, 2) is None
    assert image.read(4, 0x0000, 1) is None


def test_published_values_stand_in_the_registers() -> None:
    image = RegisterImage("generic-416s", 4, 2)
    image.put({"rack_voltage_dv": 13312, "rack_current_da": -1570, "alarm_trip_bits": 0x101})
    image.put_array("cells_mv", [3300, 3301, 3302, 3303])
    image.put_array("temps_dc", [-10, 250])
    assert image.read(3, 5, 3) == [0x101, 0x3400, 0xF9DE]
    assert image.read(3, 0x1000, 4) == [3300, 3301, 3302, 3303]
    assert image.read(3, 0x2000, 2) == [0xFFF6, 250]


def test_negative_limit_scale_and_flags_share_registers() -> None:
    image = RegisterImage("pylontech-powercube-m2", 416, 208, position=2)
    image.put(
        {
            "state": 1, "contactor_state": 1, "alarm_trip_bits": 0x8001,
            "rack_current_da": -1570, "discharge_limit_da": 1570, "soc_pm": 505,
        }
    )  # fmt: skip
    base = 0x1400 + 2 * 0x0700
    # discharge, and the bit of an error; the cell's and the short circuit's protection
    assert image.read(3, base, 2) == [0x000A, 0x0402 | 0x0000]
    assert image.read(3, base + 4, 2) == [0xFFFF, 0xC2AC]
    assert image.read(3, base + 0xD, 2) == [0xFFFF, 0xC2AC]
    assert image.read(3, base + 7, 1) == [505]
    assert image.read(3, base + 0x30, 2) is None  # +31 does not exist
    assert image.read(3, 0x1400, 1) is None  # pile 1 is another rack
    assert image.read(3, 0x1137, 1) == [416]  # common to all


def test_model_804_is_found_and_scaled() -> None:
    image = RegisterImage("sunspec-804", 416, 8)
    image.put({"rack_voltage_dv": 13312, "cell_max_mv": 3300, "contactor_state": 1})
    assert image.read(3, 40000, 4) == [0x5375, 0x6E53, 1, 66]
    assert image.read(3, 40070, 2) == [804, 174]
    assert image.read(3, 40073, 3) == [8, 0, 2]
    assert image.read(3, 40084, 2) == [13312, 3300]
    assert image.read(3, 40112, 2) == [0xFFFF, 0xFFFD]


def test_optional_registers_may_be_missing() -> None:
    assert RegisterImage("byd-c130", 216, 48).read(3, 0x210D, 2) == [0, 0]
    image = RegisterImage("byd-c130", 216, 48, without=("modules",))
    assert image.read(3, 0x210D, 2) is None
    assert image.read(3, 0x216E, 2) == [0, 0]


@pytest.mark.parametrize(
    ("name", "function", "address", "values", "effects"),
    [
        ("generic-416s", 6, 0x0100, [0], [("contactor_command", 0)]),
        ("generic-416s", 6, 0x0100, [2], None),
        ("generic-416s", 6, 0x0101, [7], [("heartbeat", 7)]),
        (
            "generic-416s", 16, 0x0102, [500, 0xFFFF],
            [("charge_limit_request_da", 500), ("discharge_limit_request_da", 0xFFFF)],
        ),
        ("generic-416s", 16, 0x0100, [0, 1, 2, 3, 4], None),
        ("generic-416s", 5, 0x0100, [0], None),
        ("soltaro-single-c", 6, 0x2010, [0], [("contactor_command", 0)]),
        ("soltaro-single-c", 6, 0x2010, [3], None),
        ("soltaro-single-c", 6, 0x20F4, [60], [("heartbeat", 60)]),
        ("soltaro-single-c", 6, 0x20F4, [0], None),
        ("soltaro-single-c", 6, 0x2100, [0], None),
        ("byd-c130", 6, 0x2010, [1], [("contactor_command", 1)]),
        ("byd-c130", 16, 0x2010, [1], None),
        ("sunspec-804", 16, 40107, [2], [("contactor_command", 0)]),
        ("sunspec-804", 16, 40107, [1], [("contactor_command", 1)]),
        ("sunspec-804", 6, 40107, [2], None),
        ("pylontech-powercube-m2", 6, 0x1090, [0xAA], [("power_command", 0xAA)]),
        ("pylontech-powercube-m2", 6, 0x1090, [0], None),
    ],
)  # fmt: skip
def test_writes_and_what_they_mean(
    name: str,
    function: int,
    address: int,
    values: list[int],
    effects: list[tuple[str, int]] | None,
) -> None:
    image = RegisterImage(name, 216, 8)
    before = dict(image.registers)
    assert image.take_write(function, address, values) == effects
    if effects is None:
        assert image.registers == before


def test_what_is_written_is_not_what_is_read_back() -> None:
    image = RegisterImage("soltaro-single-c", 416, 208)
    image.put({"contactor_state": 1})
    assert image.read(3, 0x2010, 1) == [3]
    image.take_write(6, 0x2010, [1])
    assert image.read(3, 0x2010, 1) == [3]
    generic = RegisterImage("generic-416s", 416, 208)
    generic.take_write(6, 0x0102, [500])
    assert generic.read(3, 0x0102, 1) == [500]
