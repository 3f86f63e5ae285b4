"""What all boards in the field have in common, on MicroPython's own modules."""

from __future__ import annotations

import asyncio
import binascii
import gc
import os
import random
import sys

import board_file
import machine
from bus_wait import BusWait
from folder_storage import FolderStorage
from lan import bring_up
from micropython import const
from serial_port import SerialPort
from sockets import DatagramSocket, Network
from sockets import open_stream as open_plain

from gateway.clock import UNSET, Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.contracts import Storage

CONSOLE_PORT = 7000
# Entries of board.json that every board has. An empty address comes by DHCP. `tls` 1: a piece of a
# handshake was measured on this board, and the dead man waits longer.
NETWORK: dict[str, Any] = {"address": "", "gateway": "", "tls": 0}
_CONFIG_FOLDER = const("config")  # of the root filesystem, wherever the image mounts it
_EVERY_ADDRESS = const("0.0.0.0")
_FRAME_BYTES = const(256)  # the longest one of Modbus RTU
_NO_DEVICE = const(19)


class FieldBoard:
    """The members of contracts.Board that need no pin of a certain board.

    A board drops its relays first, then calls `super().__init__()`, which cannot move them.
    `defaults` are the entries of board.json with their values. `problems` holds a line for
    everything that is missing; each is printed too, for whoever stands before the board with a USB
    cable.
    """

    def __init__(self, defaults: dict[str, Any]) -> None:
        version = ".".join([str(number) for number in sys.implementation.version[:3]])
        self.interpreter = "%s %s" % (sys.implementation.name, version)
        self.unique_id = binascii.hexlify(machine.unique_id()).decode()
        self.console_port = CONSOLE_PORT
        self.problems: list[str] = []
        self.clock = Clock(UNSET)
        seed = os.urandom(4)
        random.seed(seed[0] << 24 | seed[1] << 16 | seed[2] << 8 | seed[3])
        self.random = random
        self._bus_wait = BusWait()
        self.wait_for_bus = self._bus_wait.wait
        self.datagram = DatagramSocket
        self.capabilities: tuple[str, ...] = ("serial",)
        self.lan: Any = None
        self._storages: dict[str, Storage] = {}
        self._storages["config"] = folder_storage(_CONFIG_FOLDER)
        self.settings, problem = board_file.load(self._storages["config"], defaults)
        self._has_settings = not problem
        if problem:
            self.missing(problem)

    def missing(self, problem: str) -> None:
        """Keep and print a line for something that this board should have."""
        self.problems.append(problem)
        print("board:", problem)

    def start_lan(self, make_lan: Callable[[], Any]) -> None:
        """Bring the Ethernet up; without it the board goes on with its serial lines.

        With a damaged board.json there is none either: at a wrong address it would do harm.
        """
        if not self._has_settings:
            return
        settings = self.settings
        self.lan, problem = bring_up(make_lan, settings["address"], settings["gateway"])
        if problem:
            self.missing(problem)
        else:
            self.capabilities = ("tcp", "serial")

    def set_storage(self, open_data: Callable[[], Storage]) -> None:
        """Open the storage of the role "data"; when that fails, `storage` says so later."""
        try:
            self._storages["data"] = open_data()
        except OSError as error:
            self.missing("no data storage: %s" % error)

    def limit_heap(self, threshold_bytes: int) -> None:
        """Collect garbage once so many bytes are new, and not only when the heap is full."""
        gc.collect()
        gc.threshold(threshold_bytes)

    def network(self) -> Network:
        """Non-blocking TCP connections; each OSError while there is no network."""
        return Network(self._bus_wait)

    def line(
        self, uart: Any, baud: int, parity: int | None, stop: int, direction: Any = None
    ) -> SerialPort:
        """A serial line that the bus's sleep listens to; `direction` as SerialPort has it."""
        self._bus_wait.register(uart)
        char_bits = 9 + stop + (parity is not None)
        return SerialPort(
            uart, self.clock.micros, baud=baud, char_bits=char_bits, direction=direction
        )

    def storage(self, role: str) -> Storage:
        """Files of a role: "config" or "data"; OSError when the board could not open it."""
        if role not in self._storages:
            raise OSError(_NO_DEVICE, "; ".join(self.problems))
        return self._storages[role]

    def watchdog(self, timeout_ms: int) -> Watchdog:
        """A watchdog, armed by its first feed."""
        return Watchdog(timeout_ms)

    async def open_stream(
        self, host: str, port: int, tls: Any = None, server_name: str = ""
    ) -> tuple[Any, Any]:
        """asyncio streams of a TCP connection, encrypted with `tls`; OSError."""
        if tls is not None and not self.settings["tls"]:
            raise OSError(_NO_DEVICE, "TLS is not measured here: see tls in the board's README")
        return await open_plain(host, port, tls, server_name)

    async def listen(self, handler: Any, port: int) -> Any:
        """Serve asyncio streams on every address of the board; OSError when the port is taken."""
        return await asyncio.start_server(handler, _EVERY_ADDRESS, port)

    def heap(self) -> tuple[int, int]:
        """(used, free) bytes."""
        return gc.mem_alloc(), gc.mem_free()

    async def stopping(self) -> None:
        """Never returns."""
        await asyncio.Event().wait()


class Watchdog:
    """Resets the processor; once it is armed nothing but a reset stops it."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._watchdog: Any = None

    def feed(self) -> None:
        """Put the next bite off by the timeout; the first one arms it."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=self._timeout_ms)
        self._watchdog.feed()


def folder_storage(folder: str) -> FolderStorage:
    """Files of a folder of the root filesystem, which is made when it is not there."""
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there already, or the first use tells
    return FolderStorage(folder)


def no_such_line(numbers: str) -> OSError:
    """For `uart()` with another number."""
    return OSError(_NO_DEVICE, "this board has %s" % numbers)
