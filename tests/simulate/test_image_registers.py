"""Every shipped map served by a simulated rack: read by the gateway's own decoder where it can."""

from __future__ import annotations

import numpy as np
import pytest

from host_tools.errors import UserError
from host_tools.maps.image import RegisterImage
from host_tools.maps.layout import most_cells
from host_tools.maps.register_map import map_names
from host_tools.simulate import registers as meaning
from host_tools.simulate.bms_thresholds import thresholds
from host_tools.simulate.image_registers import ImageRegisters, shipped
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.registers import RefusedError
from host_tools.simulate.simulated_site import GENERIC

CELLS, TEMPS = 208, 104


class Product:
    slug = "small"
    racks = 1
    cells_per_rack = CELLS
    temps_per_rack = TEMPS
    cell_ah = 314.0
    cell_resistance_mohm = 0.25
    charge_current_a = 157.0
    discharge_current_a = 157.0


def rack_with(registers: ImageRegisters) -> RackUnit:
    rack = RackUnit(
        "rack01",
        Product(),
        registers=registers,
        rng=np.random.default_rng(3),
        now_ms=0,
        on_contactor=lambda closed: None,
    )
    rack.set_relay(True)
    rack.tick(100, 0.5)
    rack.tick(200, 0.5)
    return rack


def stretches(name: str, position: int = 0) -> list[tuple[int, int, int]]:
    image = RegisterImage(shipped(name), CELLS, TEMPS, position)
    return [(function, address, count) for function, address, count, _ in image.layout()]


@pytest.mark.parametrize("name", map_names())
def test_every_register_of_a_map_is_what_its_image_encodes(name: str) -> None:
    """Encoding only what is asked, and arrays as a whole, must not differ from all at once."""
    registers = ImageRegisters(shipped(name), CELLS, TEMPS)
    rack = rack_with(registers)
    wanted = RegisterImage(shipped(name), CELLS, TEMPS)
    for threshold, value in thresholds(wanted.map.threshold_names, CELLS, 0, 0).items():
        wanted.put_threshold(threshold, value)
    wanted.put(rack.values)
    cells_mv, temps_dc = rack.served
    wanted.put_array("cells_mv", cells_mv.tolist())
    wanted.put_array("temps_dc", temps_dc.tolist())
    for function, address, count in stretches(name):
        for first in range(address, address + count, 100):
            size = min(100, address + count - first)
            assert registers.read(function, first, size) == wanted.read(function, first, size)


@pytest.mark.parametrize("name", map_names())
def test_what_does_not_exist_is_refused(name: str) -> None:
    registers = ImageRegisters(shipped(name), CELLS, TEMPS)
    image = RegisterImage(shipped(name), CELLS, TEMPS)
    function, address, count = stretches(name)[0]
    while (function, address + count) in image.registers:  # a stretch that may be written
        count += 1
    with pytest.raises(RefusedError, match="exception 2"):
        registers.read(function, address + count, 1)
    with pytest.raises(RefusedError, match="exception 2"):
        registers.read(function, address, count + 1)
    with pytest.raises(RefusedError, match="exception 1"):
        registers.read(99, address, 1)
    with pytest.raises(RefusedError, match="exception 1"):
        registers.write(99, address, [1])


@pytest.mark.parametrize("name", [n for n in map_names() if shipped(n).command("open_contactor")])
def test_the_contactor_opens_as_the_map_says(name: str) -> None:
    source = shipped(name)
    command = source.command("open_contactor")
    assert command is not None
    rack = rack_with(ImageRegisters(source, CELLS, TEMPS))
    assert rack.contactor_closed
    target = source.write(command.to)
    commands = rack.write(target.write_functions[0], target.address, list(command.values))
    assert commands[meaning.CONTACTOR] == 0
    assert not rack.contactor_closed
    rack.restart(300, 0, 0)
    rack.tick(400, 0.5)
    assert rack.contactor_closed


def test_a_read_is_known_by_what_it_is_about() -> None:
    registers = ImageRegisters(shipped(GENERIC), CELLS, TEMPS)
    assert registers.subjects(3, 0, 25) == [(meaning.SUMMARY, 0, 25)]
    assert registers.subjects(3, 0, 2) == []
    assert registers.subjects(3, 0x1000 + 104, 104) == [(meaning.CELLS, 104, 104)]
    assert registers.subjects(3, 0x2000, 100) == [(meaning.TEMPS, 0, 100)]
    assert registers.subjects(3, 0x0200, 4) == []


def test_only_a_map_that_rounds_nothing_can_be_compared_with() -> None:
    assert ImageRegisters(shipped(GENERIC), CELLS, TEMPS).exact
    assert not ImageRegisters(shipped("soltaro-single-c"), CELLS, TEMPS).exact


def test_racks_behind_one_unit_have_their_own_registers() -> None:
    name = next(n for n in map_names() if shipped(n).number("stride"))
    source = shipped(name)
    first, third = (ImageRegisters(source, CELLS, TEMPS, position) for position in (0, 2))
    moved = 2 * source.number("stride")
    (mark,) = (item for item in source.items if item.name == "rack_current_da")
    assert first.owns(3, mark.address) and not first.owns(3, mark.address + moved)
    assert third.owns(3, mark.address + moved)
    assert third.subjects(3, mark.address + moved, 2) == [(meaning.SUMMARY, 0, 2)]
    assert third.subjects(3, mark.address, 2) == []


def test_a_map_without_room_for_the_rack() -> None:
    name = next(n for n in map_names() if most_cells(shipped(n)) < 416)
    with pytest.raises(UserError, match=f"map {name}: 416 cells, has room for"):
        ImageRegisters(shipped(name), 416, 208)
    with pytest.raises(UserError, match=f"map {GENERIC}: position 1 is outside 0..0"):
        ImageRegisters(shipped(GENERIC), CELLS, TEMPS, 1)


def test_names_as_files_and_configurations_have_them() -> None:
    assert shipped("generic_416s").name == shipped("generic-416s").name == GENERIC
    with pytest.raises(UserError, match="no register map 'nothing'; there are: .*generic-416s"):
        shipped("nothing")
