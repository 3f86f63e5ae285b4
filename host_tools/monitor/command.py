"""`gatewayctl monitor`: the live table of any gateway whose console can be reached."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from rich.console import Console

from host_tools.errors import UserError
from host_tools.monitor.console_client import WHAT_TO_CHECK, Client, ConsoleError
from host_tools.monitor.display import open_display

PERIOD_S = 0.5


def main(client: Client, where: str) -> int:
    """Show the gateway called `where` until Ctrl-C; UserError when it does not answer at all."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_watch(client, where))
    return 0


async def _watch(client: Client, where: str) -> None:
    try:
        status = await client.ask("status")
    except ConsoleError as error:
        raise UserError(f"gateway console {where}: {error}; {WHAT_TO_CHECK}") from error
    title = f"gateway {where}  {status.get('interpreter', '')}"
    names = [rack["name"] for rack in status.get("racks", [])]
    with open_display(title, names, Console()) as display:
        while True:
            note = ""
            try:
                status = await client.ask("status")
            except ConsoleError as error:
                note = f"gateway does not answer: {error}; this is what it said last"
            display.show(status, note)
            await asyncio.sleep(PERIOD_S)
