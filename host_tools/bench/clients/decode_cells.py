"""Registers of one rack's cells into its data block, with the extremes and where they are.

    decode_cells.py CELLS REPEATS

Reports microseconds per cell: as the gateway does it on this interpreter, with the machine code
turned off, and as umodbus does it (a tuple of numbers; highest, lowest and their places by its
methods).
"""

from __future__ import annotations

import sys
from array import array

from umodbus import functions

from gateway.rack import fields_array
from gateway.rack.data import RackData
from gateway.rack.maps import generic_416s
from gateway.rack.register_map import RegisterMap
from host_tools.bench.clients.measure import micros, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DATA_AT = 9
_LOWEST_MV = 3270


def mv(cell: int) -> int:
    """Test value of a cell: 23 different ones, the highest at 22, the lowest at 0."""
    return _LOWEST_MV + cell % 23


def answers(register_map: RegisterMap) -> list[bytearray]:
    """An answer per block of cells."""
    found = []
    cell = 0
    for block in register_map.cells:
        answer = bytearray(_DATA_AT + 2 * block.count)
        for index in range(block.count):
            at = _DATA_AT + 2 * index
            answer[at] = mv(cell) >> 8
            answer[at + 1] = mv(cell) & 0xFF
            cell += 1
        found.append(answer)
    return found


def per_cell_us(run: Callable[[], None], repeats: int, cells: int) -> float:
    """Microseconds of `run` per cell."""
    run()
    start = micros()
    for _ in range(repeats):
        run()
    return (micros() - start) / repeats / cells


def main(cells: int, repeats: int) -> None:
    """Measure and report."""
    register_map = RegisterMap(generic_416s, cells, cells // 2)
    data = RackData(0, "rack", cells, cells // 2, 1000, 0)
    found = array("H", [0] * 4)
    work = list(zip(register_map.cells, answers(register_map)))  # noqa: B905 - MicroPython

    def gateway() -> None:
        for block, answer in work:
            register_map.decode_array(data, block, answer, _DATA_AT)
        fields_array.extremes(data.cells_mv, found, False)

    def umodbus() -> None:
        values: list[int] = []
        for _, answer in work:
            values.extend(functions.to_short(answer[_DATA_AT:], False))
        highest, lowest = max(values), min(values)
        found[0], found[1] = highest, values.index(highest)
        found[2], found[3] = lowest, values.index(lowest)

    result = {}
    machine_code = fields_array._MACHINE_CODE
    for name, run, enabled in (
        ("used", gateway, machine_code),
        ("bytecode", gateway, False),
        ("umodbus", umodbus, machine_code),
    ):
        fields_array._MACHINE_CODE = enabled
        found[0] = 0
        result[name] = per_cell_us(run, repeats, cells)
        if list(found) != [mv(22), 22, mv(0), 0]:
            sys.exit(f"{name}: wrong extremes {list(found)}")
        if data.cells_mv[cells - 1] != mv(cells - 1):
            sys.exit(f"{name}: wrong last cell")
    report({"us_per_cell": result, "machine_code": machine_code})


main(int(sys.argv[1]), int(sys.argv[2]))
