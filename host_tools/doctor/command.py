"""`gatewayctl doctor` and `gatewayctl logs`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_tools.cable.prompt import CableError
from host_tools.cable.reach import CableClient
from host_tools.confirm import confirm
from host_tools.doctor.findings import BAD, GOOD, LOOK, Finding, findings
from host_tools.errors import UserError
from host_tools.monitor.console_client import WHAT_TO_CHECK, Client, ConsoleError, Status
from host_tools.prooftest.command import ProofTest

_STYLES = {GOOD: "green", LOOK: "yellow", BAD: "bold red"}
_FOLLOW_S = 1.0
FOUND = 1


def main(client: Client, where: str, relays: bool, as_json: bool) -> int:
    """0: all is in order. 1: something is not, and said. UserError when nothing answers."""
    try:
        # One loop, left while a person thinks: so Ctrl-C at a question ends the command.
        with asyncio.Runner() as runner:
            try:
                found, status = runner.run(_examine(client, where))
                _report(found, where, as_json)
                worst = FOUND if any(each.state != GOOD for each in found) else 0
                for item in _closed(status, as_json) if relays else ():
                    confirm(
                        f"{item}: its relay opens for a second.",
                        hint="Somebody has to agree at a terminal",
                    )
                    test = ProofTest(client, where, item, as_json)
                    worst = max(worst, runner.run(test.run(hang_up=False)))
                return worst
            finally:
                client.close()
    except ConsoleError as error:
        raise UserError(
            f"{where}: {error}; check power and cable, then gatewayctl logs shows its last words"
        ) from error


async def _examine(client: Client, where: str) -> tuple[list[Finding], Status]:
    report = await client.ask("selftest")
    status = await client.ask("status")
    if "commands" in report:
        raise UserError(f"{where}: its program knows no self-test: deploy this version")
    return findings(status, report), status


def _report(found: list[Finding], where: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"gateway": where, "findings": [asdict(each) for each in found]}))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for each in found:
        table.add_row(each.part, Text(each.state, _STYLES[each.state]), Text(each.text))
    Console().print(table)


def _closed(status: Status, as_json: bool) -> Iterator[str]:
    """Each rack whose relay can be tried, as a proof test names it; one after the other."""
    for rack in status.get("racks", []):
        if rack["relay"]:
            yield f"rack/{rack['name']}"
        else:
            told = sys.stderr if as_json else sys.stdout
            print(f"relay of {rack['name']}: open, nothing to try", file=told)


def logs(client: Client, where: str, show: LogLines, follow: bool) -> int:
    """Print the last lines of the log, with `follow` all that come until Ctrl-C."""
    try:
        asyncio.run(_logs(client, show, follow))
    except (ConsoleError, CableError) as error:
        raise UserError(f"{where}: {error}; {WHAT_TO_CHECK}") from error
    except KeyboardInterrupt:
        pass  # how following ends
    return 0


class LogLines:
    """Prints lines of the log: as they are, or each as an object of JSON."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __call__(self, line: str) -> None:
        """Print one line."""
        print(json.dumps({"line": line}) if self._as_json else line, flush=True)


async def _logs(client: Client, show: LogLines, follow: bool) -> None:
    try:
        await _print_lines(client, show, follow)
    finally:
        client.close()


async def _print_lines(client: Client, show: LogLines, follow: bool) -> None:
    if isinstance(client, CableClient) and follow:
        while True:  # the cable carries the log itself
            await asyncio.to_thread(client.console.listen, _FOLLOW_S)
    told: list[str] = []
    while True:
        lines = (await client.ask("log"))["log"]
        for line in lines:
            if line not in told:
                show(line)
        if not follow:
            return
        told = lines
        await asyncio.sleep(_FOLLOW_S)
