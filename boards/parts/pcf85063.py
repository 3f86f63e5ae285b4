"""The clock chip PCF85063A; a stopped oscillator or an impossible date counts as never set."""

from __future__ import annotations

from civil_time import from_unix_s, to_unix_s
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from i2c_bus import I2cBus

_ADDRESS = const(0x51)
# Registers and bits, from the chip's data sheet.
_CONTROL = const(0)
_STOP = const(0x20)
_TWELVE_HOURS = const(0x02)
_SECONDS = const(4)  # then minutes, hours, day, weekday, month, year, in BCD
_STOPPED = const(0x80)  # of the seconds: the oscillator stood still
_MASKS = (0x7F, 0x7F, 0x3F, 0x3F, 0x07, 0x1F, 0xFF)
_IO = const(5)


class Pcf85063:
    """contracts.BoardRtc, in whole seconds; OSError when the chip does not answer."""

    def __init__(self, bus: I2cBus) -> None:
        self._bus = bus

    def read(self) -> int:
        """Unix time in ms; 0 = it was never set, or its battery is empty."""
        fields = bytearray(len(_MASKS))
        if not self._bus.read(_ADDRESS, _SECONDS, fields):
            raise OSError(_IO, "the clock chip does not answer")
        if fields[0] & _STOPPED:
            return 0
        second, minute, hour, day, _, month, year = [
            _from_bcd(field & mask) for field, mask in zip(fields, _MASKS)
        ]
        return to_unix_s(2000 + year, month, day, hour, minute, second) * 1000

    def write(self, utc_ms: int) -> None:
        """Set it, to the nearest second; ValueError beyond 2000 to 2099."""
        year, month, day, weekday, hour, minute, second = from_unix_s((utc_ms + 500) // 1000)
        control = bytearray(1)
        if not self._bus.read(_ADDRESS, _CONTROL, control):
            raise OSError(_IO, "the clock chip does not answer")
        running = control[0] & ~(_STOP | _TWELVE_HOURS) & 0xFF  # the rest fits the crystal
        values = (second, minute, hour, day, (weekday + 1) % 7, month, year - 2000)
        fields = bytes([_SECONDS]) + bytes([_to_bcd(value) for value in values])
        for part in (bytes((_CONTROL, running | _STOP)), fields, bytes((_CONTROL, running))):
            if not self._bus.write(_ADDRESS, part):
                raise OSError(_IO, "the clock chip does not take the time")


def _to_bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _from_bcd(value: int) -> int:
    """-1 for what is no BCD: no moment has it."""
    if value >> 4 > 9 or value & 15 > 9:
        return -1
    return (value >> 4) * 10 + (value & 15)
