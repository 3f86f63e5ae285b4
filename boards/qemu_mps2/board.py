"""The emulated board: a Cortex-M3 in QEMU with serial lines, relays, inputs, flash and watchdog.

UART 0 is the console, 1 to 3 are the buses, 4 carries the uplink's bytes: QEMU joins it to the
broker's TCP port, as a cellular modem in data mode would.
"""

import asyncio
import gc
import random
import sys

import exchange
import field
import machine
from bus_wait import BusWait
from flash_window import FlashWindow
from micropython import const
from serial_port import SerialPort
from volume_storage import open_volume

from gateway.clock import UNSET, Clock

_BUSES = (1, 2, 3)
_UPLINK_UART = const(4)
_BAUD = const(115200)
_NO_DEVICE = const(19)
_WORDS = exchange.PSRAM + exchange.WORDS
_STOP_MS = const(20)


class Board:
    """Everything the gateway may use of this machine."""

    def __init__(self) -> None:
        self.relays = field.Relays()  # first of all: they drop
        self.inputs = field.Inputs()
        self.dead_man = field.DeadMan()
        self.rtc = field.BoardRtc()
        version = ".".join([str(number) for number in sys.implementation.version[:3]])
        self.interpreter = "%s %s" % (sys.implementation.name, version)
        self.unique_id = "emulated"
        self.console_port = 0
        self.capabilities = ("serial", "simulated")
        self.clock = Clock(UNSET)
        self.random = random
        words = [machine.mem32[_WORDS + exchange.ENTROPY + 4 * word] for word in range(4)]
        random.seed((words[0] ^ words[1] << 7 ^ words[2] << 13 ^ words[3]) & 0x3FFFFFFF)
        self._storages = {
            # never "new": an erased chip is formatted, and then starts latched
            "config": open_volume(FlashWindow(exchange.CONFIG)),
            "data": open_volume(FlashWindow(exchange.DATA)),
        }
        self._bus_wait = BusWait()
        self.wait_for_bus = self._bus_wait.wait
        gc.collect()
        free = gc.mem_free()
        self._heap_bytes = gc.mem_alloc() + free
        gc.threshold(free // 4)

    def network(self) -> None:
        """There is none: OSError."""
        raise OSError(_NO_DEVICE, "this board has no network")

    def datagram(self, host: str, port: int) -> None:
        """There is none: OSError."""
        raise OSError(_NO_DEVICE, "this board has no network")

    async def listen(self, handler: object, port: int) -> None:
        """There is no network for a console: OSError."""
        raise OSError(_NO_DEVICE, "this board has no network")

    async def open_stream(
        self, host: str, port: int, tls: object = None, server_name: str = ""
    ) -> tuple:
        """The uplink's line; where it leads is QEMU's affair. OSError with `tls`."""
        if tls is not None:
            raise OSError(_NO_DEVICE, "this board has no TLS")
        uart = machine.UART(_UPLINK_UART, _BAUD)
        while uart.any():  # what came for the connection before this one
            uart.read(1)
        line = UplinkLine(uart)
        return line, line

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialPort:
        """Bus 1, 2 or 3; OSError for another one. QEMU keeps no time of characters."""
        if number not in _BUSES:
            raise OSError(_NO_DEVICE, "this board has the buses 1, 2 and 3")
        uart = machine.UART(number, baud)
        self._bus_wait.register(uart)
        char_bits = 9 + stop + (parity is not None)
        return SerialPort(uart, self.clock.micros, baud=baud, char_bits=char_bits)

    def storage(self, role: str) -> object:
        """Files of a role: "config" or "data"."""
        return self._storages[role]

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Armed by its first feed."""
        return Watchdog(timeout_ms)

    def heap(self) -> tuple:
        """(used, free) bytes."""
        used = gc.mem_alloc()
        return used, self._heap_bytes - used

    async def stopping(self) -> None:
        """Returns when the host wants an end."""
        while not machine.mem32[_WORDS + exchange.STOP]:
            await asyncio.sleep_ms(_STOP_MS)


class UplinkLine(asyncio.StreamReader):
    """A stream over a UART, which is never closed."""

    async def wait_closed(self) -> None:
        """Returns at once."""


class Watchdog:
    """Resets the machine, which clears the relays' registers."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._watchdog = None

    def feed(self) -> None:
        """Put the next bite off by the timeout; the first one arms it."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=self._timeout_ms)
        self._watchdog.feed()
