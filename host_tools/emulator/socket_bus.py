"""Racks on one serial bus of the emulated board, behind a TCP port that QEMU connects to.

QEMU hands over bytes without their pace, and a busy host puts pauses between them. So a request
ends by its own length here, not by silence; what the firmware makes of silences is tested on the
simulator's own wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from host_tools.simulate.exchange import RTU, Exchange, is_sound
from host_tools.simulate.ports import HOST
from host_tools.simulate.responder import Responder

_SHORT_BYTES = 8  # of a read, or of a write to one register or coil
_WRITE_MANY = (15, 16)
_COUNT_AT = 6  # byte count of those
_LONGEST = 256


class SocketBus:
    """Serves `units` (unit id to racks) between `start` and `stop`; `port` is known since `start`.

    `requests` counts all frames, `bad_frames` those with a bad checksum.
    """

    def __init__(
        self, units: Mapping[int, Sequence[int]], responder: Responder, latency_ms: float
    ) -> None:
        self.port = 0
        self.requests = self.bad_frames = 0
        self._units = units
        self._responder = responder
        self._latency_s = latency_ms / 1000
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, HOST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # the board was switched off
                while True:
                    frame = await _request(reader)
                    await self._answer(frame, writer)
        except asyncio.CancelledError:
            pass  # `stop`
        finally:
            self._clients.discard(task)
            writer.close()

    async def _answer(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        if not is_sound(frame):
            self.bad_frames += 1
            return
        unit = frame[0]
        exchange = Exchange(RTU, unit, frame[1:-2])
        if unit not in self._units or not self._responder.respond(exchange, self._units[unit]):
            return
        await asyncio.sleep(self._latency_s + exchange.delay_ms / 1000)
        writer.write(exchange.frame)
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """The next frame; after garbage whatever comes next counts as one."""
    frame = await reader.readexactly(_SHORT_BYTES)
    if frame[1] in _WRITE_MANY:
        rest = frame[_COUNT_AT] + 1  # byte 7 is the first of the data; two of the checksum
        frame += await reader.readexactly(min(rest, _LONGEST - _SHORT_BYTES))
    return frame
