"""Racks behind one Modbus TCP port."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence

from host_tools.simulate.exchange import TCP, Exchange, split_mbap
from host_tools.simulate.ports import HOST, PortInUseError
from host_tools.simulate.rack_slave import exception
from host_tools.simulate.registers import TARGET_SILENT
from host_tools.simulate.responder import Responder

_RESET = struct.pack("ii", 1, 0)  # linger for no time
QUEUE = 100  # requests of one connection that wait for their answer; more are a master gone mad


class TcpServer:
    """Serves `units` (unit id to racks) on `port` from `start` to `stop`.

    An unknown unit is answered with exception 0x0B, as a Modbus gateway does; what is no Modbus
    closes the connection. asyncio sets TCP_NODELAY on every connection by itself.
    """

    def __init__(
        self, port: int, units: Mapping[int, Sequence[int]], responder: Responder
    ) -> None:
        self.port = port
        self.units = units
        self.responder = responder
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises PortInUseError."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), HOST, self.port)
        except OSError:
            raise PortInUseError(self.port, "base port") from None

    async def stop(self) -> None:
        """Close the port and every connection; nothing happens when not started."""
        if self._server:
            self._server.close()
            self._server = None
        self.drop()

    def drop(self) -> None:
        """Reset every connection."""
        for connection in list(self.connections):
            connection.abort()

    @property
    def down(self) -> bool:
        """Whether all of its racks restart: nobody is there to take a connection."""
        slaves = self.responder.slaves
        racks = [rack for of_unit in self.units.values() for rack in of_unit]
        return all(slaves[rack].rack.restarting for rack in racks)


class _Connection(asyncio.Protocol):
    """One master. Answers leave in the order of their requests, however late one is."""

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._answers: asyncio.Queue[tuple[Exchange, float]] = asyncio.Queue(QUEUE)
        self._waiting = 0  # answers that the sender has not sent yet
        self._sender: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        if self._server.down:
            self.abort()
            return
        self._sender = asyncio.create_task(self._send())

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._sender:
            self._sender.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while found := split_mbap(self._buffer):
                transaction, unit, request, used = found
                self._buffer = self._buffer[used:]
                self._take(Exchange(TCP, unit, request, transaction))
        except (ValueError, asyncio.QueueFull):
            self.abort()

    def abort(self) -> None:
        """Reset the connection: the master sees an error, not an end."""
        if self._transport:
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
            self._transport.abort()

    def _take(self, exchange: Exchange) -> None:
        racks = self._server.units.get(exchange.unit)
        if racks is None:
            exchange.pdu = exception(exchange.request[0], TARGET_SILENT)
            exchange.build()
        elif not self._server.responder.respond(exchange, racks):
            return
        if exchange.delay_ms == 0 and exchange.pieces == 0 and self._waiting == 0:
            self._put(exchange)
        else:
            self._waiting += 1
            self._answers.put_nowait((exchange, self._loop.time() + exchange.delay_ms / 1000))

    async def _send(self) -> None:
        while True:
            exchange, at_s = await self._answers.get()
            await asyncio.sleep(max(0.0, at_s - self._loop.time()))
            size = exchange.pieces or len(exchange.frame)
            frame = exchange.frame
            while len(frame) > size:
                assert self._transport
                self._transport.write(frame[:size])
                frame = frame[size:]
                await asyncio.sleep(exchange.gap_ms / 1000)
            exchange.frame = frame
            self._put(exchange)
            self._waiting -= 1

    def _put(self, exchange: Exchange) -> None:
        if exchange.reset:
            self.abort()
        elif self._transport:
            self._transport.write(exchange.frame)
