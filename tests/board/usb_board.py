"""The emulated board with its console at a TCP port, as a cable would bring it to a laptop."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from host_tools.emulator.machine import machine_options
from host_tools.emulator.memory import Memory
from host_tools.run.tether import tethered
from host_tools.toolchain.emulated_board import EMULATOR


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class UsbBoard:
    """A context: inside, the board has power. `memory` outlives it."""

    def __init__(self, elf: Path, folder: Path) -> None:
        self.tcp = free_port()
        self.port = f"socket://127.0.0.1:{self.tcp}"
        self.memory = Memory(folder / "memory")
        self._command = [EMULATOR, *machine_options(elf, self.memory)]
        line = f"tcp:127.0.0.1:{self.tcp},server=on,wait=off,nodelay=on"
        self._command += ["-serial", line]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> UsbBoard:
        self.memory.power_up()
        self._process = subprocess.Popen(tethered(self._command), stdin=subprocess.DEVNULL)
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.tcp)):
                break
            time.sleep(0.05)
        return self

    def __exit__(self, *details: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
