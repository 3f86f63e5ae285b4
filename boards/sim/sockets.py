"""TCP on the laptop: non-blocking streams for the bus, asyncio streams for everything else."""

from __future__ import annotations

import asyncio
import select
import socket

from bus_wait import BusWait

_IPPROTO_TCP = 6
_TCP_NODELAY = 1
_IN_PROGRESS = (36, 115)  # macOS, Linux
_REFUSED = 111


class Network:
    """Opens non-blocking TCP connections that `bus_wait` waits for; looks addresses up once."""

    def __init__(self, bus_wait: BusWait) -> None:
        self._bus_wait = bus_wait
        self._addresses: dict[tuple[str, int], object] = {}

    def connect(self, host: str, port: int) -> TcpStream:
        """Begin to connect and return at once; OSError when that is impossible."""
        key = (host, port)
        if key not in self._addresses:
            self._addresses[key] = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
        return TcpStream(self._addresses[key], self._bus_wait)


class TcpStream:
    """A non-blocking connection; `readinto` gives None while there is nothing to read.

    Until it stands `bus_wait` waits for it to be writable, afterwards for input.
    """

    def __init__(self, address: object, bus_wait: BusWait) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        try:
            self.socket.connect(address)
        except OSError as error:
            if error.errno not in _IN_PROGRESS:
                self.socket.close()
                raise
        self._outcome = select.poll()
        self._outcome.register(self.socket, select.POLLOUT)
        self._bus_wait = bus_wait
        bus_wait.register(self.socket, True)
        if hasattr(self.socket, "readinto"):  # MicroPython
            self.readinto = self.socket.readinto
            self.write = self.socket.write

    def connected(self) -> bool:
        """True once the connection stands; OSError when it was refused."""
        for _, events in self._outcome.poll(0):
            if events & (select.POLLERR | select.POLLHUP):
                raise OSError(_REFUSED, "connection refused")
            self.socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            self._bus_wait.register(self.socket)
            return True
        return False

    def readinto(self, buffer: bytearray | memoryview, count: int = 0) -> int | None:
        """Read at most `count` bytes; 0 = closed by the peer, None = nothing yet."""
        try:
            return self.socket.recv_into(buffer, count)
        except BlockingIOError:
            return None

    def write(self, data: bytearray) -> int | None:
        """Write as much as goes at once; None when nothing does."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Close the connection."""
        self._bus_wait.unregister(self.socket)
        self.socket.close()


async def open_stream(host: str, port: int) -> tuple[object, object]:
    """asyncio (reader, writer) of a TCP connection without Nagle's delay; OSError."""
    if not hasattr(socket.socket, "readinto"):  # CPython
        reader, writer = await asyncio.open_connection(host, port)
        writer.get_extra_info("socket").setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        return reader, writer
    # MicroPython's open_connection leaves its socket open for ever when it is cancelled.
    stream = Network(BusWait()).connect(host, port)
    try:
        while not stream.connected():  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.002)
    except (OSError, asyncio.CancelledError):
        stream.close()
        raise
    both = asyncio.StreamReader(stream.socket)
    return both, both


async def listen(handler: object, port: int) -> object:
    """Serve asyncio streams on 127.0.0.1; OSError when the port is taken."""
    return await asyncio.start_server(handler, "127.0.0.1", port)
