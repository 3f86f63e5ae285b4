"""The other end of real sockets: a broker that does what the test says, and time that runs fast.

It has its own small packet reader, so that client and broker cannot agree on the same mistake.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import struct
import sys

from gateway.clock import TICKS_MASK, Clock

CONNECT = 1
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
PINGREQ = 12
DISCONNECT = 14

ACCEPTED = b"\x20\x02\x00\x00"
_IPPROTO_TCP = 6
_TCP_NODELAY = 1
_SPEED = 10
_PATIENCE_S = 10


class FastClock(Clock):
    """Ten times the speed of real time, so that deadlines of seconds pass in tests."""

    def ticks(self):
        return super().ticks() * _SPEED & TICKS_MASK

    async def sleep_ms(self, delay_ms):
        await super().sleep_ms((delay_ms + _SPEED - 1) // _SPEED)


class LineLog:
    """Takes what a logger takes and keeps the lines."""

    def __init__(self):
        self.lines = []

    def info(self, message, *arguments):
        self.lines.append(message % arguments)

    warning = error = info


class Packet:
    """One packet from the client, taken apart as far as a test needs it."""

    def __init__(self, connection, first, body):
        self.connection = connection  # number, from 1
        self.kind = first >> 4
        self.flags = first & 15
        self.body = body
        self.topic = ""
        self.packet_id = 0
        self.payload = b""
        if self.kind == PUBLISH:
            size = body[0] << 8 | body[1]
            self.topic = body[2 : 2 + size].decode()
            offset = 2 + size
            if self.flags & 6:
                self.packet_id = body[offset] << 8 | body[offset + 1]
                offset += 2
            self.payload = body[offset:]
        elif self.kind in (PUBACK, SUBSCRIBE):
            self.packet_id = body[0] << 8 | body[1]


class ScriptedBroker:
    """`answer(broker, packet)` is a coroutine function that decides; `accept_all` is one."""

    def __init__(self, answer):
        self._answer = answer
        self._writer = None
        self._server = None
        self._handlers = 0
        self.port = 0
        self.connections = 0
        self.open = 0  # connections not yet closed by the client
        self.packets = []

    async def start(self, port=0):
        """Listen on `port`, or on a free one."""
        while self._server is None:
            self.port = port or 20000 + struct.unpack("<H", os.urandom(2))[0] % 12000
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            except OSError:
                if port:
                    raise
                # otherwise in use: try another one

    async def stop(self):
        """Stop listening; AssertionError when the client has left a connection open."""
        server, self._server = self._server, None
        server.close()
        await server.wait_closed()
        await until(lambda: self._handlers == 0, "every connection closed")

    async def send(self, data):
        """Bytes to the client of the latest connection."""
        self._writer.write(data)
        await self._writer.drain()

    async def ack(self, packet):
        """PUBACK for `packet`."""
        await self.send(bytes((0x40, 2, packet.packet_id >> 8, packet.packet_id & 255)))

    def cut(self):
        """End the latest connection from this side once the answer is out."""
        self._writer = None

    def of_kind(self, kind, connection=0):
        """The packets of a kind so far, of one connection or of all."""
        return [
            packet
            for packet in self.packets
            if packet.kind == kind and connection in (0, packet.connection)
        ]

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        self._handlers += 1
        number = self.connections
        self._writer = writer
        try:
            while self._writer is writer:
                packet = await _read_packet(reader, number)
                self.packets.append(packet)
                await self._answer(self, packet)
        except (EOFError, OSError):
            pass  # the client closed; that is what `open` tells
        self.open -= 1
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass
        self._handlers -= 1


async def _read_packet(reader, number):
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return Packet(number, first, await reader.readexactly(length) if length else b"")


async def accept_all(broker, packet):
    """A broker that has nothing to complain about."""
    if packet.kind == CONNECT:
        await broker.send(ACCEPTED)
    elif packet.kind == PUBLISH and packet.packet_id:
        await broker.ack(packet)
    elif packet.kind == SUBSCRIBE:
        await broker.send(b"\x90\x03" + packet.body[:2] + b"\x01")
    elif packet.kind == PINGREQ:
        await broker.send(b"\xd0\x00")


async def connect(host, port):
    """What a board hands to the client: without Nagle's delay, and closed when cancelled."""
    if sys.implementation.name != "micropython":
        reader, writer = await asyncio.open_connection(host, port)
        writer.get_extra_info("socket").setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        return reader, writer
    # MicroPython's open_connection leaves its socket open for ever when it is cancelled.
    link = socket.socket()
    try:
        link.setblocking(False)
        link.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        try:
            link.connect(socket.getaddrinfo(host, port)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(link, select.POLLOUT)
        while not poller.poll(0):
            await asyncio.sleep(0.001)
    except (OSError, asyncio.CancelledError):
        link.close()
        raise
    stream = asyncio.StreamReader(link)
    return stream, stream


async def until(condition, about=""):
    """Wait for `condition()`; AssertionError when it does not come true."""
    for _ in range(_PATIENCE_S * 100):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen within %d s %s" % (_PATIENCE_S, about))


def run(main):
    """Run coroutine `main` in an event loop of its own."""
    if sys.implementation.name == "micropython":
        asyncio.new_event_loop()  # there `run` goes on with the loop of the test before
    asyncio.run(main)
