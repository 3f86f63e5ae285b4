"""A TCP port whose connections are all gone when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from host_tools.errors import UserError

EVERY_ADDRESS = "0.0.0.0"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def listening(serve: Serve, host: str, port: int) -> AsyncIterator[int]:
    """The port; UserError when it cannot be had. What a client breaks ends its connection."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            tasks.discard(task)
            await hang_up(writer)

    try:
        server = await asyncio.start_server(one, host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"--listen {port}: {reason}; --listen names another port") from error
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, and wait until that is done."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
