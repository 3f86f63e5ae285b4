"""A gateway's console, whichever way it is reached: over the network or over the board's cable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from host_tools.cable.console_on_cable import CableConsole
from host_tools.cable.ports import choose
from host_tools.cable.prompt import CableError, Prompt
from host_tools.errors import UserError
from host_tools.monitor.console_client import (
    Client,
    ConsoleClient,
    ConsoleError,
    Status,
)
from host_tools.prooftest.command import address

_PATIENCE_S = 5.0


class CableClient:
    """As ConsoleClient, at a port that is open; `log` gets what else the gateway says."""

    def __init__(self, prompt: Prompt, log: Callable[[str], object]) -> None:
        self._prompt = prompt
        self.console = CableConsole(prompt.serial, log)

    async def ask(self, word: str) -> Status:
        """The answer to one word; ConsoleError."""
        try:
            return await asyncio.to_thread(self.console.ask, word, _PATIENCE_S)
        except CableError as error:
            raise ConsoleError(str(error)) from error

    def close(self) -> None:
        """Let the port go."""
        self._prompt.close()


def reach(
    console: str, port: str, here: tuple[str, int], log: Callable[[str], object] | None = None
) -> tuple[Client, str]:
    """(client, its name for a person). `console` is HOST:PORT, `port` a serial port or "usb".

    Without both it is `here`, the gateway of a run on this machine.
    """
    if console and port:
        raise UserError("--console and --port: only one of them")
    if not port:
        host, number = address(console, here)
        return ConsoleClient(host, number), f"{host}:{number}"
    prompt = Prompt(choose(port))
    prompt.open()
    return CableClient(prompt, log or (lambda line: None)), prompt.port
