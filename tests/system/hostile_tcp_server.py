"""A Modbus TCP server on 127.0.0.1 that does what its script says, however wrong that is."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType

CLOSE = "close"
Action = bytes | float | str  # send; pause in seconds; CLOSE
Script = Callable[[int, bytes], Iterable[Action]]


class HostileServer:
    """`script(number, frame)` says what to do about the request with this number, from 0 on.

    `frames` are the requests as they came, `segments` how many bytes each receive gave,
    `connections` how often somebody connected.
    """

    def __init__(self, script: Script) -> None:
        self.frames: list[bytes] = []
        self.segments: list[int] = []
        self.connections = 0
        self._script = script
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> HostileServer:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for each in [self._listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                connection = self._listener.accept()[0]
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        with suppress(OSError):  # the other side closed while something was being sent
            while received := connection.recv(4096):
                self.segments.append(len(received))
                pending += received
                while len(pending) >= 6 + int.from_bytes(pending[4:6], "big") > 6:
                    end = 6 + int.from_bytes(pending[4:6], "big")
                    frame, pending = pending[:end], pending[end:]
                    self.frames.append(frame)
                    if not self._act(connection, self._script(len(self.frames) - 1, frame)):
                        return

    @staticmethod
    def _act(connection: socket.socket, actions: Iterable[Action]) -> bool:
        """False when the connection is closed."""
        for action in actions:
            if isinstance(action, bytes):
                connection.sendall(action)
            elif isinstance(action, str):
                connection.close()
                return False
            else:
                time.sleep(action)
        return True


class DeafListener:
    """A port whose queue of connections is full: a SYN to it is never answered."""

    def __enter__(self) -> int:
        self._sockets = [socket.socket()]
        self._sockets[0].bind(("127.0.0.1", 0))
        self._sockets[0].listen(0)
        address = self._sockets[0].getsockname()
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(address)
            self._sockets.append(filler)
        return address[1]

    def __exit__(self, *details: object) -> None:
        for each in self._sockets:
            each.close()


def values_at(address: int, count: int) -> list[int]:
    """What the registers from `address` on hold, so that no block looks like another."""
    return [(address * 7 + index * 257) & 0xFFFF for index in range(count)]


def good(frame: bytes) -> bytes:
    """The right answer: registers as above, bits all off, writes done."""
    unit, function, address, count = struct.unpack(">BBHH", frame[6:12])
    if function in (3, 4):
        return read_answer(frame, struct.pack(f">{count}H", *values_at(address, count)))
    if function in (1, 2):
        return read_answer(frame, bytes((count + 7) // 8))
    return framed(frame, frame[6:12])


def read_answer(frame: bytes, data: bytes) -> bytes:
    """An answer that holds `data`."""
    return framed(frame, frame[6:8] + bytes([len(data)]) + data)


def refusal(frame: bytes, code: int) -> bytes:
    """An exception answer."""
    return framed(frame, bytes([frame[6], frame[7] | 0x80, code]))


def framed(frame: bytes, body: Sequence[int]) -> bytes:
    """`body` (unit and PDU) under the transaction id of `frame`."""
    return frame[:2] + struct.pack(">HH", 0, len(body)) + bytes(body)
