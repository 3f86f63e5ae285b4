"""A `machine` module for umodbus on a laptop: its UART is a pseudo-terminal in real time.

A pseudo-terminal takes a whole frame at once; `flush` therefore waits until a UART would have
sent it. The slave has put the terminal in raw mode in which a read returns at once.
"""

from __future__ import annotations

import sys
import time

from host_tools.bench.clients.measure import micros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 256


class UART:
    """What umodbus.serial uses of machine.UART; `uart_id` is the path of the terminal."""

    def __init__(self, uart_id: str, baudrate: int, bits: int, parity: Any, stop: int, **_: Any):
        self._port: Any = open(uart_id, "r+b", buffering=0)  # noqa: SIM115 - lives with the program
        characters_bits = 1 + bits + stop + (parity is not None)
        self._character_us = characters_bits * 1000000 / baudrate
        self._sent = micros()
        self._waiting = b""

    def write(self, frame: bytes) -> int:
        """Begin to send."""
        self._sent = micros() + int(len(frame) * self._character_us)
        return int(self._port.write(frame))

    def flush(self) -> None:
        """Wait until all is sent."""
        left = self._sent - micros()
        if left > 0:
            time.sleep_us(left)  # type: ignore[attr-defined]

    def any(self) -> int:
        """Bytes that can be read."""
        if not self._waiting:
            self._waiting = self._port.read(_LONGEST) or b""
        return len(self._waiting)

    def read(self) -> bytes | None:
        """All that came; None when nothing did."""
        self.any()
        taken, self._waiting = self._waiting, b""
        return taken or None


class Pin:
    """Named by umodbus, not used: an automatic direction switch."""

    OUT = 1


# umodbus imports `machine` by name
sys.modules["machine"] = sys.modules[__name__]
