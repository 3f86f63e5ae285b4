"""One rack's cell voltages, or its temperatures, frame after frame in few bytes and without loss.

A value is predicted: mean of the frame + this cell's own deviation from the mean, as it was on
average in the frames before. What is left is mostly the noise of the converter and goes out in
Rice code: about 0.22 bytes per cell. The format stands in README.md; `host_tools/decode` reads it.
"""

from __future__ import annotations

import sys
from array import array

from micropython import const

if not 5 <= getattr(sys.implementation, "_mpy", 0) >> 10 & 0x0F <= 8:
    from gateway.telemetry.cell_codec_viper import count_bits, predict, write
else:  # a Cortex-M3, M4 or M7
    from gateway.telemetry.cell_codec_thumb import count_bits, predict, write

MOST_CELLS = 2048  # sums stay below 2^30
KEY = 0x80  # in a frame's first byte: needs no earlier frame
SIGNED_BIAS = 0x8000  # for values -32768..32767
ZERO = 0x8000  # a deviation of 0 as it is kept, in 1/32: 16 bits without sign
LOWEST, HIGHEST = 0, 1  # kept in place of a deviation: the value was 0, it was 65535
SLOWEST = 3  # a running average takes 1/8 of the new deviation, after a key frame first more
OUTLIER = 32  # a rest from which on the average begins anew
ESCAPE = 12  # so many ones in a row: the rest follows in ESCAPE_BITS
ESCAPE_BITS = 18
_HEAD_BYTES = const(6)
_MOST_RICE = const(16)

# Words of the workspace that the loops share; a rest per value follows.
_USUAL = const(4)
_OUTLIERS = const(5)
_RESTS = const(6)
_BEHIND = const(4)  # numbers of a chain behind its averages, the last one is the bias


def largest_bytes(count: int) -> int:
    """The most that one frame of `count` values can take, whatever they are."""
    # Sum of the quotients < 2.1 count, an escape takes 12 of them: at most 20 bits per value.
    return _HEAD_BYTES + (5 * count + 1) // 2


def workspace(count: int) -> array[int]:
    """Room to work in for encoders of up to `count` values."""
    return array("I", [0] * (_RESTS + count))


class CellEncoder:
    """Chains of frames of `count` values each; 2 bytes of RAM per value and chain.

    `bias` 0: values 0..65535 in array('H'), 0 and 65535 are read as "not there": they cost little
    when a few cells have them. SIGNED_BIAS: -32768..32767 in array('h'), -32768 is "not there".
    `work`: a `workspace`; several encoders can share it, None makes an own one. ValueError when
    `count` is out of 1..MOST_CELLS, or the workspace too small.
    """

    def __init__(
        self, count: int, bias: int = 0, work: array[int] | None = None, chains: int = 1
    ) -> None:
        if not 1 <= count <= MOST_CELLS:
            raise ValueError("number of cells")
        self.count = count
        self.largest = largest_bytes(count)
        self._work = workspace(count) if work is None else work
        if len(self._work) < _RESTS + count:
            raise ValueError("room to work in")
        length = count + _BEHIND
        states = array("H", bytes(2 * chains * length))
        self._chains = [
            memoryview(states)[at : at + length] for at in range(0, chains * length, length)
        ]
        for chain in self._chains:
            chain[length - 1] = bias

    def encode(
        self,
        values: array[int],
        key: bool,
        out: bytearray | memoryview,
        start: int,
        chain: int = 0,
    ) -> int:
        """Write the next frame of a chain to out[start:]; where it ends. Allocates nothing.

        `key`: it shall need no earlier frame; the first one never does. ValueError when there
        are other than `count` values, or less room than `largest`.
        """
        count, work = self.count, self._work
        if len(values) != count or start < 0 or len(out) - start < self.largest:
            raise ValueError("cells or room")
        rice = predict(values, self._chains[chain], work, 2 * count + bool(key))
        if work[_OUTLIERS]:
            rice = self._rice(rice)
        return write(work, rice, out, start)

    def _rice(self, usual: int) -> int:
        """`usual`, so that a few outliers do not widen all cells, or more when most are ones."""
        count, work = self.count, self._work
        total = work[_USUAL] + work[_OUTLIERS]
        wide = 0
        while wide < _MOST_RICE and count << (wide + 1) <= total:
            wide += 1
        return wide if count_bits(work, usual) > count_bits(work, wide) else usual
