"""A TCP link that takes its time: what goes in comes out so much later, as much as there is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HOST = "127.0.0.1"
_PIECE = 65536


@asynccontextmanager
async def delayed_link(target: int, delay_s: float) -> AsyncIterator[int]:
    """A port of this machine that leads to `target`, `delay_s` away in each direction."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(HOST, target)
        for each in (writer, back_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            writers.append(each)
        await asyncio.gather(
            _one_way(reader, back_writer, delay_s), _one_way(back_reader, writer, delay_s)
        )

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(2 * delay_s)  # for what is still on its way
        for each in writers:
            each.transport.abort()
        await asyncio.sleep(0.05)


async def _one_way(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float
) -> None:
    loop = asyncio.get_running_loop()

    def pass_on(data: bytes) -> None:
        if data:
            writer.write(data)
        else:
            writer.close()

    with contextlib.suppress(OSError):  # one side is gone: so is the other, later
        while data := await reader.read(_PIECE):
            loop.call_later(delay_s, pass_on, data)
    loop.call_later(delay_s, pass_on, b"")
