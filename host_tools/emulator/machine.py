"""QEMU as a process that runs an image of the emulated board on a memory file."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from host_tools.emulator.memory import RTC_S, Memory
from host_tools.emulator.qmp import Qmp
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST
from host_tools.toolchain.emulated_board import EMULATOR

BUSES = 3
_NO_LINE = "null"
# Relays 0..7, 8..9, 10..15, as boards/qemu_mps2/field.py has them. The last two registers are of
# one device, and so is the counter of microseconds behind the board's clock.
_SCC_LEDS = 0x4002F004
_FPGA = 0x40028000
_FPGA_WORDS = 20
_FPGA_LEDS, _FPGA_COUNTER, _FPGA_MISC = 0, 6, 19
_COUNTS = (8, 2, 6)
# Virtual time counts instructions, 64 ns each, and leaps over idle waits: the same in every run.
ICOUNT_SHIFT = 6
ICOUNT = ("-icount", f"shift={ICOUNT_SHIFT},sleep=off")
# The same with 8 ns: about as fast as the slowest board in the field, an ESP32-S3.
ICOUNT_OF_A_FIELD_BOARD = ("-icount", "shift=3,sleep=off")
# The board's time stands still while the host does not run it, and goes on like the host's while
# the board waits. 2 ns per instruction: more than a host can do, so it never runs ahead.
WITH_THE_HOST = ("-icount", "shift=1,sleep=on")


class Machine:
    """One power-up of the board, from `start` to `kill` or to its own end.

    `memory` and the files of `folder` outlive it. `buses` are the TCP ports that UART 1 to 3 are
    joined to, `uplink` that of UART 4; where nobody listens QEMU tries again every second.
    """

    def __init__(
        self,
        elf: Path,
        memory: Memory,
        folder: Path,
        *,
        buses: Sequence[int] = (),
        uplink: int | None = None,
        more: Sequence[str] = (),
    ) -> None:
        self.console = folder / "console.log"
        self._memory = memory
        self._monitor = folder / "qmp"
        self._command = [EMULATOR, *machine_options(elf, memory)]
        self._command += ["-qmp", f"unix:{self._monitor},server=on,wait=off"]
        self._command += _serial_options(self.console, buses, uplink)
        self._command += more
        self._process: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None

    def start(self) -> None:
        """Power up; what the console said before is forgotten."""
        self._monitor.unlink(missing_ok=True)
        self.console.write_bytes(b"")
        self._memory.power_up()
        self.keep_time()
        self._process = subprocess.Popen(
            tethered(self._command), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )

    @property
    def qmp(self) -> Qmp:
        """The monitor."""
        if self._qmp is None:
            self._qmp = Qmp(self._monitor, self.running)
        return self._qmp

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def relays(self) -> tuple[list[bool], int]:
        """The state of every relay, read from the registers, and microseconds since the reset.

        These are 32 bits.
        """
        (scc,) = self.qmp.words(_SCC_LEDS)
        fpga = self.qmp.words(_FPGA, _FPGA_WORDS)
        registers = (scc, fpga[_FPGA_LEDS], fpga[_FPGA_MISC])
        states = [
            bool(bits >> bit & 1)
            for bits, count in zip(registers, _COUNTS, strict=True)
            for bit in range(count)
        ]
        return states, fpga[_FPGA_COUNTER]

    def keep_time(self) -> None:
        """Let the board's clock tell the host's time; call it now and then."""
        self._memory.set_word(RTC_S, int(time.time()))

    def said(self) -> str:
        """All that the console said since `start`."""
        return self.console.read_text(errors="replace")

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself within `timeout_s`."""
        if self._process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return not self.running()

    def kill(self) -> None:
        """SIGKILL, as a power cut; nothing happens when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._qmp is not None:
            self._qmp.close()
            self._qmp = None

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.kill()


def machine_options(elf: Path, memory: Memory) -> list[str]:
    """What QEMU has to know of the board, without its lines."""
    return [
        "-M",
        "mps2-an385,memory-backend=psram",
        "-object",
        f"memory-backend-file,id=psram,size=16M,mem-path={memory.path},share=on",
        "-display",
        "none",
        "-monitor",
        "none",
        "-semihosting",
        "-kernel",
        str(elf),
    ]


def _serial_options(console: Path, buses: Sequence[int], uplink: int | None) -> list[str]:
    """UART 0 to 4, in this order."""
    options = ["-serial", f"file:{console}"]
    ports = [*buses, *[None] * (BUSES - len(buses)), uplink]
    for number, port in enumerate(ports, 1):
        if port is None:
            options += ["-serial", _NO_LINE]
            continue
        # without nodelay every answer takes 40 ms more
        line = f"socket,id=uart{number},host={HOST},port={port},nodelay=on,reconnect=1"
        options += ["-chardev", line, "-serial", f"chardev:uart{number}"]
    return options
