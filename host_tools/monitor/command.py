"""`gatewayctl monitor`: the live table of any gateway whose console can be reached."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from rich.console import Console

from host_tools.errors import UserError
from host_tools.monitor.console_client import WHAT_TO_CHECK, Client, ConsoleError, Status
from host_tools.monitor.display import open_display

PERIOD_S = 0.5


def main(client: Client, where: str, as_json: bool = False) -> int:
    """Show the gateway called `where` until Ctrl-C, or print its status once `as_json`.

    UserError when it does not answer at all.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_show(client, where, as_json))
    return 0


async def _show(client: Client, where: str, as_json: bool) -> None:
    try:
        status = await client.ask("status")
        if as_json:
            print(json.dumps(status))
        else:
            await _watch(client, where, status)
    except ConsoleError as error:
        raise UserError(f"gateway console {where}: {error}; {WHAT_TO_CHECK}") from error
    finally:
        client.close()


async def _watch(client: Client, where: str, status: Status) -> None:
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
