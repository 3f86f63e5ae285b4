"""`gatewayctl capture`: what is said on a line, into a file, without saying anything."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import serial

from host_tools.errors import UserError
from host_tools.probe.frames import REPLY, REQUEST, Frame, sort_serial
from host_tools.probe.line import FRAMES, Where
from host_tools.probe.listener import EVERY_ADDRESS, hang_up, listening
from host_tools.toolchain.progress import say

_BITS = 11
_CHARACTERS = 3.5  # of silence end a frame
_USB_MS = 4.0  # a laptop's adapter hands bytes over in packets
_HEADER_BYTES = 6  # MBAP without the unit
_LONGEST = 260
_FOREVER_S = 10 * 365 * 86400.0
NOTHING = 1


def main(
    where: Where, out: Path, listen_port: int, duration_s: float, as_json: bool = False
) -> int:
    """Once the time is over or Ctrl-C came: 0, or 1 when nothing was said on the line."""
    if where.serial:
        count = listen(where, out, duration_s, _unsaid if as_json else print)
        hint = (
            f"nobody spoke at {where}: check A and B, --baud, --frame, that a gateway asks there"
        )
    else:
        relay = Relay(where, listen_port, out)
        with suppress(KeyboardInterrupt):
            asyncio.run(relay.run(duration_s))
        count = relay.frames
        hint = (
            f"{relay.failed} connections came and {where} took none: check its address and port"
            if relay.failed
            else f"no gateway came to port {relay.port}: check address and port in its site file"
        )
    if as_json:
        print(json.dumps({"file": str(out), "frames": count, "problem": "" if count else hint}))
    else:
        print(f"{out}: {count} frames" + ("" if count else f"; {hint}"))
    return 0 if count else NOTHING


def _unsaid(line: str) -> None:
    """With --json frames stand in the file alone."""


def listen(where: Where, out: Path, duration_s: float, show: Callable[[str], object]) -> int:
    """Listen at a serial port; frames written. Ctrl-C or the time ends it."""
    parity, stop = FRAMES[where.frame]
    try:
        port = serial.Serial(
            where.serial, where.baud, parity=parity, stopbits=stop, timeout=0, exclusive=True
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{where.serial}: cannot be opened: check its name and who has it") from (
            error
        )
    count = 0
    try:
        # Ctrl-C is one of the two ends
        with port, _writer(out) as file, suppress(KeyboardInterrupt):
            for frame in sort_serial(_chunks(port, where.baud, duration_s)):
                file.write(frame.line() + "\n")
                file.flush()
                count += 1
                show(f"{frame.ms:10.1f} {frame.kind:7} {frame.data.hex(' ')}")
    except OSError as error:
        raise UserError(
            f"{where}: broke off ({error}): check the adapter; {out} has {count} frames"
        ) from error
    return count


def _chunks(port: Any, baud: int, duration_s: float) -> Iterator[tuple[float, bytes]]:
    """(ms, bytes) between two silences."""
    silence_s = _CHARACTERS * _BITS / baud + _USB_MS / 1000
    start_s = last_s = time.monotonic()
    began_s, pending = start_s, b""
    while not duration_s or time.monotonic() - start_s < duration_s:
        received = port.read(_LONGEST)
        now_s = time.monotonic()
        if received:
            began_s = began_s if pending else now_s
            pending += received
            last_s = now_s
        elif pending and now_s - last_s > silence_s:
            yield (began_s - start_s) * 1000, pending
            pending = b""
        else:
            time.sleep(0.0005)
    if pending:
        yield (began_s - start_s) * 1000, pending


class Relay:
    """Stands between the gateway and a rack at `where`, hands on and writes down every frame."""

    def __init__(self, where: Where, listen_port: int, out: Path) -> None:
        self.port = listen_port
        self.frames = 0
        self.failed = 0  # connections that the rack did not take
        self._where = where
        self._out = out
        self._zero_s = time.monotonic()

    async def run(self, duration_s: float) -> None:
        """Until the time is over (0: cancelled); UserError when the port cannot be had."""
        with _writer(self._out) as file:

            def note(kind: str, data: bytes) -> None:
                ms = (time.monotonic() - self._zero_s) * 1000
                file.write(Frame(ms, kind, data).line() + "\n")
                file.flush()
                self.frames += 1

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._relay(reader, writer, note)

            async with listening(serve, EVERY_ADDRESS, self.port) as self.port:
                here = f"this laptop's address and port {self.port}"
                say(f"give the gateway {here} for {self._where}")
                await asyncio.sleep(duration_s or _FOREVER_S)

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        note: Callable[[str, bytes], None],
    ) -> None:
        """Until one side hangs up."""
        try:
            there, to = await asyncio.open_connection(self._where.host, self._where.port)
        except OSError:
            self.failed += 1
            raise  # which ends this connection
        try:
            ways = [
                asyncio.create_task(_hand_on(reader, to, REQUEST, note)),
                asyncio.create_task(_hand_on(there, writer, REPLY, note)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            await hang_up(to)


async def _hand_on(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    kind: str,
    note: Callable[[str, bytes], None],
) -> None:
    while True:
        header = await source.readexactly(_HEADER_BYTES)
        data = await source.readexactly(min(int.from_bytes(header[4:6], "big"), _LONGEST))
        target.write(header + data)
        await target.drain()
        note(kind, data)


def _writer(out: Path) -> Any:
    try:
        return out.open("x")
    except FileExistsError as error:
        raise UserError(f"{out}: is there already: name another file, or remove it") from error
    except OSError as error:
        raise UserError(f"{out}: {error.strerror}") from error
