"""A serial line of the simulated board: the slave side of a pseudo-terminal.

The field has put it into raw mode with VMIN = VTIME = 0 before it tells its name, so reading never
waits (MicroPython's unix port cannot set that itself). A pseudo-terminal knows no baud rate: the
field keeps the time of its characters, this side that of the request.

A process that leads its session and has no terminal makes the first one it opens its own, and is
hung up with it; MicroPython's `open` cannot refuse, so do not start it in a session of its own.
"""

from __future__ import annotations

import os
import select
import sys

from gateway.clock import diff
from gateway.modbus.line_time import LineTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bus_wait import BusWait

_GONE = 5  # EIO


class SerialLine:
    """contracts.SerialPort over a pseudo-terminal; `parity` and `stop` as for machine.UART.

    OSError when `path` cannot be opened. No method allocates on MicroPython.
    """

    def __init__(
        self,
        path: str,
        baud: int,
        parity: int | None,
        stop: int,
        micros: Callable[[], int],
        bus_wait: BusWait,
    ) -> None:
        self.baud = baud
        self.char_bits = 9 + stop + (parity is not None)
        self._micros = micros
        self._line = LineTime(baud, self.char_bits)
        self._file: Any
        if sys.implementation.name == "micropython":
            self._file = open(path, "r+b", buffering=0)
            self.readinto = self._read_at_most
        else:
            self._file = open(path, "r+b", buffering=0, opener=_open_without_waiting)
        self._bus_wait = bus_wait
        bus_wait.register(self._file)
        self._registered = True
        self._room = select.poll()
        self._room.register(self._file, select.POLLOUT)
        self._ready = self._room.ipoll if hasattr(self._room, "ipoll") else self._room.poll
        for _ in self._ready(0):  # MicroPython makes the tuple it hands out at the first call
            break
        self._began = 0
        self._wire_us = -1  # nothing is being sent

    def write(self, frame: bytearray) -> int:
        """Begin to send; bytes taken, 0 when the field reads nothing. OSError when it is gone."""
        for _, events in self._ready(0):
            if events & (select.POLLHUP | select.POLLERR):
                self._leave()
                raise OSError(_GONE, "the other side is gone")
            self._began = self._micros()
            taken = self._file.write(frame) or 0
            self._wire_us = self._line.wire_us(taken)
            return int(taken)
        return 0

    def sending(self) -> bool:
        """False once the last stop bit would be out."""
        if self._wire_us >= 0 and diff(self._micros(), self._began) >= self._wire_us:
            self._wire_us = -1
        return self._wire_us >= 0

    def readinto(self, buffer: bytearray, count: int) -> int | None:
        """At most `count` bytes to the start of `buffer`; None when there are none."""
        return self._file.readinto(memoryview(buffer)[:count]) or None

    def close(self) -> None:
        """Close the line."""
        self._leave()
        self._file.close()

    def _read_at_most(self, buffer: bytearray, count: int) -> int | None:
        return self._file.readinto(buffer, count) or None

    def _leave(self) -> None:
        if self._registered:  # a line that was hung up would wake the bus for ever
            self._bus_wait.unregister(self._file)
            self._registered = False


def _open_without_waiting(path: str, flags: int) -> int:
    """CPython only."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
