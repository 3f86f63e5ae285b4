"""CRC-16 of Modbus RTU frames (Modbus over serial line V1.02, appendix B)."""

from __future__ import annotations

from array import array

import micropython
from umodbus.const import CRC16_TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr16

_TABLE = array("H", CRC16_TABLE)


def crc16(buffer: bytes | bytearray | memoryview, start: int, stop: int) -> int:
    """CRC of the bytes from `start` up to, without, `stop`; the low byte goes first on the wire.

    ValueError outside the buffer. Allocates nothing.
    """
    if not 0 <= start <= stop <= len(buffer):  # machine code looks at no bounds
        raise ValueError
    return _crc16(start, 0xFFFF, buffer, _TABLE, stop)


# Machine code on a device, because bytecode needs 20 times as long: 14 against 0.7 us for the
# 253 bytes of a 125-register answer on a desktop, far more on a microcontroller. Its first two
# parameters live in registers, everything else in memory.
@micropython.viper
def _crc16(index: int, crc: int, buffer: ptr8, table: ptr16, stop: int) -> int:
    while index < stop:
        crc = table[(crc ^ buffer[index]) & 0xFF] ^ (crc >> 8)
        index += 1
    return crc
