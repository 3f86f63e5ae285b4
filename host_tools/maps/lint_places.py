"""What is wrong with where the registers of a map are: overlaps, splits, the address space."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.rack.blocks import plan
from host_tools.maps import layout
from host_tools.maps.model import Item, RegisterMap
from host_tools.maps.vocabulary import POLLS, READ_LIMIT

Problem = tuple[int, str]


def _used_bits(item: Item) -> set[int]:
    if item.bits:
        return set(range(item.bits[0], item.bits[0] + item.bits[1])) | (
            set(range(item.module[0], item.module[0] + item.module[1])) if item.module else set()
        )
    if item.bit_names:
        return {bit.number for bit in item.bit_names}
    return set(range(16 * item.words))


def _overlaps(loaded: RegisterMap) -> Iterator[Problem]:
    """Two values on one register are only right when they use different bits of it."""
    for rows in (loaded.items, loaded.writes):
        at: dict[tuple[int, int, bool], list[Item]] = {}
        for item in rows:
            for address in item.registers:
                at.setdefault((item.function, address, item.fixed), []).append(item)
        for items in at.values():
            for index, item in enumerate(items):
                for other in items[:index]:
                    if item.shared or other.shared:
                        continue  # stated: the same register is read for two purposes
                    if item.address != other.address or _used_bits(item) & _used_bits(other):
                        yield item.line, f"{item.name} overlaps {other.name}"
    yield from _array_overlaps(loaded)


def _array_overlaps(loaded: RegisterMap) -> Iterator[Problem]:
    elements = layout.most_cells(loaded)
    extents = [(item, layout.array_registers(item, elements)) for item in loaded.arrays]
    for index, (item, registers) in enumerate(extents):
        for other, others in extents[:index]:
            shared = item.function == other.function and registers & others
            if shared and (
                not item.bits or not other.bits or _used_bits(item) & _used_bits(other)
            ):
                yield item.line, f"array {item.name} overlaps the one in line {other.line}"
        for value in loaded.items:
            if value.function == item.function and registers.intersection(value.registers):
                yield value.line, f"{value.name} overlaps the array {item.name}"


def _address_space(loaded: RegisterMap) -> Iterator[Problem]:
    stride, positions = loaded.number("stride"), loaded.number("positions")
    if positions < 1 or stride < 0 or (positions > 1) != (stride > 0):
        yield 1, "stride and positions: more than one position needs a stride, one needs none"
    elements = layout.most_cells(loaded)
    moving: list[int] = []
    for item in loaded.items + loaded.arrays + loaded.writes:
        registers = set(item.registers)
        if item.row == "array":
            registers = layout.array_registers(item, elements)
        if max(registers) > 0xFFFF:
            yield item.line, f"{item.name} reaches beyond address 0xFFFF"
        if not item.fixed:
            moving += registers
    if moving and max(moving) + (positions - 1) * stride > 0xFFFF:
        yield 1, f"positions x stride: rack {positions} would be beyond address 0xFFFF"
    if stride and moving and max(moving) - min(moving) >= stride:
        yield 1, "stride: the racks overlap; what is common to all needs the option fixed"


def _together(loaded: RegisterMap) -> Iterator[Problem]:
    groups: dict[str, Item] = {}
    for item in loaded.items:
        first = groups.setdefault(item.group, item)
        alike = (first.poll, first.function, first.fixed, first.optional)
        if item.group and alike != (item.poll, item.function, item.fixed, item.optional):
            yield item.line, f"group {item.group} holds items that are read apart"


def _reads(loaded: RegisterMap) -> Iterator[Problem]:
    """No poll class crosses a barrier or splits what belongs together."""
    longest = loaded.number("max_block")
    if not 1 <= longest <= READ_LIMIT:
        yield 1, f"max_block {longest} is not 1..{READ_LIMIT}"
        return
    barriers = layout.barriers(loaded)
    for poll in POLLS:
        atoms = layout.atoms(loaded, poll)
        for group, function, address, count, _ in atoms:
            line = min(item.line for item in loaded.in_poll(poll) if item.address == address)
            if function in (3, 4) and count > longest:
                yield line, f"a block of {count} registers exceeds max_block {longest}"
            if group <= 1:
                barred = [(first, end) for where, first, end in barriers if where == function]
                try:
                    plan([(address, count, count)], barred, 0, READ_LIMIT)
                except ValueError:
                    yield line, f"a barrier or a gap splits 0x{address:04X} + {count} registers"


RULES = (_overlaps, _address_space, _together, _reads)
