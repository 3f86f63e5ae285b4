"""The MQTT broker of a run: mosquitto when it is installed, otherwise the embedded one."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import signal
import socket
import sys
from pathlib import Path

from host_tools.errors import UserError
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST, PortInUseError
from host_tools.toolchain.paths import ROOT
from host_tools.toolchain.tools import find_tool

MOSQUITTO = "mosquitto"
AMQTT = "amqtt"
DATABASE = "sessions.sqlite"  # of the embedded broker

_START_S = 20.0
_STOP_S = 5.0
_LOOK_S = 0.02
_FREEZE_S = 0.25

# Nothing is held back from a subscriber (no limit in flight): mosquitto writes to the subscriber's
# socket before it acknowledges to the publisher, so with the subscriber there, what was
# acknowledged has left the process when that is killed. Subscriptions, and messages for one that
# is away, are on disk some milliseconds later: after every change, but after its acknowledgement.
_MOSQUITTO_CONFIG = """\
listener {port} {host}
user {user}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %H:%M:%S
"""


class Broker:
    """A broker on `port` of this machine, as a process that can be killed and started again.

    A durable subscription (QoS 1, clean session false) survives `kill` and `restart`, and what
    the broker acknowledged is delivered once its subscriber is back. (Limit: mosquitto forgets
    subscriptions, and messages for a subscriber that is away, of the last milliseconds before
    `kill`.) The broker dies with the process that started it and writes to `folder` only.
    """

    def __init__(self, port: int, folder: Path, kind: str | None = None) -> None:
        """`kind` None takes mosquitto when it is installed."""
        self.port = port
        self.kind = kind or (MOSQUITTO if find_tool(MOSQUITTO) else AMQTT)
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def log_path(self) -> Path:
        """What the broker has to say."""
        return self._folder / f"{self.kind}.log"

    @property
    def database(self) -> Path:
        """File with what survives a kill."""
        return self._folder / ("mosquitto.db" if self.kind == MOSQUITTO else DATABASE)

    async def start(self) -> None:
        """Start and wait until it listens; UserError when it cannot."""
        _refuse_used_port(self.port)
        self._folder.mkdir(parents=True, exist_ok=True)
        command = self._mosquitto() if self.kind == MOSQUITTO else self._amqtt()
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                # Ctrl-C in the terminal is for us alone: the gateway has records to send yet
                start_new_session=True,
            )
        try:
            await asyncio.wait_for(self._listening(), _START_S)
        except TimeoutError:
            await self.kill()
            raise UserError(f"broker {self.kind} does not listen: see {self.log_path}") from None

    async def kill(self) -> None:
        """SIGKILL, as a power cut; the listening port is free afterwards.

        The process is frozen a moment before, so that a subscriber reads what has been sent to
        it: the reset that a kill causes makes a client throw away what it has not read yet.
        """
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(_FREEZE_S)
            self._process.kill()
        await self._process.wait()

    async def restart(self) -> None:
        """Start again with what the last one left on disk; kills it if it still runs."""
        await self.kill()
        await self.start()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns when the process is gone."""
        if not self.running:
            return
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            await self.kill()

    def _mosquitto(self) -> list[str]:
        program = find_tool(MOSQUITTO)
        if program is None:
            raise UserError("mosquitto is not installed: apt-get install mosquitto")
        config = self._folder / "mosquitto.conf"
        config.write_text(
            _MOSQUITTO_CONFIG.format(
                port=self.port, host=HOST, user=getpass.getuser(), folder=self._folder.resolve()
            )
        )
        return tethered([program, "-c", str(config.resolve())])

    def _amqtt(self) -> list[str]:
        module = "host_tools.run.embedded_broker"
        return [sys.executable, "-m", module, str(self.port), str(self.database.resolve())]

    async def _listening(self) -> None:
        """Wait for the port to answer; UserError when the process ends instead."""
        assert self._process is not None
        while True:
            if self._process.returncode is not None:
                last = self.log_path.read_text(errors="replace").strip().splitlines()[-1:]
                raise UserError(f"broker {self.kind} ended at once: {' '.join(last)}")
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                await asyncio.sleep(_LOOK_S)
                continue
            writer.close()
            await writer.wait_closed()
            return


def _refuse_used_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortInUseError(port, "broker port") from None
