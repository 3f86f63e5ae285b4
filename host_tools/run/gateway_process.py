"""The gateway as a process of this machine: the firmware on the simulated board."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from host_tools.run.tether import tethered
from host_tools.toolchain.paths import ROOT, UPY_PACKAGES, micropython_path

# MicroPython's heap on the 64-bit host, where an object takes about twice the bytes of a board's.
# 12 racks reach 730 kB, 290 kB of it the code, which a board has frozen in flash.
HEAP = "2560k"
MICROPYTHON = "micropython"
CPYTHON = "cpython"
_ENTRY = ROOT / "firmware" / "main.py"
_BOARDS = ROOT / "boards"


@dataclass(frozen=True)
class Interpreter:
    """What runs the firmware: `command` and `environment`, before the entry file."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def micropython(program: Path) -> Interpreter:
    """MicroPython with a bounded heap."""
    command = (str(program), "-X", f"heapsize={HEAP}")
    return Interpreter(MICROPYTHON, command, {"MICROPYPATH": micropython_path()})


def cpython() -> Interpreter:
    """The Python that runs this very code."""
    boards = (_BOARDS / "sim", _BOARDS / "parts", _BOARDS / "sim" / "cpython")
    folders = (*boards, ROOT / "firmware", UPY_PACKAGES / "modbus")
    path = os.pathsep.join(str(folder) for folder in folders)
    return Interpreter(CPYTHON, (sys.executable, "-u"), {"PYTHONPATH": path})


class GatewayProcess:
    """One gateway that can be killed and started again; its output goes to `log`.

    `ended_by_itself` is done, with the exit status, as soon as it ends and nobody had called
    `expect_end` or `kill`. It dies with this process, whatever kills that.
    """

    def __init__(self, interpreter: Interpreter, board: Path, log: Path) -> None:
        self.log = log
        self._command = tethered([*interpreter.command, str(_ENTRY), str(board)])
        self._environment = os.environ | interpreter.environment
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._end_expected = False
        self.ended_by_itself: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Start it, after its first start or a kill."""
        self._end_expected = False
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                cwd=ROOT,
                env=self._environment,
                # Ctrl-C in the terminal goes to us alone: the gateway is asked to stop in order.
                # Not a session: its leader would take the first serial line for its terminal.
                process_group=0,
            )
        self._watch = asyncio.create_task(self._note_end(self._process))

    def expect_end(self) -> None:
        """From now on its end is no surprise."""
        self._end_expected = True

    async def wait(self, timeout_s: float) -> int | None:
        """Exit status, or None when it still runs after `timeout_s`."""
        if self._process is None:
            return None
        try:
            return await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            return None

    async def kill(self) -> None:
        """SIGKILL, as a power cut; returns when it is gone, at once when it is not there."""
        self._end_expected = True
        if self._process:
            self.kill_now()
            await self._process.wait()

    def kill_now(self) -> None:
        """SIGKILL without waiting."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def last_words(self) -> str:
        """The last line of its output."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    async def _note_end(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if process is self._process and not self._end_expected and not self.ended_by_itself.done():
            self.ended_by_itself.set_result(status)
