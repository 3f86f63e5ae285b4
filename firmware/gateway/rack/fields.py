"""One value out of the registers of an answer, as a whole number in the gateway's units.

A plain field is a tuple (target, high byte, low byte, signed, scale, None): positions count from
the first data byte; the scale is (numerator, denominator, addend) or None. What is more than a
scaled 16-bit word has a `Special` at the end, and the two bytes are those of the word with the
lowest bits.
"""

from __future__ import annotations

from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Scale = tuple[int, int, int]
    Field = tuple[int, int, int, int, "Scale | None", "Special | None"]

# How registers are read; generated tables hold these numbers.
U16, S16, U32, S32, BIT, DIGITS, U64, F32, TEXT = range(9)

# What a generated table says of a special field: pairs (code, numbers).
X_HIGH_WORD = 0  # (address,) of the word with the upper 16 bits
X_BITS = 1  # (shift, width, signed)
X_ABSENT = 2  # (high word, low word, ...): raw values that mean "not available"
X_ENUM = 3  # (value for all others, raw, value, raw, value, ...)
X_SCALE = 4  # (address,) of a register with a power of ten
X_SCALE_DETAIL = 5  # (index,) of a detail that holds it
X_INDEX = 6  # (shift, width, base, size): upper part of a packed index, times `size`
X_CLAMP = 7  # (lowest, highest)
X_RANGE = 8  # (lowest, highest) plausible, of details and thresholds
X_EXPECT = 9  # (lowest, highest, ...) allowed in an identity field
X_LENGTH = 10  # (registers,) of a text

UNSCALED = (1, 1, 0)
TOP = -ABSENT - 1  # larger magnitudes are implausible anyway and do not fit the arrays

_TENS = (1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000)


def value_of(field: Field, buffer: bytearray, start: int, details: Sequence[int]) -> int:
    """The value of `field` in the registers at `start`; ABSENT when it is not available.

    Allocates nothing for results within +-2^30.
    """
    _, high_at, low_at, signed, scale, special = field
    value = buffer[start + high_at] << 8 | buffer[start + low_at]
    if special is not None:
        value = special.value(buffer, start, value, details)
        if value == ABSENT:
            return value
        value = _scaled(value, scale or UNSCALED, special.power)
        if special.clamped:
            value = min(max(value, special.lowest), special.highest)
        return value
    if signed and value >= 0x8000:
        value -= 0x10000
    return value if scale is None else _scaled(value, scale, 0)


def _scaled(value: int, scale: Scale, power: int) -> int:
    numerator, denominator, addend = scale
    if power > 0:
        value *= _TENS[power]
    elif power < 0:
        denominator *= _TENS[-power]
    if denominator != 1 or numerator != 1:
        value = (value * numerator + (denominator >> 1)) // denominator
    return value + addend


class Special:
    """What a field is beyond a scaled 16-bit word. Immutable but for `power`.

    `power` is the power of ten that the last call of `value` found in its register.
    """

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.high_at = -1  # bytes of the upper word of a 32-bit value; -1 = there is none
        self.high_low_at = 0
        self.shift = 0
        self.mask = 0  # of a bit range; 0 = the whole value
        self.sign = 0x8000 if kind == S16 else 0  # the bit that counts negative
        self.absent: tuple[int, ...] = ()
        self.choices: tuple[int, ...] = ()
        self.scale_at = -1
        self.scale_low_at = 0
        self.scale_detail = -1
        self.power = 0
        self.upper: tuple[int, ...] = ()
        self.clamped = False
        self.lowest = 0
        self.highest = 0

    def value(self, buffer: bytearray, start: int, low: int, details: Sequence[int]) -> int:
        """The raw value with its sign, its enum or its index applied; not yet scaled."""
        if self.kind == BIT:
            return low >> 8 >> self.shift & 1
        high = 0
        if self.high_at >= 0:
            high = buffer[start + self.high_at] << 8 | buffer[start + self.high_low_at]
        absent = self.absent
        for index in range(0, len(absent), 2):
            if low == absent[index + 1] and high == absent[index]:
                return ABSENT
        if self.scale_at >= 0 or self.scale_detail >= 0:
            self.power = self._power(buffer, start, details)
            if self.power == ABSENT:
                return ABSENT
        return self._meaning(self._number(high, low), low)

    def _number(self, high: int, low: int) -> int:
        mask = self.mask
        if mask:
            shift = self.shift
            low >>= shift
            if self.high_at >= 0:
                low |= (high & (mask >> (16 - shift))) << (16 - shift)
            low &= mask
            return low - (self.sign << 1) if low & self.sign else low
        if self.kind == S32:
            high = (high ^ 0x8000) - 0x8000
        if self.high_at >= 0:
            # Shifting the signed upper word keeps every value within +-2^30 a small integer.
            return high << 16 | low
        return low - 0x10000 if low & self.sign else low

    def _meaning(self, value: int, low: int) -> int:
        if self.kind == DIGITS:
            return _digits(value)
        choices = self.choices
        if choices:
            for index in range(1, len(choices), 2):
                if choices[index] == value:
                    return choices[index + 1]
            return choices[0]
        if self.upper:
            shift, mask, base, size = self.upper
            value += ((low >> shift & mask) - base) * size
        return value

    def _power(self, buffer: bytearray, start: int, details: Sequence[int]) -> int:
        if self.scale_detail >= 0:
            power = details[self.scale_detail] if self.scale_detail < len(details) else ABSENT
        else:
            power = buffer[start + self.scale_at] << 8 | buffer[start + self.scale_low_at]
            power = (power ^ 0x8000) - 0x8000
        return power if -len(_TENS) < power < len(_TENS) else ABSENT


def _digits(value: int) -> int:
    """0x1302 -> 1302: a digit in each nibble; ABSENT when one is none."""
    result = 0
    for shift in (12, 8, 4, 0):
        digit = value >> shift & 15
        if digit > 9:
            return ABSENT
        result = 10 * result + digit
    return result
