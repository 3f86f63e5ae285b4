"""A line of a board with `machine.UART`: RS-485 with a direction pin, or anything without one."""

from __future__ import annotations

from gateway.clock import diff
from gateway.modbus.line_time import LineTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FRAME_BYTES = 256  # the longest one of Modbus RTU


class SerialPort:
    """contracts.SerialPort over a UART that is already set up, with `timeout=0`.

    `direction`: a pin, or any callable, that is 1 while the transmitter drives the line; None
    where the transceiver finds out by itself. The UART needs room for a whole frame of 256 bytes
    each way (`txbuf`, `rxbuf`). Where `write` of the port has no buffer and waits until all is out
    (STM32), it gives the line free before it returns: nobody may ask again before a unit answers.
    No method allocates.
    """

    def __init__(
        self,
        uart: Any,
        micros: Callable[[], int],
        *,
        baud: int,
        char_bits: int,
        direction: Any = None,
    ) -> None:
        self.baud = baud
        self.char_bits = char_bits
        self._uart = uart
        self._micros = micros
        self._line = LineTime(baud, char_bits)
        self._char_us = self._line.wire_us(1)
        self._drive = _nothing
        if direction is not None:
            self._drive = direction if callable(direction) else direction.value
        self._drive(0)
        self._txdone = getattr(uart, "txdone", _always)  # missing on older ports
        self._busy = False
        self._began = 0
        self._wire_us = 0

    def write(self, frame: bytearray) -> int:
        """Begin to send; bytes taken. OSError when the UART fails."""
        self._drive(1)
        self._began = self._micros()
        self._busy = True
        self._wire_us = 0
        try:
            taken = self._uart.write(frame) or 0
        except OSError:
            self._drive(0)
            self._busy = False
            raise
        self._wire_us = wire_us = self._line.wire_us(taken)
        if diff(self._micros(), self._began) >= wire_us - self._char_us:
            while diff(self._micros(), self._began) < wire_us:  # the two clocks differ a little
                pass
            self.sending()
        return int(taken)

    def sending(self) -> bool:
        """False once the last stop bit is out; the call that finds it so gives the line free.

        Both the clock and the UART must say so: some report an empty buffer before the shift
        register is empty too, and the unit would lose the last character.
        """
        if not self._busy:
            return False
        if diff(self._micros(), self._began) < self._wire_us or not self._txdone():
            return True
        self._drive(0)
        self._busy = False
        return False

    def readinto(self, buffer: bytearray | memoryview, count: int = _FRAME_BYTES) -> int | None:
        """At most `count` bytes to the start of `buffer`; None when there are none."""
        there = self._uart.any()
        if not there:
            return None
        taken: int | None = self._uart.readinto(buffer, min(there, count))
        return taken


def _nothing(level: int) -> None:
    pass


def _always() -> bool:
    return True
