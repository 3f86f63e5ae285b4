"""TCP on the laptop: non-blocking streams for the bus, asyncio streams for everything else."""

from __future__ import annotations

import asyncio
import select
import socket

_IPPROTO_TCP = 6
_TCP_NODELAY = 1
_IN_PROGRESS = (36, 115)  # macOS, Linux
_REFUSED = 111


class Network:
    """Opens non-blocking TCP connections; addresses are looked up once."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, int], object] = {}

    def connect(self, host: str, port: int) -> TcpStream:
        """Begin to connect and return at once; OSError when that is impossible."""
        key = (host, port)
        if key not in self._addresses:
            self._addresses[key] = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
        return TcpStream(self._addresses[key])


class TcpStream:
    """A non-blocking connection; `readinto` gives None while there is nothing to read."""

    def __init__(self, address: object) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except OSError as error:
            if error.errno not in _IN_PROGRESS:
                self._socket.close()
                raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLOUT)
        if hasattr(self._socket, "readinto"):  # MicroPython
            self.readinto = self._socket.readinto
            self.write = self._socket.write

    def connected(self) -> bool:
        """True once the connection stands; OSError when it was refused."""
        for _, events in self._poll.poll(0):
            if events & (select.POLLERR | select.POLLHUP):
                raise OSError(_REFUSED, "connection refused")
            self._socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            return True
        return False

    def readinto(self, buffer: bytearray, count: int = 0) -> int | None:
        """Read at most `count` bytes; 0 = closed by the peer, None = nothing yet."""
        try:
            return self._socket.recv_into(buffer, count)
        except BlockingIOError:
            return None

    def write(self, data: bytearray) -> int | None:
        """Write as much as goes at once; None when nothing does."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


async def open_stream(host: str, port: int) -> tuple[object, object]:
    """asyncio (reader, writer) of a TCP connection without Nagle's delay."""
    reader, writer = await asyncio.open_connection(host, port)
    sock = writer.s if hasattr(writer, "s") else writer.get_extra_info("socket")
    sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    return reader, writer


async def listen(handler: object, port: int) -> object:
    """Serve asyncio streams on 127.0.0.1; OSError when the port is taken."""
    return await asyncio.start_server(handler, "127.0.0.1", port)
