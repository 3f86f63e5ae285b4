"""The registers of a device that speaks a given map, for the simulator: decoding, backwards.

Engineering values go in by the names of the summary fields, raw registers come out; writes of a
master go in, what they mean comes out. Nothing here knows a vendor either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from host_tools.maps import layout
from host_tools.maps.generate import alarm_bits, limit_range
from host_tools.maps.model import Command, EnumValue, Item, RegisterMap
from host_tools.maps.register_map import load
from host_tools.maps.vocabulary import ARRAYS

Effect = tuple[str, int]
Place = tuple[int, int]  # (function that reads it, address)
NO_LIMIT = 0xFFFF
REQUESTS = {
    "charge_limit": "charge_limit_request_da",
    "discharge_limit": "discharge_limit_request_da",
}
# Functions that reach a register: what reads it, and what then writes it.
WRITES_OF = {3: (6, 16), 1: (5, 15)}


class RegisterImage:
    """All registers of one rack. `position` is its place behind a unit that serves several.

    `registers` maps (reading function, address) to the raw value, high byte first; an address that
    is not there does not exist in this device. `without` names optional sets of registers that
    it lacks.
    """

    def __init__(
        self,
        source: str | RegisterMap,
        cells: int,
        temps: int,
        position: int = 0,
        without: Iterable[str] = (),
    ) -> None:
        """Empty but for identity and defaults; UserError when there is no such map."""
        self.map = load(source) if isinstance(source, str) else source
        self.cells = cells
        self.temps = temps
        self._shift = position * self.map.number("stride")
        self._without = set(without)
        self._words = [0xFFFF, 0]  # of the last write of each limit
        self.registers: dict[Place, int] = {}
        self._written: dict[int, Item] = {}
        self._effects = self._effect_names()
        self._build()

    def layout(self) -> list[tuple[int, int, int, bool]]:
        """(reading function, address, count, writable) of every stretch that exists, in order."""
        found: list[tuple[int, int, int, bool]] = []
        for function, address in sorted(self.registers):
            writable = address in self._written and self._written[address].function == function
            last = found[-1] if found else (0, 0, 0, False)
            if last[0] == function and last[1] + last[2] == address and last[3] == writable:
                found[-1] = (function, last[1], last[2] + 1, writable)
            else:
                found.append((function, address, 1, writable))
        return found

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """Raw values of these registers or coils; None when one does not exist (exception 2)."""
        try:
            words = [self.registers[function, each] for each in range(address, address + count)]
        except KeyError:
            return None
        if self.map.low_byte_first and function in (3, 4):
            return [(word & 0xFF) << 8 | word >> 8 for word in words]
        return words

    def put(self, values: Mapping[str, int]) -> None:
        """Publish engineering values of summary fields; names the map lacks are left out."""
        for item in self.map.items:
            if not self._exists(item):
                continue
            if item.is_alarm:
                self._put_alarms(item, values)
            elif item.name in values and item.poll == "summary":
                self._store(item, self._raw(item, values[item.name]))

    def put_detail(self, name: str, value: int) -> None:
        """Publish a value of another poll class by its name in the map; KeyError without it."""
        item = self.map.item(name)
        self._store(item, self._raw(item, value))

    def put_threshold(self, name: str, value: int) -> int:
        """Set one of the device's own limits; what it took, cut to the map's range and rounded.

        KeyError when the map has no such value.
        """
        item = self.map.item(name)
        if item.low is not None and item.high is not None:
            value = min(max(value, item.low), item.high)
        raw = self._raw(item, value)
        self._store(item, raw)
        return round(raw * item.factor + item.addend)

    def put_array(self, name: str, values: Iterable[int]) -> None:
        """Publish "cells_mv" or "temps_dc"; values beyond the type are cut to it."""
        listed = list(values)
        row = {"cells_mv": "cell_mv", "temps_dc": "temp_dc"}[name]
        for item in self.map.arrays:
            if item.name != row:
                continue
            per = item.per or max(1, len(listed))
            for index, value in enumerate(listed[item.first :: item.every]):
                moved = index // per * item.module_step + index % per * item.step
                self._store(item, self._raw(item, value), moved)

    def take_write(self, function: int, address: int, values: list[int]) -> list[Effect] | None:
        """What a write means, as (name, engineering value); None when refused (exception 3).

        Nothing changes when one of the values is refused.
        """
        targets = []
        for offset, raw in enumerate(values):
            item = self._written.get(address + offset)
            if item is None or function not in item.write_functions or not _allowed(item, raw):
                return None
            targets.append((item, address + offset, raw))
        effects = []
        for item, place, raw in targets:
            if item.name not in {each.name for each in self.map.items} and not self._is_read(item):
                self.registers[item.function, place] = raw
            effects.append(self._effect(item, raw))
        return effects

    def _build(self) -> None:
        for item in self.map.items:
            if self._exists(item):
                self._store(item, self._initial(item))
        for hole in self.map.holes:
            for address in range(hole.address, hole.address + hole.count):
                self.registers.setdefault((hole.function, address + self._shift), 0)
        for item in self.map.arrays:
            elements = self.temps if ARRAYS[item.name] else self.cells
            for address in layout.array_registers(item, elements):
                self.registers.setdefault((item.function, address + self._shift), 0)
            if item.join:
                self._fill_between(item, elements)
        for item in self.map.writes:
            place = self._place(item, item.address)
            self._written[place[1]] = item
            self.registers.setdefault(place, item.default)

    def _fill_between(self, item: Item, elements: int) -> None:
        addresses = layout.array_registers(item, elements)
        for address in range(min(addresses), max(addresses)):
            self.registers.setdefault((item.function, address + self._shift), 0)

    def _initial(self, item: Item) -> int:
        if item.expect and not item.default:
            wanted = item.expect[0]
            if isinstance(wanted, str):
                wanted = (self.cells, 0) if wanted == "cells" else (self.temps, 0)
            return self._raw(item, wanted[0])
        if item.is_alarm:
            return sum(1 << bit.number for bit in item.bit_names if bit.inverted)
        return item.default

    def _exists(self, item: Item) -> bool:
        return item.optional not in self._without or not item.optional

    def _is_read(self, written: Item) -> bool:
        return any(
            written.address in item.registers and item.fixed == written.fixed
            for item in self.map.items
        )

    def _place(self, item: Item, address: int) -> Place:
        return item.function, address + (0 if item.fixed else self._shift)

    def _store(self, item: Item, raw: int, moved: int = 0) -> None:
        """Put `raw` on the registers of `item`, leaving the bits of others alone."""
        size = 16 * item.words
        low, width = item.bits or (0, size)
        mask = (1 << width) - 1 << low
        order = item.registers if not item.high_first or item.length else reversed(item.registers)
        for index, address in enumerate(order):
            place = self._place(item, address + moved)
            part = mask >> 16 * index & 0xFFFF
            word = raw << low >> 16 * index & part
            before = self.registers.get(place, 0)
            if item.length:
                self.registers.setdefault(place, 0)
            else:
                self.registers[place] = before & ~part | word

    def _raw(self, item: Item, value: int) -> int:
        """The raw number that decodes to `value`, or the nearest the register can hold."""
        if item.unit == "enum":
            return _raw_enum(item, value)
        if item.kind == "digits":
            return int(str(value), 16)
        if item.module:
            return self._raw_index(item, value)
        factor = item.factor
        if item.scale_by:
            factor *= Fraction(10) ** self.map.item(item.scale_by).default
        raw = round((value - item.addend) / factor)
        low, high = item.raw_range
        return min(max(raw, low), high)

    def _raw_index(self, item: Item, value: int) -> int:
        """Both parts of a packed index, as they stand in the register above the lower one."""
        assert item.module is not None
        shift, _, base, size = item.module
        module, inside = divmod(value, size)
        place = self._place(item, item.address)
        self.registers[place] = module + base << shift
        return inside + item.base

    def _put_alarms(self, item: Item, values: Mapping[str, int]) -> None:
        raw = 0
        for bit in item.bit_names:
            on = False
            if bit in alarm_bits(item):
                on = bool(values.get(bit.slot_name, 0) >> bit.target & 1)
            raw |= int(on != bit.inverted) << bit.number
        used = sum(1 << bit.number for bit in item.bit_names)
        for index, address in enumerate(
            reversed(item.registers) if item.high_first else item.registers
        ):
            place = self._place(item, address)
            part = used >> 16 * index & 0xFFFF
            self.registers[place] = self.registers[place] & ~part | raw >> 16 * index & part

    def _effect_names(self) -> dict[str, tuple[str, Command | None]]:
        names: dict[str, tuple[str, Command | None]] = {}
        for command in self.map.commands:
            if command.name == "heartbeat":
                names[command.to] = ("heartbeat", command)
            elif command.name in REQUESTS:
                names[command.to] = (REQUESTS[command.name], command)
        return names

    def _effect(self, item: Item, raw: int) -> Effect:
        name, command = self._effects.get(item.name, (item.name, None))
        if command is not None and name != "heartbeat":
            if raw == int(command.options["no_limit"], 0):
                return name, NO_LIMIT
            low, _ = limit_range(command, self.map.write(command.to))
            signed = raw - 0x10000 if low < 0 and raw >= 0x8000 else raw
            return name, round(signed * item.factor + item.addend)
        for value in item.enum:
            if value.raw == raw and value.means:
                return name, item.meaning(value.means)
        return name, raw


def _raw_enum(item: Item, value: int) -> int:
    """A raw number that means `value`; when the map has none, one that means the least."""

    def distance(each: EnumValue) -> tuple[bool, int]:
        number = item.meaning(each.means) if each.means else each.raw
        return number != value, number

    return min(item.enum, key=distance).raw


def _allowed(item: Item, raw: int) -> bool:
    if item.enum:
        return any(each.raw == raw for each in item.enum)
    low, high = item.raw_range if item.low is None or item.high is None else (item.low, item.high)
    signed = raw - 0x10000 if low < 0 and raw >= 0x8000 else raw
    return low <= signed <= high
