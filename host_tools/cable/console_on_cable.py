"""Asks a running gateway over the cable; what its log says in between can be had, too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from serial import SerialException

from gateway.northbound.cable_console import ETX, STX
from host_tools.cable.prompt import CableError
from host_tools.monitor.console_client import ConsoleError, Status

_STX, _ETX = STX.encode(), ETX.encode()
_SLICE_S = 0.05


class CableConsole:
    """`serial` is an open port at which a gateway runs; `log(line)` gets every other line."""

    def __init__(self, serial: Any, log: Callable[[str], object] = lambda line: None) -> None:
        self._serial = serial
        self._log = log
        self._pending = b""
        self._pieces: list[bytes] = []

    def ask(self, word: str, patience_s: float = 10.0) -> Status:
        """The answer to one word; ConsoleError after so long a silence."""
        self._pieces.clear()
        try:
            self._serial.write(b"\r\n" + word.encode() + b"\n")
            answer = self._answer(word.split()[0].encode() + b" ", patience_s)
        except (SerialException, OSError) as error:
            raise CableError(f"the connection broke off ({error})") from error
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise ConsoleError("an answer was damaged on the cable") from error
        if not isinstance(found, dict):
            raise ConsoleError("the console answered no JSON object")
        return found

    def listen(self, duration_s: float) -> None:
        """Only hand lines to `log`."""
        end_s = time.monotonic() + duration_s
        try:
            while time.monotonic() < end_s:
                for line in self._lines():
                    self._other(line)
        except (SerialException, OSError) as error:
            raise CableError(f"the connection broke off ({error})") from error

    def _answer(self, begin: bytes, patience_s: float) -> bytes:
        """Without `begin`; an answer to an earlier question, given up long ago, is left out."""
        heard_s = time.monotonic()
        while time.monotonic() - heard_s < patience_s:
            for line in self._lines():
                if line[:1] in (_STX, _ETX):
                    heard_s = time.monotonic()
                    self._pieces.append(line[1:])
                    if line[:1] == _ETX:
                        answer = b"".join(self._pieces)
                        self._pieces.clear()
                        if answer.startswith(begin):
                            return answer.removeprefix(begin)
                else:
                    self._other(line)
        raise ConsoleError(f"no answer within {patience_s:g} s")

    def _lines(self) -> list[bytes]:
        count = self._serial.in_waiting
        if not count:
            time.sleep(_SLICE_S)
            return []
        # a socket tells 1 for any number; asking for more would wait for all of it
        self._pending += self._serial.read(count)
        *lines, self._pending = self._pending.split(b"\n")
        return [line.rstrip(b"\r") for line in lines]

    def _other(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if text:
            self._log(text)
