"""The registers of any shipped map, through the image that encodes what the map decodes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from host_tools.errors import UserError
from host_tools.maps import layout
from host_tools.maps.image import RegisterImage
from host_tools.maps.model import Item, RegisterMap
from host_tools.maps.register_map import load, map_names
from host_tools.simulate import registers as meaning
from host_tools.simulate.access_log import SERVED
from host_tools.simulate.bms_thresholds import thresholds
from host_tools.simulate.cell_model import Integers
from host_tools.simulate.registers import RefusedError

# What the image calls the effects of writes, and what the rack calls them.
_EFFECTS = {
    "contactor_command": meaning.CONTACTOR,
    "heartbeat": meaning.HEARTBEAT,
    "charge_limit_request_da": meaning.CHARGE_LIMIT,
    "discharge_limit_request_da": meaning.DISCHARGE_LIMIT,
}
_ARRAYS = {"cell_mv": ("cells_mv", meaning.CELLS), "temp_dc": ("temps_dc", meaning.TEMPS)}
_WRITES = {3: (6, 16), 1: (5, 15)}  # functions that write what is read with the former
_PLAIN = ("u16", "s16")
_MARK = "rack_current_da"  # every map has it: who reads it reads a summary


class _Row:
    """One array row of a map: its places, and the arithmetic of all its elements at once."""

    def __init__(self, item: Item, elements: int, shift: int, low_byte_first: bool) -> None:
        self.item = item
        self.target, self.subject = _ARRAYS[item.name]
        indices = range(item.first, elements, item.every)
        per = item.per or max(1, len(indices))
        self.index_of = {
            (
                item.function,
                item.address
                + shift
                + number // per * item.module_step
                + number % per * item.step
                + word,
            ): index
            for number, index in enumerate(indices)
            for word in range(item.words)
        }
        self.plain = (
            item.kind in _PLAIN and item.bits is None and not item.join and not low_byte_first
        )
        self._picked = np.array(indices, int)
        self._factor, self._addend = float(item.factor), float(item.addend)

    def raw(self, values: Integers) -> dict[tuple[int, int], int]:
        """Registers by place; only of a plain row."""
        low, high = self.item.raw_range
        exact = (values[self._picked] - self._addend) / self._factor
        raw = np.clip(np.rint(exact), low, high).astype(np.int64) & 0xFFFF
        return dict(zip(self.index_of, raw.tolist(), strict=True))


class ImageRegisters:
    """Encodes when it is asked: most of what a rack publishes nobody ever reads."""

    def __init__(
        self,
        source: RegisterMap,
        cells: int,
        temps: int,
        position: int = 0,
        rated_da: tuple[int, int] = (0, 0),
    ) -> None:
        """`position` is the rack's number behind a unit that serves several.

        `rated_da`: charging and discharging current that the limits set in the BMS refer to.
        Raises UserError when the map has no place for so many cells, or for that position.
        """
        if cells > layout.most_cells(source):
            raise UserError(
                f"map {source.name}: {cells} cells, has room for {layout.most_cells(source)}"
            )
        if not 0 <= position < source.number("positions"):
            raise UserError(
                f"map {source.name}: position {position} is outside"
                f" 0..{source.number('positions') - 1}"
            )
        self._source = source
        self._sizes = cells, temps
        self._position = position
        shift = position * source.number("stride")
        self._rows = [
            _Row(item, temps if item.name == "temp_dc" else cells, shift, source.low_byte_first)
            for item in source.arrays
        ]
        self._marks = {
            (item.function, item.address + (0 if item.fixed else shift))
            for item in source.items
            if item.name == _MARK
        }
        self.exact = _is_exact(source)
        self._thresholds = thresholds(source.threshold_names, cells, *rated_da)
        self._published: tuple[Mapping[str, int], Integers, Integers] | None = None
        self._stale: set[str] = set()
        self.restart()

    def publish(self, values: Mapping[str, int], cells_mv: Integers, temps_dc: Integers) -> None:
        """Take over a summary, every cell and every sensor."""
        self._published = values, cells_mv, temps_dc
        self._stale = {meaning.SUMMARY, meaning.CELLS, meaning.TEMPS}

    def restart(self) -> None:
        """Commands go back to their values at power-on."""
        self._image = RegisterImage(self._source, *self._sizes, self._position)
        for name, value in self._thresholds.items():
            self._image.put_threshold(name, value)
        stretches = self._image.layout()
        self._functions = {function for function, _, _, _ in stretches}
        self._writable = {
            (write, each)
            for function, address, count, writable in stretches
            if writable
            for each in range(address, address + count)
            for write in _WRITES.get(function, ())
        }
        self._stale = {meaning.SUMMARY, meaning.CELLS, meaning.TEMPS}

    def set_threshold(self, name: str, value: int) -> int:
        """Set one of the BMS' own limits, over restarts; what it took. KeyError: there is none."""
        self._thresholds[name] = self._image.put_threshold(name, value)
        return self._thresholds[name]

    def owns(self, function: int, address: int) -> bool:
        """Whether the register at `address` is this rack's."""
        reading = next((read for read, writes in _WRITES.items() if function in writes), function)
        return (reading, address) in self._image.registers

    def read(self, function: int, address: int, count: int) -> list[int]:
        """Registers, or bits as 0 and 1; RefusedError."""
        if function not in self._functions:
            raise RefusedError(meaning.ILLEGAL_FUNCTION)
        self._encode(function, address, count)
        found = self._image.read(function, address, count)
        if found is None:
            raise RefusedError(meaning.ILLEGAL_ADDRESS)
        return found

    def write(self, function: int, address: int, values: list[int]) -> dict[str, int]:
        """Take commands; RefusedError changes nothing."""
        if all(function not in writes for writes in _WRITES.values()):
            raise RefusedError(meaning.ILLEGAL_FUNCTION)
        if any(
            (function, address + offset) not in self._writable for offset in range(len(values))
        ):
            raise RefusedError(meaning.ILLEGAL_ADDRESS)
        effects = self._image.take_write(function, address, values)
        if effects is None:
            raise RefusedError(meaning.ILLEGAL_VALUE)
        return {_EFFECTS.get(name, name): value for name, value in effects}

    def subjects(self, function: int, address: int, count: int) -> list[tuple[str, int, int]]:
        """What a read is about; a summary counts when its current is read."""
        span = range(address, address + count)
        found = []
        if any(place == (function, each) for place in self._marks for each in span):
            found.append((meaning.SUMMARY, 0, count))
        for row in self._rows:
            indices = sorted({row.index_of.get((function, each), -1) for each in span} - {-1})
            found += [(row.subject, first, size) for first, size in _runs(indices)]
        return found

    def _encode(self, function: int, address: int, count: int) -> None:
        """Bring what is read up to date."""
        if self._published is None:
            return
        values, cells_mv, temps_dc = self._published
        subjects = {subject for subject, _, _ in self.subjects(function, address, count)}
        for row in self._rows:
            if row.subject in subjects and row.subject in self._stale:
                array = cells_mv if row.subject == meaning.CELLS else temps_dc
                if row.plain:
                    self._image.registers |= row.raw(array)
                else:
                    self._image.put_array(row.target, array.tolist())
        self._stale -= subjects & {meaning.CELLS, meaning.TEMPS}
        if meaning.SUMMARY in self._stale and not subjects & {meaning.CELLS, meaning.TEMPS}:
            self._image.put(values)
            self._stale.discard(meaning.SUMMARY)


@cache
def shipped(name: str) -> RegisterMap:
    """A map by its file's name, or by the name that a configuration uses for it; UserError."""
    for known in map_names():
        if name in (known, known.replace("-", "_").replace(".", "_")):
            return load(known)
    raise UserError(f"no register map {name!r}; there are: {', '.join(map_names())}")


def _is_exact(source: RegisterMap) -> bool:
    """Whether every reading of SERVED comes over unchanged, in one read with the others."""
    found = [item for item in source.items if item.name in SERVED and item.poll == "summary"]
    if len(found) != len(SERVED):
        return False
    addresses = [item.address for item in found]
    near = max(addresses) - min(addresses) < source.number("max_block")
    return near and all(
        item.factor == 1 and item.addend == 0 and item.module is None for item in found
    )


def _runs(indices: list[int]) -> list[tuple[int, int]]:
    """(first, count) of each stretch of numbers in a row."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and sum(runs[-1]) == index:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((index, 1))
    return runs
