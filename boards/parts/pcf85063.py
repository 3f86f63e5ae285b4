"""The clock chip PCF85063A; whatever stands still or is no date counts as never set."""

from __future__ import annotations

from civil_time import from_unix_s, to_unix_s
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from i2c_bus import I2cBus

_ADDRESS = const(0x51)
# Registers and bits, from the chip's data sheet.
_CONTROL = const(0)
_TEST = const(0x80)
_STOP = const(0x20)
_TWELVE_HOURS = const(0x02)
_OFF = const(_TEST | _STOP | _TWELVE_HOURS)  # with any of them the time is not what it says
_SECONDS = const(4)  # then minutes, hours, day, weekday, month, year, in BCD
_STOPPED = const(0x80)  # of the seconds: the oscillator stood still
_MASKS = (0x7F, 0x7F, 0x3F, 0x3F, 0x07, 0x1F, 0xFF)
_ATTEMPTS = const(3)
_IO = const(5)


class Pcf85063:
    """contracts.BoardRtc, in whole seconds; OSError when the chip does not answer."""

    def __init__(self, bus: I2cBus) -> None:
        self._bus = bus
        self._registers = bytearray(_SECONDS + len(_MASKS))

    def read(self) -> int:
        """Unix time in ms; 0 = it was never set, stands still, or its battery was empty."""
        registers = self._registers
        if not self._bus.read(_ADDRESS, _CONTROL, registers):
            raise OSError(_IO, "the clock chip does not answer")
        if registers[_CONTROL] & _OFF or registers[_SECONDS] & _STOPPED:
            return 0
        second, minute, hour, day, _, month, year = [
            _from_bcd(registers[_SECONDS + index] & mask) for index, mask in enumerate(_MASKS)
        ]
        return to_unix_s(2000 + year, month, day, hour, minute, second) * 1000

    def write(self, utc_ms: int) -> None:
        """Set it, to the nearest second; ValueError beyond 2000 to 2099.

        OSError when the chip does not take it; then it knows no time, or the one it had.
        """
        year, month, day, weekday, hour, minute, second = from_unix_s((utc_ms + 500) // 1000)
        values = (second, minute, hour, day, (weekday + 1) % 7, month, year - 2000)
        fields = bytes([_SECONDS]) + bytes([_to_bcd(value) for value in values])
        for _ in range(_ATTEMPTS):
            if self._set(fields):
                return
        raise OSError(_IO, "the clock chip does not take the time")

    def _set(self, fields: bytes) -> bool:
        """Stop, write, read back, and only then start: what is half written stays stopped."""
        bus = self._bus
        registers = self._registers
        if not bus.read(_ADDRESS, _CONTROL, registers):
            return False
        running = registers[_CONTROL] & ~_OFF & 0xFF  # the rest fits the crystal
        if not bus.write(_ADDRESS, bytes((_CONTROL, running | _STOP))):
            return False
        if not bus.write(_ADDRESS, fields) or not bus.read(_ADDRESS, _CONTROL, registers):
            return False
        for index, mask in enumerate(_MASKS):
            if registers[_SECONDS + index] & mask != fields[1 + index]:
                return False
        if registers[_SECONDS] & _STOPPED:
            return False
        return bus.write(_ADDRESS, bytes((_CONTROL, running)))


def _to_bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _from_bcd(value: int) -> int:
    """-1 for what is no BCD: no moment has it."""
    if value >> 4 > 9 or value & 15 > 9:
        return -1
    return (value >> 4) * 10 + (value & 15)
