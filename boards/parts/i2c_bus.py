"""An I2C bus whose errors are counted, not raised, and that is freed when a chip holds it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CLOCKS = 9  # the rest of a byte and its acknowledgement
_HALF_CLOCK_US = 5


class I2cBus:
    """Over a `machine.SoftI2C` with a short `timeout`; `scl` and `sda` are its open-drain pins.

    In software, because that is over in a known time: the ESP32's driver may wait 100 ms for each
    byte while a chip holds the bus. Nothing raises OSError; nothing allocates while all is well.
    `errors` counts transfers that failed. It begins by freeing the bus: a reset may have cut a
    transfer short.
    """

    def __init__(self, i2c: Any, scl: Any, sda: Any, sleep_us: Callable[[int], object]) -> None:
        self._writeto = i2c.writeto
        self._readfrom_mem_into = i2c.readfrom_mem_into
        self._scl = scl
        self._sda = sda
        self._sleep_us = sleep_us
        self.errors = 0
        self.free()

    def write(self, address: int, data: bytes | bytearray) -> bool:
        """Send `data`; False when the chip did not acknowledge every byte of it."""
        try:
            if self._writeto(address, data) == len(data):
                return True
        except OSError:
            pass
        self.errors += 1
        self.free()
        return False

    def read(self, address: int, register: int, into: bytearray) -> bool:
        """Fill `into` from `register` on; False when the chip did not acknowledge."""
        try:
            self._readfrom_mem_into(address, register, into)
            return True
        except OSError:
            pass
        self.errors += 1
        self.free()
        return False

    def free(self) -> None:
        """Clock out what a chip still wants to send, then make it forget what it has begun.

        Pulses go out only while a chip holds the data line: to one that receives they are ones,
        and a byte of ones energises relays. Takes about 0.1 ms.
        """
        self._sda(1)
        self._scl(1)
        self._sleep_us(_HALF_CLOCK_US)
        for _ in range(_CLOCKS):
            if self._sda():
                break
            self._scl(0)
            self._sleep_us(_HALF_CLOCK_US)
            self._scl(1)
            self._sleep_us(_HALF_CLOCK_US)
        self._sda(0)  # START, which every chip takes at any time
        self._sleep_us(_HALF_CLOCK_US)
        self._sda(1)  # STOP
        self._sleep_us(_HALF_CLOCK_US)
