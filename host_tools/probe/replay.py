"""`gatewayctl replay`: a recorded site answers again, over Modbus TCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from host_tools.errors import UserError
from host_tools.probe.frames import REPLY, REQUEST, Frame, load
from host_tools.probe.listener import EVERY_ADDRESS, listening
from host_tools.toolchain.progress import say

_HEADER_BYTES = 6
_LONGEST = 260
_NO_REGISTER = 2
_FOREVER_S = 10 * 365 * 86400.0


def main(recording: Path, port: int, duration_s: float, as_json: bool = False) -> int:
    """0, once the time is over or Ctrl-C came."""
    replay = Replay(load(recording))
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(replay, port, duration_s))
    if as_json:
        print(json.dumps({"answered": replay.answered, "strangers": replay.strangers}))
    else:
        print(f"{replay.answered} requests answered, {replay.strangers} were not in the recording")
    return 0


async def _run(replay: Replay, port: int, duration_s: float) -> None:
    async with listening(replay.serve, EVERY_ADDRESS, port) as found:
        say(f"{len(replay.answers)} different requests; answering at port {found} until Ctrl-C")
        await asyncio.sleep(duration_s or _FOREVER_S)


class Replay:
    """Answers each request with the replies that followed it in the recording, in turn.

    What was never answered stays so; what was never asked is refused by exception 2.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.answers: dict[bytes, list[bytes]] = {}
        self.answered = 0
        self.strangers = 0  # requests that are not in the recording
        self._turn: dict[bytes, int] = {}
        asked: bytes | None = None
        for frame in frames:
            if frame.kind == REQUEST:
                asked = frame.data
                self.answers.setdefault(asked, [])
            elif frame.kind == REPLY and asked is not None:
                self.answers[asked].append(frame.data)
                asked = None
        if not self.answers:
            raise UserError("the recording holds no request")

    def answer(self, request: bytes) -> bytes | None:
        """Unit and PDU of the next reply to `request`; None for silence."""
        replies = self.answers.get(request)
        if replies is None:
            self.strangers += 1
            return bytes((request[0], request[1] | 0x80, _NO_REGISTER))
        if not replies:
            return None
        self.answered += 1
        turn = self._turn.get(request, 0)
        self._turn[request] = turn + 1
        return replies[turn % len(replies)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        while True:
            header = await reader.readexactly(_HEADER_BYTES)
            length = min(int.from_bytes(header[4:6], "big"), _LONGEST)
            request = await reader.readexactly(length)
            reply = self.answer(request) if length > 1 else None
            if reply is not None:
                writer.write(header[:4] + len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
