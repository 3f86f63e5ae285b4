"""A PostgreSQL server of one's own in a folder, for tests and figures."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from host_tools.errors import UserError
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST
from host_tools.toolchain.tools import find_tool, install_command

# Debian keeps the server's programs where no PATH looks, a folder per version.
_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"  # for root, which the server refuses to run as
_START_S = 20.0
_LOOK_S = 0.05


class PostgresServer:
    """Trusts everybody on this machine; keeps its promises when it is killed."""

    def __init__(self, folder: Path, port: int) -> None:
        """`folder` may be read by everybody; UserError without PostgreSQL."""
        self._programs = find_programs()
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://gateway@{HOST}:{port}/postgres"

    def create(self) -> None:
        """Make the database files."""
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self._data, _USER)
        arguments = ["-D", str(self._data), "-A", "trust", "-U", "gateway", "-E", "UTF8"]
        self._run("initdb", *arguments, "--no-locale", "--no-sync")

    def start(self) -> None:
        """Start and wait until it answers."""
        arguments = ["-D", str(self._data), "-p", str(self._port), "-k", ""]
        options = ["-c", f"listen_addresses={HOST}", "-c", "max_connections=20"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered(self._command("postgres", *arguments, *options)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise UserError(f"PostgreSQL does not start: {error}") from error
                time.sleep(_LOOK_S)

    def kill(self) -> None:
        """As a power cut, but for what the system has not written yet."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)  # all its processes at once
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End at once and in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast": does not wait for clients
            self._process.wait()
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), capture_output=True, text=True, cwd="/"
        )
        if done.returncode:
            raise UserError(f"{program}: {done.stderr.strip().rpartition(chr(10))[2]}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", *command]
        return command


def find_programs() -> Path:
    """Folder of `initdb` and `postgres`; UserError when PostgreSQL is not installed."""
    known = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = known[-1] if known else find_tool("initdb")
    if found is None:
        raise UserError(f"no PostgreSQL server ({install_command('postgresql')})")
    return Path(found).resolve().parent


@contextmanager
def running(port: int) -> Iterator[PostgresServer]:
    """A new, empty server for as long as the block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder, port)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
