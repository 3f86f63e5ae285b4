"""`gatewayctl doctor` and `gatewayctl logs`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_tools.cable.reach import CableClient
from host_tools.doctor.findings import BAD, GOOD, LOOK, findings
from host_tools.errors import UserError
from host_tools.monitor.console_client import Client, ConsoleError, Status
from host_tools.prooftest.command import ProofTest

_STYLES = {GOOD: "green", LOOK: "yellow", BAD: "bold red"}
_FOLLOW_S = 1.0
FOUND = 1


def main(client: Client, where: str, relays: bool, as_json: bool) -> int:
    """0: all is in order. 1: something is not, and said. UserError when nothing answers."""
    try:
        return asyncio.run(_examine(client, where, relays, as_json))
    except ConsoleError as error:
        raise UserError(
            f"{where}: {error}; check power and cable, then gatewayctl logs shows its last words"
        ) from error


async def _examine(client: Client, where: str, relays: bool, as_json: bool) -> int:
    try:
        return await _report(client, where, relays, as_json)
    finally:
        client.close()


async def _report(client: Client, where: str, relays: bool, as_json: bool) -> int:
    report = await client.ask("selftest")
    status = await client.ask("status")
    if "commands" in report:
        raise UserError(f"{where}: its program knows no self-test: deploy this version")
    found = findings(status, report)
    if as_json:
        print(json.dumps({"gateway": where, "findings": [asdict(each) for each in found]}))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for each in found:
            table.add_row(each.part, Text(each.state, _STYLES[each.state]), Text(each.text))
        Console().print(table)
    worst = FOUND if any(each.state != GOOD for each in found) else 0
    if relays:
        worst = max(worst, await _try_relays(client, where, status, as_json))
    return worst


async def _try_relays(client: Client, where: str, status: Status, as_json: bool) -> int:
    """A proof test of each closed rack, one after the other, each with a yes."""
    worst = 0
    for rack in status.get("racks", []):
        name = rack["name"]
        if not rack["relay"]:
            print(f"relay of {name}: open, nothing to try")
        elif await asyncio.to_thread(typer.confirm, f"Open the relay of {name} for a second?"):
            test = ProofTest(client, where, f"rack/{name}", as_json)
            worst = max(worst, await test.run(hang_up=False))
    return worst


def logs(client: Client, where: str, follow: bool) -> int:
    """Print the last lines of the log, with `follow` all that come until Ctrl-C."""
    try:
        asyncio.run(_logs(client, follow))
    except ConsoleError as error:
        raise UserError(f"{where}: {error}; check power and cable") from error
    except KeyboardInterrupt:
        pass  # how following ends
    return 0


async def _logs(client: Client, follow: bool) -> None:
    try:
        await _print_lines(client, follow)
    finally:
        client.close()


async def _print_lines(client: Client, follow: bool) -> None:
    if isinstance(client, CableClient) and follow:
        while True:  # the cable carries the log itself
            await asyncio.to_thread(client.console.listen, _FOLLOW_S)
    told: list[str] = []
    while True:
        lines = (await client.ask("log"))["log"]
        new = [line for line in lines if line not in told]
        if new:
            print("\n".join(new), flush=True)
        if not follow:
            return
        told = lines
        await asyncio.sleep(_FOLLOW_S)
