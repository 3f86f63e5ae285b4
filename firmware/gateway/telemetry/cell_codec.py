"""One rack's cell voltages, or its temperatures, frame after frame in few bytes and without loss.

A value is predicted: mean of the frame + this cell's own deviation from the mean, as it was on
average in the frames before. What is left is mostly the noise of the converter and goes out in
Rice code: about 0.22 bytes per cell. The format stands in README.md; `host_tools/decode` reads it.
"""

from __future__ import annotations

from array import array

from gateway.telemetry import cell_codec_viper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableSequence

MOST_CELLS = 2048  # sums stay below 2^30
KEY = 0x80  # in a frame's first byte: needs no earlier frame
SIGNED_BIAS = 0x8000  # for values -32768..32767
ZERO = 1 << 24  # a deviation of 0 as it is kept, in 1/256: never negative
SLOWEST = 3  # a running average takes 1/8 of the new deviation, after a key frame first more
OUTLIER = 32  # a rest from which on the average begins anew
ESCAPE = 12  # so many ones in a row: the rest follows in ESCAPE_BITS
ESCAPE_BITS = 18
_HEAD_BYTES = 6


def largest_bytes(count: int) -> int:
    """The most that one frame of `count` values can take, whatever they are."""
    # Sum of the quotients < 2 count, an escape takes 12 of them: at most 20 bits per value.
    return _HEAD_BYTES + (5 * count + 1) // 2


class CellEncoder:
    """A chain of frames of `count` values each; 4 bytes of RAM per value, and `rests`.

    `bias` 0: values 0..65535 in array('H'), 0 and 65535 are read as "not there": they cost little
    when a few cells have them. SIGNED_BIAS: -32768..32767 in array('h'), -32768 is "not there".
    `rests`: an array('I') of `count` or more numbers to work in; several encoders can share it,
    None makes an own one. ValueError when `count` is out of 1..MOST_CELLS.
    """

    def __init__(self, count: int, bias: int = 0, rests: array[int] | None = None) -> None:
        if not 1 <= count <= MOST_CELLS:
            raise ValueError("number of cells")
        self.count = count
        self.largest = largest_bytes(count)
        self._bias = bias
        self._rests = array("I", [0] * count) if rests is None else rests
        if len(self._rests) < count:
            raise ValueError("room to work in")
        self._deviations = array("I", [ZERO] * count)  # running averages
        self._found = array("I", (0, 0))
        self._mean = 0  # of the last frame, in 1/16
        self._age = -1  # frames since the key frame; SLOWEST = that or more, -1 = none yet

    def encode(
        self, values: array[int], key: bool, out: bytearray | memoryview, start: int
    ) -> int:
        """Write one frame to out[start:]; where it ends. Allocates nothing.

        `key`: it shall need no earlier frame; the first one never does. ValueError when there
        are other than `count` values, or less room than `largest`.
        """
        count, rests, found = self.count, self._rests, self._found
        if len(values) != count or start < 0 or len(out) - start < self.largest:
            raise ValueError("cells or room")
        last = self._mean
        if key or self._age < 0:
            self._age = last = 0
            cell_codec_viper.fill(count, ZERO, self._deviations)
            at = write_number(out, start + 1, count)
            head = KEY
        else:
            self._age = min(self._age + 1, SLOWEST)
            at = start + 1
            head = 0
        self._mean = mean = cell_codec_viper.mean_of(count, self._bias, values)
        at = write_signed(out, at, mean - last)
        base = (mean << 4) - ZERO + 1
        outliers = cell_codec_viper.predict(
            count, self._bias, values, self._deviations, rests, base, self._age, found
        )
        # Low bits that are written as they are: about log2 of the mean rest.
        rice = found[1]
        if outliers:
            rice = self._rice(found[0] + outliers, rice)
        out[start] = head | rice
        end: int = cell_codec_viper.write_rests(0, 0, rests, count, rice, out, at)
        return end

    def _rice(self, total: int, usual: int) -> int:
        """`usual`, so that a few outliers do not widen all cells, or more when most are outliers.

        `total` is the sum of all rests.
        """
        count, rests = self.count, self._rests
        wide = 0
        while count << (wide + 1) <= total:
            wide += 1
        bits = cell_codec_viper.count_bits(count, usual, rests)
        return wide if bits > cell_codec_viper.count_bits(count, wide, rests) else usual


def write_number(out: MutableSequence[int] | memoryview, at: int, number: int) -> int:
    """Write `number` >= 0 to out[at:], 7 bits per byte, lowest first, bit 7: more; the end.

    Allocates nothing.
    """
    while number > 0x7F:
        out[at] = number & 0x7F | 0x80
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


def write_signed(out: MutableSequence[int] | memoryview, at: int, number: int) -> int:
    """Write 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... to out[at:]; the end.

    Allocates nothing, for numbers in +-2^30 not on a 32-bit board either.
    """
    sign = 0
    if number < 0:
        number = -1 - number
        sign = 1
    first = (number & 0x3F) << 1 | sign
    number >>= 6
    if not number:
        out[at] = first
        return at + 1
    out[at] = first | 0x80
    return write_number(out, at + 1, number)
