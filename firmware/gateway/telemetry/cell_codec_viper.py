"""The codec's loops over cells, as machine code on a device.

Plain Python on CPython, with the same results. Nothing here looks at bounds: `cell_codec` does.
Numbers stay below 2^30. What is loaded through a pointer is never negative, because a 64-bit host
does not extend the sign; so a deviation is kept with `cell_codec.ZERO` added. `bias` makes signed
values unsigned. `cell_codec_thumb` is the same in assembler.

Only the first two parameters live in registers, every other name in memory: they are what a loop
needs most. A loop down to 0 needs no comparison, and one long expression no memory in between.
"""

from __future__ import annotations

import micropython
from micropython import const

from gateway.telemetry.number_codec import write_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from micropython import ptr8, ptr16, ptr32

# Words of the workspace, whose rest are the rests.
_COUNT = const(0)
_HEAD = const(1)  # KEY of a key frame, else 0
_CHANGE = const(2)  # of the mean, as a signed number is written
_AGE = const(3)
_USUAL = const(4)  # sum of the rests without outliers
_OUTLIERS = const(5)  # sum of the outliers
_RESTS = const(6)
# What follows the averages of a chain.
_NEXT_AGE = const(0)  # 1..3: weight of the next frame; 0: it must be a key frame
_MEAN_LOW = const(1)  # 16 bits each
_MEAN_HIGH = const(2)
_BIAS = const(3)


def predict(values: array[int], chain: memoryview, work: array[int], order: int) -> int:
    """What each prediction missed, made positive, to the workspace; updates the chain.

    `order`: twice the number of values, plus 1 for a key frame. Returns log2 of the mean rest.
    """
    count = order >> 1
    bias = chain[count + _BIAS]
    age = chain[count + _NEXT_AGE]
    last = chain[count + _MEAN_LOW] | chain[count + _MEAN_HIGH] << 16
    head = 0
    if order & 1 or not age:
        head = 0x80
        age = last = 0
        _fill(count, 0x8000, chain)
    chain[count + _NEXT_AGE] = age + 1 if age < 3 else age
    mean: int = _mean(count, 0, values, bias)
    chain[count + _MEAN_LOW] = mean & 0xFFFF
    chain[count + _MEAN_HIGH] = mean >> 16
    change = mean - last
    work[_COUNT] = count
    work[_HEAD] = head
    work[_CHANGE] = change << 1 if change >= 0 else -1 - (change << 1)
    work[_AGE] = age
    rice: int = _predict(count, 0, values, chain, work, (mean << 1) - 0x7FFF, age, bias)
    return rice


@micropython.viper
def _fill(count: int, value: int, state: ptr16) -> int:
    """Set `count` numbers to `value`."""
    while count:
        count -= 1
        state[count] = value
    return count


@micropython.viper
def _mean(index: int, total: int, values: ptr16, bias: int) -> int:
    """Mean in 1/16 of `index` values but 0 and 0xFFFF, which stand for "not read"."""
    present = index
    while index:
        index -= 1
        value = (int(values[index]) + bias) & 0xFFFF
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
def _predict(
    index: int,
    missed: int,
    values: ptr16,
    states: ptr16,
    work: ptr32,
    base: int,
    shift: int,
    bias: int,
) -> int:
    """`base`: mean of the frame in 1/32, less ZERO, plus 1/32."""
    count = index
    rounding = 1 + ((1 << shift) >> 1)
    usual = 0
    outliers = 0
    while index:
        index -= 1
        state = int(states[index])
        if state >> 1:
            # What the value is above its prediction, in 1/32 and less one of them; so many whole
            # values lie nearer to the prediction: the distance in halves.
            missed = (((int(values[index]) + bias) & 0xFFFF) << 5) - base - state
            rest = work[_RESTS + index] = (missed >> 4) ^ (missed >> 31)
            if not rest >> 5:
                usual += rest
                states[index] = (((missed + rounding) >> shift) + state) & 0xFFFF
                continue
            outliers += rest
            missed = (int(values[index]) + bias) & 0xFFFF
        else:  # it was 0 or 65535, and is predicted to be that again
            missed = ((int(values[index]) + bias) & 0xFFFF) - ((0 - state) & 0xFFFF)
            rest = work[_RESTS + index] = (missed << 1) ^ (missed >> 31)
            if rest >> 5:
                outliers += rest
            else:
                usual += rest
            missed += (0 - state) & 0xFFFF
        if (missed + 1) & 0xFFFE:
            missed = (missed << 5) - base + 1
            states[index] = 2 if missed < 2 else 0xFFFF if missed > 0xFFFF else missed
        else:
            states[index] = missed & 1
    work[_USUAL] = usual
    work[_OUTLIERS] = outliers
    rice = 0
    count -= count >> 3  # a little lower: measured, it takes fewer bits
    while (count << (rice + 1)) <= usual:
        rice += 1
    return rice


def count_bits(work: array[int], rice: int) -> int:
    """Bits that the rests would take."""
    bits: int = _count_bits(work[_COUNT], rice, work)
    return bits


@micropython.viper
def _count_bits(count: int, rice: int, work: ptr32) -> int:
    total = 0
    while count:
        count -= 1
        quotient = int(work[_RESTS + count]) >> rice
        if quotient < 12:
            total += quotient + 1 + rice
        else:
            total += 30
    return total


def write(work: array[int], rice: int, out: bytearray | memoryview, at: int) -> int:
    """Write the frame with `rice` low bits for each rest to out[at:]; the end."""
    head = work[_HEAD]
    out[at] = head | rice
    at += 1
    if head:
        at = write_number(out, at, work[_COUNT])
    at = write_number(out, at, work[_CHANGE])
    end: int = _write_rests(0, 0, work, rice, out, at)
    return end


@micropython.viper
def _write_rests(index: int, held: int, work: ptr32, rice: int, out: ptr8, at: int) -> int:
    """`index`, `held`: 0."""
    # `held`: bits that are to be written, inverted, the first one lowest: a code is its ones,
    # which are nothing but distance, and then one constant number of bits.
    bits = 0
    width = 1 + rice
    mask = (1 << width) - 1
    index = _RESTS
    end = _RESTS + int(work[_COUNT])
    while index < end:
        rest = int(work[index])
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
