"""Values of more than 32 bits, floating point and text: details only, these may allocate.

Floating point is taken apart as integers: what is decoded does not depend on the precision of the
interpreter's own numbers.
"""

from __future__ import annotations

from micropython import const

from gateway.rack.data import ABSENT
from gateway.rack.fields import F32, Special

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXPONENT_BIAS = const(150)  # 127 and the 23 bits of the fraction
_LARGEST_SHIFT = const(63)


class Wide(Special):
    """A u64 or f32 in the registers at the byte positions `words`, highest word first."""

    def __init__(
        self, kind: int, words: tuple[tuple[int, int], ...], numerator: int, denominator: int
    ) -> None:
        super().__init__(kind)
        self._words = words
        self._numerator = numerator
        self._denominator = denominator

    def value(self, buffer: bytearray, start: int, low: int, details: Sequence[int]) -> int:
        """The scaled value; ABSENT for what is no number."""
        raw = 0
        for high_at, low_at in self._words:
            raw = raw << 16 | buffer[start + high_at] << 8 | buffer[start + low_at]
        for index in range(0, len(self.absent), 2):
            if raw & 0xFFFFFFFF == self.absent[index] << 16 | self.absent[index + 1]:
                return ABSENT
        if self.kind == F32:
            return scaled_float(raw, self._numerator, self._denominator)
        return (raw * self._numerator + (self._denominator >> 1)) // self._denominator


def scaled_float(bits: int, numerator: int, denominator: int) -> int:
    """The IEEE 754 single `bits` x numerator / denominator, rounded; ABSENT for NaN and infinity.

    Beyond 2^63 the exponent stops to count.
    """
    exponent = bits >> 23 & 0xFF
    fraction = bits & 0x7FFFFF
    if exponent == 0xFF:
        return ABSENT
    if exponent:
        fraction |= 0x800000
    shift = (exponent or 1) - _EXPONENT_BIAS
    value = fraction * numerator
    if shift >= 0:
        value <<= min(shift, _LARGEST_SHIFT)
    else:
        denominator <<= -shift
    value = (2 * value + denominator) // (2 * denominator)
    return -value if bits >> 31 else value


def text_of(buffer: bytearray, start: int, words: tuple[tuple[int, int], ...]) -> str:
    """The ASCII text in these registers up to its first zero; other bytes become "?"."""
    text = ""
    for word in words:
        for at in word:
            byte = buffer[start + at]
            if byte == 0:
                return text.strip()
            text += chr(byte) if 32 <= byte < 127 else "?"
    return text.strip()
