"""Frames of cell voltages or temperatures, as gateway.telemetry.cell_codec writes them.

Written from the format, not from the encoder, so that a mistake in one of them shows.
"""

from __future__ import annotations

from gateway.telemetry.cell_codec import (
    ESCAPE,
    ESCAPE_BITS,
    HIGHEST,
    KEY,
    LOWEST,
    MOST_CELLS,
    OUTLIER,
    SIGNED_BIAS,
    SLOWEST,
    ZERO,
)
from host_tools.decode.records import DecodeError

_RICE = 0x1F  # bits of a frame's first byte
_HIGHEST_RICE = 17
_MEAN_STEPS = 16  # per unit
_STEPS = 32  # of a deviation, per unit
_LAST = 0xFFFF
_NUMBER_BYTES = 5
_REFILL_BITS = 32  # one value takes at most 30
_REFILL_BYTES = 8
_ESCAPED = (1 << ESCAPE_BITS) - 1
_ALL_ONES = (1 << ESCAPE) - 1
# ones at the low end of that many bits
_ONES = bytes((~bits & -~bits).bit_length() - 1 for bits in range(1 << ESCAPE))


class CellChain:
    """What a frame needs of those before it; `signed` for temperatures."""

    def __init__(self, signed: bool = False) -> None:
        self._bias = SIGNED_BIAS if signed else 0
        self._states: list[int] = []  # averages in 1/32, and ZERO; or LOWEST, HIGHEST
        self._mean = 0  # in 1/16
        self._age = 0

    def decode(self, data: bytes, start: int, end: int) -> tuple[list[int], int]:
        """The values of the frame at `start`, and where it ends, not behind `end`.

        DecodeError when it is no frame, or one that needs another than came before it; then the
        chain is of no use until a key frame.
        """
        try:
            return self._decode(data, start, end)
        except DecodeError:
            self._states = []
            raise

    def _decode(self, data: bytes, start: int, end: int) -> tuple[list[int], int]:
        if not 0 <= start < end <= len(data):
            raise DecodeError("cell frame: empty")
        head = data[start]
        rice = head & _RICE
        if head & ~(KEY | _RICE) or rice > _HIGHEST_RICE:
            raise DecodeError(f"cell frame: begins with {head:#x}")
        at = start + 1
        if head & KEY:
            count, at = read_number(data, at, end)
            if not 1 <= count <= min(MOST_CELLS, 8 * (end - at)):
                raise DecodeError(f"cell frame: {count} cells")
            self._states = [ZERO] * count
            self._mean = self._age = 0
        elif not self._states:
            raise DecodeError("cell frame: the key frame before it is missing")
        else:
            self._age = min(self._age + 1, SLOWEST)
        change, at = read_number(data, at, end)
        self._mean += unzigzag(change)
        if not 0 <= self._mean <= _MEAN_STEPS * _LAST:
            raise DecodeError("cell frame: mean out of range")
        values, at = self._values(data, at, end, rice)
        if self._bias:
            values = [value - self._bias for value in values]
        return values, at

    def _values(self, data: bytes, at: int, end: int, rice: int) -> tuple[list[int], int]:
        states, age = self._states, self._age
        base = self._mean * _STEPS // _MEAN_STEPS - ZERO
        mask = (1 << rice) - 1
        bits = held = 0
        values = []
        for index, state in enumerate(states):
            if held < _REFILL_BITS and at < end:
                piece = data[at : min(at + _REFILL_BYTES, end)]
                bits |= int.from_bytes(piece, "little") << held
                held += 8 * len(piece)
                at += len(piece)
            ones = _ONES[bits & _ALL_ONES]
            if ones == ESCAPE:
                rest = bits >> ESCAPE & _ESCAPED
                taken = ESCAPE + ESCAPE_BITS
            else:
                rest = ones << rice | bits >> (ones + 1) & mask
                taken = ones + 1 + rice
            bits >>= taken
            held -= taken
            if held < 0:
                raise DecodeError("cell frame: cut off")
            if state > HIGHEST:
                predicted = state + base + _STEPS // 2  # in 1/32; the half rounds to the nearest
            else:
                predicted = _LAST * _STEPS if state == HIGHEST else 0
            outlier = rest >= OUTLIER
            rest = rest >> 1 ^ -(rest & 1)
            whole = predicted // _STEPS
            value = whole - rest if predicted & _STEPS // 2 else whole + rest
            now = value * _STEPS - base  # the deviation as a state
            if state > HIGHEST and not outlier:
                states[index] = (state + (now - state + (1 << age >> 1) >> age)) & 0xFFFF
            elif value in (0, _LAST):
                states[index] = HIGHEST if value else LOWEST
            else:
                states[index] = min(max(HIGHEST + 1, now), 0xFFFF)
            values.append(value)
        if bits & (1 << held % 8) - 1:
            raise DecodeError("cell frame: bits behind its end")
        if min(values) < 0 or max(values) > _LAST:
            raise DecodeError("cell frame: a value out of range")
        return values, at - held // 8


def read_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits per byte, lowest first, and where it ends; DecodeError when it is cut."""
    number = shift = 0
    for byte in data[at : min(end, at + _NUMBER_BYTES)]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at + shift // 7
    raise DecodeError("a number is cut off")


def unzigzag(number: int) -> int:
    """0, 1, 2, 3, 4 ... as 0, -1, 1, -2, 2 ..."""
    return number >> 1 ^ -(number & 1)
