"""The codec's loops over cells, as machine code on a device.

Plain Python on CPython, with the same results. Nothing here looks at bounds: `cell_codec` does.
Numbers stay below 2^30. What is loaded through a pointer is never negative, because a 64-bit host
does not extend the sign; so the state is kept with `cell_codec.ZERO` added. `bias` makes signed
values unsigned.

Only the first two parameters live in registers, every other name in memory: they are what a loop
needs most. A loop down to 0 needs no comparison, and one long expression no memory in between.
"""

from __future__ import annotations

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16, ptr32


@micropython.viper
def fill(count: int, value: int, state: ptr32) -> int:
    """Set `count` words to `value`."""
    while count:
        count -= 1
        state[count] = value
    return count


@micropython.viper
def mean_of(count: int, bias: int, values: ptr16) -> int:
    """Mean in 1/16 of `count` values but 0 and 0xFFFF, which stand for "not read"."""
    total = 0
    present = count
    while count:
        count -= 1
        value = (int(values[count]) + bias) & 0xFFFF
        if (value + 1) & 0xFFFE:
            total += value
        else:  # one of the two
            present -= 1
    if present == 0:
        return ((int(values[0]) + bias) & 0xFFFF) << 4
    # in two steps, so that nothing passes 2^30
    whole = total // present
    return (whole << 4) + (((total - whole * present) << 4) + (present >> 1)) // present


@micropython.viper
def predict(
    index: int,
    bias: int,
    values: ptr16,
    state: ptr32,
    rests: ptr32,
    base: int,
    shift: int,
    found: ptr32,
) -> int:
    """What each prediction missed, made positive, to `rests`; updates the averages.

    Returns the sum of the outliers, 0 mostly; found[0]: the sum of all others; found[1]: log2 of
    that over the count, rounded down, not below 0. `index`: the count. `base`: mean of the frame
    in 1/256, less ZERO, plus 1/256. `shift`: weight of the new deviation in the average,
    1/2^shift; an outlier begins a new average.
    """
    count = index
    usual = 0
    outliers = 0
    while index:
        index -= 1
        # What the value is above its prediction, in 1/256 and less one of them.
        missed = (((int(values[index]) + bias) & 0xFFFF) << 8) - base - int(state[index])
        # So many whole values lie nearer to the prediction: the distance in halves.
        rest = rests[index] = (missed >> 7) ^ (missed >> 31)
        if rest >> 5:
            outliers += rest
            state[index] = missed + 1 + int(state[index])
        else:
            usual += rest
            state[index] = ((missed + 1) >> shift) + int(state[index])
    rice = 0
    while (count << (rice + 1)) <= usual:
        rice += 1
    found[0] = usual
    found[1] = rice
    return outliers


@micropython.viper
def count_bits(count: int, rice: int, rests: ptr32) -> int:
    """Bits that `write_rests` would write."""
    total = 0
    while count:
        count -= 1
        quotient = int(rests[count]) >> rice
        if quotient < 12:
            total += quotient + 1 + rice
        else:
            total += 30
    return total


@micropython.viper
def write_rests(
    index: int, held: int, rests: ptr32, count: int, rice: int, out: ptr8, at: int
) -> int:
    """Write rests[index:count] in Rice code with `rice` low bits to out[at:]; the end.

    `held`: 0, bits that are to be written.
    """
    # Bits are held inverted, the first one lowest: a code is its ones, which are nothing but
    # distance, and then one constant number of bits.
    bits = 0
    width = 1 + rice
    mask = (1 << width) - 1
    while index < count:
        rest = int(rests[index])
        index += 1
        held += rest >> rice
        if held >> 3:
            beyond = (rest >> rice) - 12
            if beyond >= 0:
                held -= beyond
            while held >> 3:
                out[at] = ~bits & 0xFF
                at += 1
                bits >>= 8
                held -= 8
            if beyond >= 0:
                bits |= (rest ^ 0x3FFFF) << held
                held += 18
                continue
        bits = (~(rest << 1) & mask) << held | bits
        held += width
    while held > 0:
        out[at] = ~bits & 0xFF
        at += 1
        bits >>= 8
        held -= 8
    out[at - 1] = int(out[at - 1]) & (0xFF >> (0 - held))
    return at
