"""MicroPython's prompt at the end of a cable: run code there, restart the board.

The one place that knows mpremote; every failure of the cable becomes a CableError.
"""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException, serial_for_url

from host_tools.errors import UserError

_BAUD = 115200
_SILENCE_S = 10.0  # of a board that works on something
_ATTEMPTS = 3
_BACK_S = 15.0  # a restart, and USB finding the board again
_PAUSE_S = 0.3
_FREE_S = 1.0
_SLICE_S = 0.05
PROMPT = ">>>"
_MARK = "\x1e"  # as at_prompt.py has it
_CTRL_B = b"\r\x02"
_CTRL_C = b"\r\x03"
_CTRL_D = b"\x04"


class CableError(Exception):
    """The board does not answer any more, or not as MicroPython; one line."""


class RemoteError(Exception):
    """Code on the board raised; the last line of the traceback."""


class Prompt:
    """The prompt of the board at `port`, from `open` to `close`.

    `port` is a device or whatever pyserial opens, as socket://HOST:PORT.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self._transport: Any = None

    def open(self) -> None:
        """Open the port; UserError says in one line why that does not work."""
        try:
            with redirect_stdout(io.StringIO()):
                self._transport = SerialTransport(self.port, baudrate=_BAUD, timeout=_SILENCE_S)
        except (TransportError, OSError, ValueError) as error:
            raise UserError(_why_closed(self.port)) from error

    @property
    def serial(self) -> Any:
        """The open port, for the lines of a running program."""
        return self._transport.serial

    def interrupt(self) -> None:
        """Stop whatever runs and take the prompt; CableError."""
        for attempt in range(_ATTEMPTS):
            with self._told("no prompt of MicroPython; gatewayctl flash brings its image"):
                self.serial.write(_CTRL_C)
                time.sleep(_PAUSE_S * (attempt + 1))
                self.serial.write(_CTRL_C)
                time.sleep(_PAUSE_S)
                with suppress(TransportError), redirect_stdout(io.StringIO()):
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=5)
                    return
        raise CableError("no prompt of MicroPython; gatewayctl flash brings its image")

    def is_free(self) -> bool:
        """Whether nothing runs: asked without interrupting what might; CableError."""
        with self._told("the board fell silent"):
            self.serial.reset_input_buffer()
            self.serial.write(_CTRL_B)  # out of the raw prompt that a cut connection left behind
            end_s = time.monotonic() + _FREE_S
            heard = b""
            while time.monotonic() < end_s:
                waiting = self.serial.in_waiting  # a socket tells 1 for any number
                if not waiting:
                    time.sleep(_SLICE_S)
                    continue
                heard += self.serial.read(waiting)
                if PROMPT.encode() in heard:
                    return True
        return False

    def run(self, code: str | bytes) -> str:
        """What `code` prints; CableError, RemoteError."""
        with self._told("the board fell silent"):
            try:
                return str(self._transport.exec(code).decode())
            except TransportExecError as error:
                lines = error.error_output.strip().splitlines() or ["no message"]
                raise RemoteError(lines[-1]) from error
        raise AssertionError("unreachable")

    def ask(self, expression: str) -> Any:
        """The JSON that `expression` prints last behind a mark."""
        return self.lines(expression)[-1]

    def lines(self, expression: str) -> list[Any]:
        """All JSON that `expression` prints, each on a line behind a mark."""
        printed = self.run(expression)
        lines = [line[1:] for line in printed.split("\n") if line.startswith(_MARK)]
        try:
            if not lines:
                raise ValueError
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise CableError(f"the board answered {printed[:60]!r}") from error

    def restart(self, code: str) -> None:
        """Run the code that resets the board, and open the port again once it is back."""
        with self._told("the board did not take the restart"):
            with suppress(SerialException, OSError):
                self._transport.exec_raw_no_follow(code)
            time.sleep(_PAUSE_S)
        if "://" in self.port:  # a line that stays while the board restarts
            return
        self.close()
        end_s = time.monotonic() + _BACK_S
        while True:
            try:
                self.open()
                return
            except UserError:
                if time.monotonic() > end_s:
                    raise CableError(f"the board did not come back within {_BACK_S:g} s") from None
                time.sleep(_PAUSE_S)

    def resume(self) -> None:
        """Leave the prompt as after power-up: MicroPython starts main.py again."""
        with self._told("the board did not start again"):
            self._transport.exit_raw_repl()
            self.serial.write(_CTRL_D)

    def close(self) -> None:
        """Let the port go, whatever state it is in."""
        if self._transport is not None:
            with suppress(OSError, SerialException):
                self._transport.close()
            self._transport = None

    @contextmanager
    def _told(self, silence: str) -> Iterator[None]:
        """Everything that a broken cable does to mpremote, as a CableError."""
        try:
            yield
        except (SerialException, OSError) as error:
            raise CableError(f"the connection broke off ({error})") from error
        except (TransportError, struct.error, IndexError, ValueError) as error:
            if isinstance(error, TransportExecError):
                raise
            raise CableError(silence) from error


def _why_closed(port: str) -> str:
    """mpremote keeps the reason to itself, so open the port once more."""
    try:
        serial_for_url(port, exclusive=True).close()
        return f"{port}: could not be opened, but can now: run the command again"
    except (OSError, ValueError) as error:
        text = str(error).lower()
    if "exclusively lock" in text or "busy" in text or "resource temporarily" in text:
        return f"{port}: another program has it open: close its terminal or monitor"
    if "permission" in text:
        return f"{port}: no permission: add yourself to its group (ls -l {port}), log in again"
    return f"{port}: cannot be opened: check the name, the cable and that the board has power"
