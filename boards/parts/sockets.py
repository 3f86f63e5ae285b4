"""TCP and UDP of every board with a network: non-blocking for bus and time, asyncio streams else.

Numbers are those of the stack underneath, which differ: lwIP's, ESP-IDF's, Linux's, macOS's.
"""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from errno import ECONNREFUSED, EINPROGRESS  # not errno.EX: mpy-cross would put its own number in

from bus_wait import BusWait

_IPPROTO_TCP = 6
_TCP_NODELAY = getattr(socket, "TCP_NODELAY", 1)  # the unix port does not name it
# Of a laptop, which MicroPython does not name; None: a board's buffer is small anyway.
_SO_SNDBUF = {"linux": 7, "darwin": 0x1001}.get(sys.platform)
_SEND_BUFFER = 16384  # Linux doubles it; what lies in it is old by the time it leaves


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
            if error.errno != EINPROGRESS:
                self.socket.close()
                raise
        self._outcome = select.poll()
        # the ESP32 tells of a hang-up only who asks
        self._outcome.register(self.socket, select.POLLOUT | select.POLLERR | select.POLLHUP)
        self._bus_wait = bus_wait
        bus_wait.register(self.socket, True)
        if hasattr(self.socket, "readinto"):  # MicroPython
            self.readinto = self.socket.readinto
            self.write = self.socket.write

    def connected(self) -> bool:
        """True once the connection stands; OSError when it was refused."""
        for _, events in self._outcome.poll(0):
            if events & (select.POLLERR | select.POLLHUP):
                raise OSError(ECONNREFUSED, "connection refused")
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


class DatagramSocket:
    """UDP to and from one address; `readinto` gives None while there is nothing to read."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.send = self.socket.send
        if hasattr(self.socket, "readinto"):  # MicroPython
            self.readinto = self.socket.readinto
        try:
            self.socket.connect(socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1])
        except OSError:
            self.socket.close()
            raise

    def readinto(self, buffer: bytearray) -> int | None:
        """Read one packet, cut to the buffer; None = nothing there."""
        try:
            return self.socket.recv_into(buffer)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


async def open_stream(
    host: str, port: int, tls: object = None, server_name: str = ""
) -> tuple[object, object]:
    """asyncio (reader, writer) of a TCP connection without Nagle's delay; OSError.

    It holds back no more than a board would: on a thin link live data shall wait here, not in a
    buffer where nobody can replace it.

    With `tls`, an SSLContext, it is encrypted, and the certificate of the other side must be for
    `server_name`. On MicroPython the handshake goes with the first write, in its pieces between
    two waits for the network, and a refused certificate is a ValueError there.
    """
    if not hasattr(socket.socket, "readinto"):  # CPython
        name = server_name if tls is not None else None
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=name)
        link = writer.get_extra_info("socket")
        link.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        return reader, writer
    # MicroPython's open_connection leaves its socket open for ever when it is cancelled.
    stream = Network(BusWait()).connect(host, port)
    try:
        while not stream.connected():  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.002)
        if _SO_SNDBUF is not None:
            stream.socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUF, _SEND_BUFFER)
        both = asyncio.StreamReader(stream.socket)
        if tls is not None:
            both = _TlsStream(tls, stream.socket, server_name)
    except (OSError, ValueError, asyncio.CancelledError):
        stream.close()
        raise
    return both, both


class _TlsStream(asyncio.StreamReader):
    """MicroPython's stream over TLS; closes the socket below too.

    After a handshake that failed the TLS socket has forgotten the one below and closes nothing.
    """

    def __init__(self, tls: object, plain: socket.socket, server_name: str) -> None:
        self._plain = plain
        super().__init__(
            tls.wrap_socket(plain, server_hostname=server_name, do_handshake_on_connect=False)
        )

    async def wait_closed(self) -> None:
        """Close; sends no good-bye of TLS."""
        self.s.close()
        self._plain.close()


async def listen(handler: object, port: int) -> object:
    """Serve asyncio streams on 127.0.0.1; OSError when the port is taken."""
    return await asyncio.start_server(handler, "127.0.0.1", port)
