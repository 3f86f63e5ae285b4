"""The ports of a run: fixed, so that other tools find them, and checked before anything starts."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from host_tools.errors import UserError
from host_tools.simulate.ports import HOST

# Names the first port of a run; two runs at a time need different ones, and write to different
# folders.
VARIABLE = "GATEWAYCTL_FIRST_PORT"
DEFAULT_FIRST = 15020
_MAX_RACKS = 16


@dataclass(frozen=True)
class Ports:
    """`racks` is the first rack's; the others follow it."""

    racks: int
    wiring: int
    console: int
    broker: int


def ports_from(first: int = DEFAULT_FIRST) -> Ports:
    """The ports of a run that begins at `first`."""
    after = first + _MAX_RACKS
    return Ports(racks=first, wiring=after, console=after + 1, broker=after + 2)


def first_port() -> int:
    """The first port that the environment asks for, or the default; UserError for nonsense."""
    text = os.environ.get(VARIABLE, str(DEFAULT_FIRST))
    if not text.isascii() or not text.isdigit() or not 1024 <= int(text) <= 65000:
        raise UserError(f"{VARIABLE}={text}: needs a port from 1024 to 65000")
    return int(text)


def check_free(ports: Ports, racks: int, own_broker: bool) -> None:
    """UserError that names the first port that is taken and what wanted it."""
    wanted = {ports.racks + index: f"rack{index + 1:02d}" for index in range(racks)}
    wanted |= {ports.wiring: "the relay wiring", ports.console: "the gateway's console"}
    if own_broker:
        wanted[ports.broker] = "the broker"
    for port, what in wanted.items():
        with socket.socket() as probe:
            # as the servers do: a connection that lingers after the last run is no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise UserError(
                    f"port {port} for {what} is in use: stop what uses it"
                    f" or set {VARIABLE} to another first port"
                ) from None
