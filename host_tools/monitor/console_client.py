"""Asks a gateway's console: one word out, one line of JSON back, each within a deadline."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Protocol

Status = dict[str, Any]  # as documented at firmware/gateway/northbound/status.py

_LONGEST_ANSWER = 1 << 20
# behind a ConsoleError, for who reads it
WHAT_TO_CHECK = "check that the gateway has power, its cable or network, and the address"


class ConsoleError(Exception):
    """No answer, or none that can be read; one line. Asking again is right."""


class Client(Protocol):
    """Whichever way a console is reached."""

    async def ask(self, word: str) -> Status:
        """The answer to one word; ConsoleError when there is none in time."""

    def close(self) -> None:
        """Hang up."""


class ConsoleClient:
    """One connection to the console at `host`:`port`, opened when needed, kept while it works."""

    def __init__(self, host: str, port: int, deadline_s: float = 2.0) -> None:
        self._host = host
        self._port = port
        self._deadline_s = deadline_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, word: str) -> Status:
        """The answer to one word; ConsoleError when there is none in time."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._converse(word)
        except TimeoutError as error:
            self.close()
            raise ConsoleError(f"no answer within {self._deadline_s:g} s") from error
        except (OSError, ValueError) as error:
            self.close()
            raise ConsoleError(_words(error)) from error

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None

    async def _converse(self, word: str) -> Status:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, limit=_LONGEST_ANSWER
            )
        self._writer.write(word.encode() + b"\n")
        await self._writer.drain()
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the console closed the connection")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the console answered no JSON object")
        return answer


def _words(error: OSError | ValueError) -> str:
    """Without numbers where the system has words: "Connection refused"."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
