"""The console: one line in, one line of JSON out. It answers in safe mode too.

Nothing that comes in here moves an output: an order is a request that waits for a person on site.
"""

from __future__ import annotations

import asyncio
import json

from micropython import const

from gateway.northbound.cable_console import over_the_cable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from gateway.contracts import Log

_LONGEST_LINE = const(128)
_IDLE_S = const(20)
_MAX_CLIENTS = const(4)


class Console:
    """Serves `questions`: a dict from a word to a function that returns something for JSON.

    `requests` are the words that may be followed by one argument, which their function gets; "" is
    none. `listen(handler, port)` is the board's coroutine that starts a stream server. A board
    answers at the end of its cable as well.
    """

    def __init__(
        self,
        listen: Callable[..., Awaitable[Any]],
        port: int,
        questions: dict[str, Callable[[], object]],
        log: Log,
        requests: dict[str, Callable[[str], object]] | None = None,
    ) -> None:
        self._listen = listen
        self._port = port
        self._questions = questions
        self._requests = requests or {}
        self._log = log
        self._clients = 0
        self._server: Any = None
        self._cable: Any = None
        self.errors = 0

    async def start(self) -> None:
        """Begin to listen; a port that cannot be had is logged and the gateway goes on without."""
        cable = over_the_cable(self.answer)
        if cable is not None:
            self._cable = asyncio.create_task(cable.run())
        try:
            self._server = await self._listen(self._serve, self._port)
        except OSError as error:
            self._log.error("no console on port %d: %s", self._port, error)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: Any, writer: Any) -> None:
        self._clients += 1
        try:
            if self._clients <= _MAX_CLIENTS:
                await self._converse(reader, writer)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            self.errors += 1  # the other side went away or talks nonsense: its problem
        finally:
            self._clients -= 1
            await _close(writer)

    async def _converse(self, reader: Any, writer: Any) -> None:
        pending = b""
        while True:
            received: bytes = await asyncio.wait_for(reader.read(_LONGEST_LINE), _IDLE_S)
            if not received:
                return
            pending += received
            while b"\n" in pending:
                line, pending = pending.split(b"\n", 1)
                writer.write(self.answer(line).encode() + b"\n")
                await asyncio.wait_for(_drain(writer), _IDLE_S)
            if len(pending) > _LONGEST_LINE:
                raise ValueError

    def answer(self, line: bytes) -> str:
        """JSON text for one question; unknown words get the list of known ones."""
        try:
            words = bytes(line).decode().split(None, 1)
        except UnicodeError:
            words = []
        word = words[0] if words else ""
        argument = words[1].strip() if len(words) > 1 else ""
        if word in self._requests:
            return json.dumps(self._requests[word](argument))
        if word in self._questions and not argument:
            return json.dumps(self._questions[word]())
        return json.dumps({"commands": sorted(list(self._questions) + list(self._requests))})


async def _drain(writer: Any) -> None:
    await writer.drain()  # wrapped: on MicroPython wait_for takes coroutines only


async def _close(writer: Any) -> None:
    """Close for good: on MicroPython `close` alone leaves the socket open."""
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass  # it is closed either way
