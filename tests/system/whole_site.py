"""Starts `gatewayctl run` as a person does, on ports of its own, and looks what is left of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from own_ports import free_row

from host_tools.errors import UserError
from host_tools.run import ports
from host_tools.toolchain.paths import BUILD, ROOT

SITE = "energalactic-5015-0.5c"
SMALL_SITE = "celestial-energy-835-800v-0.5c"  # two racks
_PORTS = 20  # 16 racks, wiring, console, broker
STARTED = "run "  # begins the first line that a running gateway causes


class WholeSite:
    """Runs on one range of ports; `folder` is where they write."""

    def __init__(self) -> None:
        self.first_port = free_row(_PORTS)
        self.folder = BUILD / f"run-{self.first_port}"
        self.ports = ports.ports_from(self.first_port)

    def command(self, **options: object) -> list[str]:
        """The command line; options as `gatewayctl run` has them."""
        words = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "host_tools", "run", *words]

    def environment(self) -> dict[str, str]:
        """With the range of ports in it."""
        return os.environ | {ports.VARIABLE: str(self.first_port), "PYTHONUNBUFFERED": "1"}

    def run(self, **options: object) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self.command(**options),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=90,
        )

    @contextmanager
    def running(self, **options: object) -> Iterator[subprocess.Popen[str]]:
        """A run whose gateway has answered for the first time."""
        with subprocess.Popen(
            self.command(**options),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,  # as a shell does
        ) as process:
            try:
                assert process.stdout
                seen = []
                while not (line := process.stdout.readline()).startswith(STARTED):
                    seen.append(line)
                    assert line, "".join(seen)
                yield process
            finally:
                process.kill()

    def summary(self) -> dict[str, Any]:
        """What the last run wrote."""
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return found

    def story(self, done: subprocess.CompletedProcess[str]) -> str:
        """All that a run and its gateway said, for a test that failed."""
        log = self.folder / "gateway.log"
        said = log.read_text(errors="replace") if log.exists() else "no gateway.log"
        return "\n".join([done.stdout, done.stderr, said])

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started for this range of ports."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if f"{self.folder}/" in words or f"{self.folder} " in f"{words} ":
                    found.append(process)
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def gateway(self) -> psutil.Process:
        """The process of the gateway."""
        (found,) = [p for p in self.processes() if p.cmdline()[-1].endswith("board.json")]
        return found

    def leaves_nothing(self, within_s: float = 3.0) -> bool:
        """True once no process is left and all ports are free."""
        return eventually(lambda: not self.processes() and self._ports_are_free(), within_s)

    def clean_up(self) -> None:
        """After a test, whatever came of it."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ports_are_free(self) -> bool:
        try:
            ports.check_free(self.ports, 12, own_broker=True)
        except UserError:
            return False
        return True


def eventually(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether `condition` comes true in time."""
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True


def site_file(folder: Path, text: str, product: str = SMALL_SITE) -> str:
    """A site file with `text` after its product."""
    path = folder / "site.toml"
    path.write_text(f'product = "{product}"\n{text}')
    return str(path)
