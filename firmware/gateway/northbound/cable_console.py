"""The console's questions over the board's own USB or serial port, between the lines of the log.

An answer is the word that was asked, a space and JSON. It comes in pieces, each a line of its own
that begins with STX, the last one with ETX. The log may come in between, and no write is so long
that a slow port holds the protection up.
"""

from __future__ import annotations

import asyncio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

STX = "\x02"
ETX = "\x03"
_LONGEST_LINE = 128
PIECE = 60  # characters: 5.4 ms at 115200 baud
_PAUSE_MS = 10  # so that a port of 115200 baud is empty before the next piece
_LF, _CR = 10, 13


_LAPTOPS = ("linux", "darwin", "win32")  # whose standard input is a person's, not a cable


def over_the_cable(answer: Callable[[bytes], str]) -> CableConsole | None:
    """A console on the standard input of a board; None where there is no such thing."""
    if sys.platform in _LAPTOPS:
        return None
    source = asyncio.StreamReader(getattr(sys.stdin, "buffer", sys.stdin))  # type: ignore[arg-type]
    return CableConsole(answer, source, sys.stdout, asyncio.sleep_ms)  # type: ignore[attr-defined]


class CableConsole:
    """`answer(line)` gives the text for one question; `source` has `read(1)`, a coroutine.

    Questions that could not be answered, for lack of memory or cable, are counted.
    """

    def __init__(
        self,
        answer: Callable[[bytes], str],
        source: Any,
        output: Any,
        sleep_ms: Callable[[int], Awaitable[None]],
    ) -> None:
        self._answer = answer
        self._source = source
        self._output = output
        self._sleep_ms = sleep_ms
        self.errors = 0

    async def run(self) -> None:
        """Answer until the other side closes, which a cable never does."""
        pending = bytearray()
        while True:
            received = await self._source.read(1)  # more than there is would hold all tasks up
            if not received:
                return
            byte = received[0]
            if byte not in (_LF, _CR):
                # what is too long is no question: forget its beginning, which spoils the rest
                pending = bytearray() if len(pending) >= _LONGEST_LINE else pending
                pending.append(byte)
            elif pending.strip():
                line, pending = bytes(pending), bytearray()
                try:
                    word = line.split()[0].decode()
                    await self._send(word + " " + self._answer(line))
                except Exception:  # noqa: BLE001 - no question may end the console
                    self.errors += 1

    async def _send(self, text: str) -> None:
        for start in range(0, len(text), PIECE):
            mark = ETX if start + PIECE >= len(text) else STX
            self._output.write(mark + text[start : start + PIECE] + "\n")
            await self._sleep_ms(_PAUSE_MS)
