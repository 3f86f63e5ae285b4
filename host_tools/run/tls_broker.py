"""mosquitto with TLS for the gateway, and without for whoever looks on; keeps nothing on disk."""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from host_tools.errors import UserError
from host_tools.run.broker import MOSQUITTO
from host_tools.run.certificates import Authority
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST
from host_tools.toolchain.tools import find_tool, install_command

NAME = "broker.plant-7"
_START_S = 20.0
_CONFIG = """\
user {user}
allow_anonymous true
persistence false
log_dest stderr
max_inflight_messages 0
max_queued_messages 0
listener {port} {host}
listener {tls_port} {host}
cafile {authority}
certfile {certificate}
keyfile {key}
require_certificate {wants_certificate}
"""


class TlsBroker:
    """Two listeners on free ports of this machine; the one with TLS wants a certificate.

    `certificate` and `key` are the broker's own files and may be changed before it runs.
    """

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self._authority = authority
        self.port = _free_port()
        self.tls_port = _free_port()
        self.certificate, self.key = authority.issue(NAME)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The broker for as long as the block; UserError when it does not start."""
        program = find_tool(MOSQUITTO)
        if program is None:
            raise UserError(f"no mosquitto ({install_command(MOSQUITTO)})")
        config = self._folder / "mosquitto.conf"
        config.write_text(
            _CONFIG.format(
                user=getpass.getuser(),
                host=HOST,
                port=self.port,
                tls_port=self.tls_port,
                authority=self._authority.pem,
                certificate=self.certificate,
                key=self.key,
                wants_certificate="true",
            )
        )
        with (self._folder / "mosquitto.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *tethered([program, "-c", str(config)]), stdout=log, stderr=log
            )
        try:
            await asyncio.wait_for(_listening(self.port), _START_S)
            yield
        except TimeoutError:
            raise UserError(f"mosquitto does not listen: see {log.name}") from None
        finally:
            process.kill()
            await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
    return number
