"""Where the registers of a map are: what must be read together, what no read may cross."""

from __future__ import annotations

from host_tools.maps.model import Item, RegisterMap

Run = tuple[int, int, int, int, int]  # (group, function, address, count, atom)


def most_cells(loaded: RegisterMap) -> int:
    """The largest number of cells (and sensors) this map is meant for."""
    return int(loaded.meta["cells"].split("..")[-1])


def array_registers(item: Item, elements: int) -> set[int]:
    """Addresses of the elements of an array row in a rack with so many cells or sensors."""
    count = max(0, -(-(elements - item.first) // item.every))
    per = item.per or max(1, count)
    return {
        item.address + index // per * item.module_step + index % per * item.step + word
        for index in range(count)
        for word in range(item.words)
    }


def optional_groups(loaded: RegisterMap) -> list[str]:
    """Names of the sets of registers that only some devices have, in the order of the file."""
    return list(dict.fromkeys(item.optional for item in loaded.items if item.optional))


def group_of(loaded: RegisterMap, item: Item) -> int:
    """Number of the group in the firmware's tables: bit 0 = fixed, above it the optional set."""
    optional = 0
    if item.optional:
        optional = optional_groups(loaded).index(item.optional) + 1
    return optional << 1 | int(item.fixed)


def atoms(loaded: RegisterMap, poll: str) -> list[Run]:
    """Registers of a poll class (arrays aside) that must come from one read, by address."""
    spans: dict[object, tuple[int, int, int, int]] = {}
    for item in loaded.in_poll(poll):
        key = item.group or (item.function, item.address, item.name)
        first, end = item.registers.start, item.registers.stop
        if key in spans:
            first, end = min(first, spans[key][2]), max(end, spans[key][3])
        spans[key] = (group_of(loaded, item), item.function, first, end)
    merged: list[tuple[int, int, int, int]] = []
    for group, function, first, end in sorted(spans.values()):
        if merged and merged[-1][:2] == (group, function) and first < merged[-1][3]:
            merged[-1] = (*merged[-1][:3], max(end, merged[-1][3]))
        else:
            merged.append((group, function, first, end))
    return [
        (group, function, first, end - first, end - first)
        for group, function, first, end in merged
    ]


def runs(loaded: RegisterMap, poll: str) -> list[Run]:
    """`atoms` with neighbouring single registers in one run."""
    found: list[Run] = []
    for group, function, address, count, atom in atoms(loaded, poll):
        if found and atom == 1 == found[-1][4]:
            before = found[-1]
            if before[:2] == (group, function) and before[2] + before[3] == address:
                found[-1] = (*before[:3], before[3] + 1, 1)
                continue
        found.append((group, function, address, count, atom))
    return found


def readable(loaded: RegisterMap, function: int) -> set[int]:
    """Registers that every device of this map answers, arrays and optional ones aside."""
    known: set[int] = set()
    for item in loaded.items:
        if item.function == function and not item.optional:
            known.update(item.registers)
    for hole in loaded.holes:
        if hole.function == function:
            known.update(range(hole.address, hole.address + hole.count))
    return known


def barriers(loaded: RegisterMap) -> list[tuple[int, int, int]]:
    """(function, first, end) of what the map forbids and of every gap nothing is known about.

    A gap becomes a barrier of no registers at its far end: whatever crosses it must pass there.
    """
    found = {(each.function, each.address, each.address + each.count) for each in loaded.barriers}
    functions = {item.function for item in loaded.items + loaded.arrays}
    for function in functions:
        known = readable(loaded, function)
        starts = {address for address in known if address - 1 not in known}
        starts |= {item.address for item in loaded.arrays if item.function == function}
        covered = {
            (first, end) for where, first, end in found if where == function and first < end
        }
        for address in starts - {min(starts)}:
            if not any(first <= address < end for first, end in covered):
                found.add((function, address, address))
    return sorted(found)
