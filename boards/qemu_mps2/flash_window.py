"""NOR flash of the emulated board: a window of the PSRAM, which is a file of the host."""

import exchange
import micropython
import uctypes

_PAGE_BYTES = 256
_ERASED = b"\xff" * _PAGE_BYTES


@micropython.viper
def _program(target: ptr8, data: ptr8, count: int):  # noqa: F821 - a word of viper
    # as NOR does it: programming only clears bits
    for index in range(count):
        target[index] = target[index] & data[index]


class FlashWindow:
    """Block device over a window of exchange.py, in blocks of 4096 bytes."""

    def __init__(self, window: tuple) -> None:
        self._address = exchange.PSRAM + window[0]
        self._blocks = window[1]

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Fill `buffer` from `offset` in `block`."""
        at = self._address + block * exchange.BLOCK_BYTES + offset
        buffer[:] = uctypes.bytearray_at(at, len(buffer))

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Program `buffer` at `offset` in `block`."""
        at = self._address + block * exchange.BLOCK_BYTES + offset
        _program(uctypes.bytearray_at(at, len(buffer)), buffer, len(buffer))

    def ioctl(self, operation: int, argument: int) -> int | None:
        """Number and size of the blocks, and erasing of one."""
        if operation == 4:
            return self._blocks
        if operation == 5:
            return exchange.BLOCK_BYTES
        if operation == 6:
            at = self._address + argument * exchange.BLOCK_BYTES
            for page in range(0, exchange.BLOCK_BYTES, _PAGE_BYTES):
                uctypes.bytearray_at(at + page, _PAGE_BYTES)[:] = _ERASED
        return 0
