"""What is lost when a device turns out to lack some registers of its map. May allocate."""

from __future__ import annotations

from gateway.rack.fields import X_HIGH_WORD, X_SCALE
from gateway.rack.fields_bind import words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.rack.fields_bind import Block


def rows_on(table: Any, block: Block, function: int, first: int, count: int) -> list[Any]:
    """Rows of the table's VALUES in `block` that stand on these registers, wholly or in part."""
    rows = []
    for row in table.VALUES:
        if row[0] != block.poll or row[2] != function or not block.holds(function, row[3], 1):
            continue
        for address in addresses_of(row):
            if first <= address < first + count:
                rows.append(row)
                break
    return rows


def silent_alarms(table: Any, missing: list[tuple[int, int, int, int]]) -> list[int]:
    """Summary slots of alarms of which no source is left; `missing` as in RackData."""
    silent: dict[int, bool] = {}
    for function, address, _, _, ops in table.ALARMS:
        lost = False
        for where, first, count, _ in missing:
            lost = lost or (where == function and first <= address < first + count)
        for op in ops:
            silent[op[4]] = silent.get(op[4], True) and lost
    return [slot for slot, lost in silent.items() if lost]


def joined(table: Any, block: Block) -> tuple[int, ...]:
    """Offsets in `block` of registers that belong to the value of the one before them."""
    offsets = []
    for row in table.VALUES:
        if row[0] == block.poll and block.holds(row[2], row[3], 1):
            words = sorted(addresses_of(row))
            for before, address in zip(words, words[1:]):
                if address == before + 1:
                    offsets.append(address - block.address)
    for piece in block.pieces:
        if piece.words > 1:
            first = piece.at // 2 + piece.word + 1
            offsets += range(first, first + piece.count * piece.step // 2, piece.step // 2)
    return tuple(offsets)


def addresses_of(row: Any) -> list[int]:
    """Every register that a value depends on."""
    _, _, _, address, kind, _, _, _, extra = row
    addresses = [address]
    for code, numbers in extra:
        if code in (X_HIGH_WORD, X_SCALE):
            addresses.append(numbers[0])
    if len(addresses) == 1:
        addresses += range(address + 1, address + words_of(kind, extra))
    return addresses
