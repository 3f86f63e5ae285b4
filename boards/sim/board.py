"""The laptop as a board: sockets, a flash image file, relays and inputs at the end of a wire.

The one argument of the process is a JSON file with `config` (folder of the configuration), `flash`
(image file), `wiring_port`, `console_port`, `unique_id` and `serial` (paths of pseudo-terminals,
UART 0 first). Runs on the MicroPython unix port and on CPython.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys

from bus_wait import BusWait
from flash_image import open_flash
from folder_storage import FolderStorage
from serial_line import SerialLine
from sockets import DatagramSocket, Network, listen, open_stream
from wiring import Wiring

from gateway.clock import RTC, Clock

RELAY_COUNT = 16
INPUT_COUNT = 8
_NO_DEVICE = 19


class Board:
    """Everything the gateway may use of this machine."""

    def __init__(self) -> None:
        with open(sys.argv[1]) as file:
            options = json.loads(file.read())
        version = ".".join([str(number) for number in sys.implementation.version[:3]])
        self.interpreter = "%s %s" % (sys.implementation.name, version)
        self.unique_id = options["unique_id"]
        self.console_port = options["console_port"]
        self.capabilities = ("tcp", "serial", "simulated")
        self._serial = options.get("serial", [])
        self.clock = Clock(RTC)
        self.rtc = None  # the clock of the machine is there from the start
        self._wiring = Wiring(options["wiring_port"], RELAY_COUNT, INPUT_COUNT)
        self.relays = self._wiring.relays
        self.inputs = self._wiring.inputs
        self.dead_man = self._wiring.dead_man
        self._storages = {
            "config": FolderStorage(options["config"]),
            "data": open_flash(options["flash"]),
        }
        seed = os.urandom(4)
        random.seed(seed[0] << 24 | seed[1] << 16 | seed[2] << 8 | seed[3])
        self.random = random
        self._bus_wait = BusWait()
        self.wait_for_bus = self._bus_wait.wait
        self.open_stream = open_stream
        self.datagram = DatagramSocket
        self.listen = listen
        if hasattr(gc, "mem_free"):
            gc.collect()
            gc.threshold(gc.mem_free() // 4)

    def network(self) -> Network:
        """Non-blocking TCP connections."""
        return Network(self._bus_wait)

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialLine:
        """A serial line over a pseudo-terminal; OSError when there is none of this number."""
        if number >= len(self._serial):
            raise OSError(_NO_DEVICE, "this board has %d serial lines" % len(self._serial))
        path = self._serial[number]
        return SerialLine(path, baud, parity, stop, self.clock.micros, self._bus_wait)

    def storage(self, role: str) -> object:
        """Files of a role: "config" or "data"."""
        return self._storages[role]

    def watchdog(self, timeout_ms: int) -> object:
        """Armed by its first `feed()`; fed too late, the field drops every relay and resets."""
        return self._wiring.watchdog(timeout_ms)

    def heap(self) -> tuple[int, int]:
        """(used, free) bytes of the interpreter's heap; CPython: largest resident size and 0."""
        if hasattr(gc, "mem_alloc"):
            return gc.mem_alloc(), gc.mem_free()
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, 0

    async def stopping(self) -> None:
        """Returns when the field asks for an end or has gone away."""
        while not self._wiring.poll():
            await self.clock.sleep_ms(20)
