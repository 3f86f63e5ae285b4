"""Blocks of frames in a fixed piece of RAM: the oldest make room for the newest.

A block is one piece of the memory and is given up as a whole, because its frames refer to its
first one. Blocks are numbered from 0 and never change once they are sealed.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import TICKS_MASK, diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLOCKS = const(32)  # that can be there at once


class BlockRing:
    """Blocks `first` .. `next` - 1; the last one grows while `is_open`.

    A block ends at `block_bytes` or `block_ms` behind its first frame, whichever comes first; a
    single frame may have `largest` bytes. Only the constructor allocates, and `read`.
    """

    def __init__(self, capacity: int, largest: int, block_bytes: int, block_ms: int) -> None:
        self._data = bytearray(max(capacity, largest))
        self._largest = largest
        self._block_bytes = block_bytes
        self._block_ms = block_ms
        typecode = "H" if len(self._data) < 0x10000 else "I"
        self._starts: Any = array(typecode, [0] * _BLOCKS)
        self._lengths: Any = array(typecode, [0] * _BLOCKS)
        self._times: Any = array("I", [0] * _BLOCKS)  # uptime of the first frame, 32 bits
        self._end = 0  # where the last block ends
        self.first = 0
        self.next = 0
        self.is_open = False

    @property
    def capacity(self) -> int:
        """Bytes for blocks."""
        return len(self._data)

    @property
    def longest(self) -> int:
        """The most bytes that a block can have."""
        return max(self._block_bytes, self._largest)

    def seal(self) -> None:
        """End the open block: the next frame begins another."""
        self.is_open = False

    def offset_ms(self, uptime_ms: int) -> int:
        """Milliseconds since the first frame of the open block; 0 where none is open."""
        if not self.is_open:
            return 0
        began_ms = self._times[(self.next - 1) % _BLOCKS]
        return diff(uptime_ms & TICKS_MASK, began_ms & TICKS_MASK)

    def fits(self, length: int, uptime_ms: int) -> bool:
        """Whether a frame of `length` bytes can follow in the open block."""
        if not self.is_open:
            return False
        if not 0 <= self.offset_ms(uptime_ms) <= self._block_ms:
            return False
        slot = (self.next - 1) % _BLOCKS
        if self._lengths[slot] + length > self._block_bytes:
            return False
        return self._end + length <= len(self._data)

    def begin(self, length: int, uptime_ms: int) -> None:
        """Seal, and open a block whose first frame has this length and uptime."""
        if self.next - self.first >= _BLOCKS:
            self.first += 1
        slot = self.next % _BLOCKS
        room = len(self._data) - self._end
        if room < length or room < self._block_bytes // 2:  # better none than a short one
            self._end = 0
        self._starts[slot] = self._end
        self._lengths[slot] = 0
        self._times[slot] = uptime_ms & 0xFFFFFFFF
        self.next += 1
        self.is_open = True

    def put(self, source: bytearray, length: int) -> None:
        """Append the first `length` bytes of `source` to the open block; `fits` was True, or the
        block is new and `length` not above `largest`. The oldest blocks make room.
        """
        begin = self._end
        end = begin + length
        while self._occupied(begin, end):
            self.first += 1
        data = self._data
        for index in range(length):  # a slice assignment would allocate
            data[begin + index] = source[index]
        self._lengths[(self.next - 1) % _BLOCKS] += length
        self._end = end

    def length(self, number: int) -> int:
        """Bytes of a block so far; 0 when it is not there any more."""
        if not self.first <= number < self.next:
            return 0
        return int(self._lengths[number % _BLOCKS])

    def began_ms(self, number: int) -> int:
        """Uptime of a block's first frame, 32 bits."""
        return int(self._times[number % _BLOCKS])

    def read(self, number: int) -> memoryview:
        """The bytes of a block that is there; valid until the next `put`."""
        start = self._starts[number % _BLOCKS]
        return memoryview(self._data)[start : start + self._lengths[number % _BLOCKS]]

    def _occupied(self, begin: int, end: int) -> bool:
        """Whether a block before the last one lies between `begin` and `end`."""
        for number in range(self.first, self.next - 1):
            slot = number % _BLOCKS
            start = self._starts[slot]
            if start < end and begin < start + self._lengths[slot]:
                return True
        return False
