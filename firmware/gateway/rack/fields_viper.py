"""The inner loops over cells and sensors, as machine code on a device.

`host_tools/bench` measures what they gain over bytecode. Nothing here looks at bounds: the callers
in `fields_array` do. Registers are 16 bits, high byte first; the bits are copied as they are, so
signed and unsigned arrays are filled the same way.
"""

from __future__ import annotations

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16


@micropython.viper
def copy_registers(target: ptr16, source: ptr8, begin: int, piece: ptr16) -> int:
    """Registers at source[begin + piece[0]:] to target[piece[1]:], piece[2] of them; the end."""
    at = begin + int(piece[0])
    index = int(piece[1])
    stop = index + int(piece[2])
    while index < stop:
        target[index] = int(source[at]) << 8 | int(source[at + 1])
        index += 1
        at += 2
    return index


@micropython.viper
def find_extremes(values: ptr16, count: int, flip: int, found: ptr16) -> int:
    """Highest value, its index, lowest value, its index to `found`; 0xFFFF ^ flip is left out.

    `flip` 0x8000 compares as signed numbers, 0 as unsigned. Without any value the indices become
    0xFFFF. Returns the index of the highest.
    """
    highest = -1
    lowest = 0x10000
    highest_index = 0xFFFF
    lowest_index = 0xFFFF
    left_out = 0xFFFF if flip == 0 else 0
    index = 0
    while index < count:
        value = int(values[index]) ^ flip
        if value != left_out:
            if value > highest:
                highest = value
                highest_index = index
            if value < lowest:
                lowest = value
                lowest_index = index
        index += 1
    if highest < 0:
        highest = left_out
        lowest = left_out
    found[0] = highest ^ flip
    found[1] = highest_index
    found[2] = lowest ^ flip
    found[3] = lowest_index
    return highest_index


@micropython.viper
def sum_bytes(source: ptr8, begin: int, count: int) -> int:
    """25 bits that tell `count` bytes from source[begin] on from almost any others."""
    total = 0
    at = begin
    stop = begin + count
    while at < stop:
        total = (total * 31 + int(source[at])) & 0x1FFFFFF
        at += 1
    return total
