"""The codec's loops over cells, as machine code on a device.

Plain Python on CPython, with the same results. Nothing here looks at bounds: `cell_codec` does.
Numbers stay below 2^30. What is loaded through a pointer is never negative, because a 64-bit host
does not extend the sign; so the state is kept with `cell_codec.ZERO` added. `bias` makes signed
values unsigned.
"""

from __future__ import annotations

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16, ptr32


@micropython.viper
def fill(state: ptr32, count: int, value: int) -> int:
    """Set `count` words to `value`."""
    index = 0
    while index < count:
        state[index] = value
        index += 1
    return index


@micropython.viper
def mean_of(values: ptr16, count: int, bias: int) -> int:
    """Mean in 1/16 of all values but 0 and 0xFFFF, which stand for "not read"."""
    total = 0
    present = count
    index = 0
    while index < count:
        value = (int(values[index]) + bias) & 0xFFFF
        total += value
        if (value + 1) & 0xFFFE == 0:  # one of the two
            total -= value
            present -= 1
        index += 1
    if present == 0:
        return ((int(values[0]) + bias) & 0xFFFF) << 4
    # in two steps, so that nothing passes 2^30
    whole = total // present
    return (whole << 4) + (((total - whole * present) << 4) + (present >> 1)) // present


@micropython.viper
def predict(
    values: ptr16,
    state: ptr32,
    rests: ptr32,
    count: int,
    bias: int,
    base: int,
    shift: int,
    found: ptr32,
) -> int:
    """What each prediction missed, made positive, to `rests`; updates the averages.

    Returns the sum of the outliers, 0 mostly; found[0]: the sum of all others; found[1]: log2 of
    that over `count`, rounded down, not below 0. `base`: mean of the frame in 1/256, less ZERO,
    plus one half. `shift`: weight of the new deviation in the average, 1/2^shift; an outlier
    begins a new average.
    """
    usual = 0
    outliers = 0
    index = 0
    while index < count:
        value = (int(values[index]) + bias) & 0xFFFF
        average = int(state[index])
        predicted = average + base
        rest = value - (predicted >> 8)
        # The prediction was rounded down: then the next higher value is the likelier neighbour.
        if predicted & 0x80:
            rest = 0 - rest
        rest = (rest << 1) ^ (rest >> 31)
        rests[index] = rest
        missed = (value << 8) - predicted + 128
        if rest < 32:
            usual += rest
            missed >>= shift
        else:
            outliers += rest
        state[index] = average + missed
        index += 1
    rice = 0
    while (count << (rice + 1)) <= usual:
        rice += 1
    found[0] = usual
    found[1] = rice
    return outliers


@micropython.viper
def count_bits(rests: ptr32, count: int, rice: int) -> int:
    """Bits that `write_rests` would write."""
    total = 0
    index = 0
    while index < count:
        quotient = int(rests[index]) >> rice
        if quotient < 12:
            total += quotient + 1 + rice
        else:
            total += 30
        index += 1
    return total


@micropython.viper
def write_rests(rests: ptr32, count: int, rice: int, out: ptr8, at: int) -> int:
    """Write all of `rests` in Rice code with `rice` low bits to out[at:]; the end."""
    mask = (1 << rice) - 1
    bits = 0  # to be written, the first one lowest
    held = 0  # how many of them
    index = 0
    while index < count:
        rest = int(rests[index])
        quotient = rest >> rice
        width = rice
        if quotient < 12:
            bits |= ((1 << quotient) - 1) << held
            held += quotient + 1
            rest &= mask
        else:
            bits |= 0xFFF << held
            held += 12
            width = 18
        while held >= 8:
            out[at] = bits & 0xFF
            at += 1
            bits >>= 8
            held -= 8
        if width != 0:
            bits |= rest << held
            held += width
            while held >= 8:
                out[at] = bits & 0xFF
                at += 1
                bits >>= 8
                held -= 8
        index += 1
    if held > 0:
        out[at] = bits
        at += 1
    return at
