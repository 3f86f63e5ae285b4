"""Registers of many cells or sensors into the arrays of a rack's data block."""

from __future__ import annotations

import sys
from array import array

from gateway.rack import fields_viper
from gateway.rack.data import ABSENT, CELL_ABSENT, TEMP_ABSENT
from gateway.rack.fields import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gateway.rack.fields import Field

_MACHINE_CODE = sys.implementation.name == "micropython"
_CELLS, _TEMPS = 0, 1  # what a piece is copied to


class Piece:
    """Equally spaced elements of one array within a block.

    `at` is the byte of the first one behind the start of the data, `step` the bytes from one to
    the next; the first is element `first`, the next `first + every`. `plain`: 16-bit registers
    side by side that need no arithmetic. `field` decodes the first element of any other kind.
    `zero_absent`: 0 means "not available" until the BMS reports that it has started. An element
    depends on `words` registers, the first of them `word` registers behind its place.
    """

    def __init__(
        self, target: int, at: int, step: int, first: int, every: int, count: int, field: Field
    ) -> None:
        self.target = target
        self.at = at
        self.step = step
        self.first = first
        self.every = every
        self.count = count
        self.plain = step == 2 and every == 1 and _is_plain(field)
        self.field = None if self.plain else field
        self.zero_absent = False
        self.word = 0
        self.words = 1
        self.numbers = array("H", (at, first, count))


def _is_plain(field: Field) -> bool:
    _, high_at, low_at, _, scale, special = field
    return low_at == high_at + 1 and special is None and scale is None


def decode_piece(
    target: array[int], piece: Piece, buffer: bytearray, start: int, details: Sequence[int]
) -> None:
    """Copy one piece; IndexError when it leaves the buffer or the array. Allocates nothing."""
    last = piece.first + (piece.count - 1) * piece.every
    if start + piece.at + (piece.count - 1) * piece.step + 2 > len(buffer) or last >= len(target):
        raise IndexError
    if not piece.plain:
        _decode_any(target, piece, buffer, start, details)
    elif _MACHINE_CODE:
        decode_array_viper(target, buffer, start, piece)
    else:
        decode_array_bytecode(target, buffer, start, piece)


def decode_array_viper(target: array[int], buffer: bytearray, start: int, piece: Piece) -> None:
    """A plain piece by machine code; bounds are the caller's. MicroPython only."""
    fields_viper.copy_registers(target, buffer, start, piece.numbers)


def decode_array_bytecode(target: array[int], buffer: bytearray, start: int, piece: Piece) -> None:
    """A plain piece by bytecode; bounds are the caller's. Same result as machine code."""
    at = start + piece.at
    flip = 0x8000 if piece.target == _TEMPS else 0
    for index in range(piece.first, piece.first + piece.count):
        target[index] = ((buffer[at] << 8 | buffer[at + 1]) ^ flip) - flip
        at += 2


def _decode_any(
    target: array[int], piece: Piece, buffer: bytearray, start: int, details: Sequence[int]
) -> None:
    field: Any = piece.field
    index = piece.first
    low, high, absent = 0, 0xFFFE, CELL_ABSENT
    if piece.target == _TEMPS:
        low, high, absent = -0x7FFF, 0x7FFF, TEMP_ABSENT
    for _ in range(piece.count):
        value = value_of(field, buffer, start, details)
        target[index] = absent if value == ABSENT else min(max(value, low), high)
        start += piece.step
        index += piece.every


def void_zeros(target: array[int], piece: Piece) -> None:
    """Mark the zeros of a piece as not available: a BMS that has not started sends them."""
    absent = TEMP_ABSENT if piece.target == _TEMPS else CELL_ABSENT
    index = piece.first
    for _ in range(piece.count):
        if target[index] == 0:
            target[index] = absent
        index += piece.every


def extremes(values: array[int], found: array[int], signed: bool) -> None:
    """Highest value, its index, lowest value, its index to `found` (4 elements, same typecode).

    Values that are not available are left out; when none is left, the indices are 0xFFFF (-1 in a
    signed array). Allocates nothing.
    """
    if len(found) < 4:
        raise IndexError
    if _MACHINE_CODE:
        extremes_viper(values, found, signed)
    else:
        extremes_bytecode(values, found, signed)


def extremes_viper(values: array[int], found: array[int], signed: bool) -> None:
    """The same by machine code. MicroPython only."""
    fields_viper.find_extremes(values, len(values), 0x8000 if signed else 0, found)


def extremes_bytecode(values: array[int], found: array[int], signed: bool) -> None:
    """The same by bytecode."""
    absent = TEMP_ABSENT if signed else CELL_ABSENT
    highest = -0x8001
    lowest = 0x10000
    highest_index = lowest_index = -1 if signed else 0xFFFF
    for index in range(len(values)):
        value = values[index]
        if value == absent:
            continue
        if value > highest:
            highest = value
            highest_index = index
        if value < lowest:
            lowest = value
            lowest_index = index
    if highest < lowest:  # nothing there
        highest = lowest = absent
    found[0] = highest
    found[1] = highest_index
    found[2] = lowest
    found[3] = lowest_index


def checksum(buffer: bytearray, start: int, count: int) -> int:
    """A number of 25 bits that tells `count` bytes at `start` from almost any others.

    IndexError when they leave the buffer. Allocates nothing.
    """
    if start + count > len(buffer):
        raise IndexError
    if _MACHINE_CODE:
        return fields_viper.sum_bytes(buffer, start, count)
    return checksum_bytecode(buffer, start, count)


def checksum_bytecode(buffer: bytearray, start: int, count: int) -> int:
    """The same by bytecode; every step is a small integer everywhere."""
    total = 0
    for at in range(start, start + count):
        total = (total * 31 + buffer[at]) & 0x1FFFFFF
    return total
