"""`gatewayctl prooftest`: what is due, and one test from the order to its result."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from host_tools.errors import UserError
from host_tools.monitor.console_client import (
    WHAT_TO_CHECK,
    Client,
    ConsoleClient,
    ConsoleError,
    Status,
)

LIST = "list"
KINDS = ("rack", "input")
PERIOD_S = 0.25
PATIENCE_S = 5.0  # without an answer of the console while a test runs
_WORD = "prooftest"
_REMIND_S = 15  # between two reminders


def main(console: tuple[str, int], what: str, name: str, as_json: bool) -> int:
    """List (`what` "list") or test the rack or input `name`.

    0: nothing is due, or the test was passed. 1: something is due, or the test was not passed.
    UserError when nothing can be asked or the order is refused.
    """
    if what == LIST:
        if name:
            raise UserError(f"prooftest list takes no name, got {name!r}")
        return asyncio.run(_list(ConsoleClient(*console), "{}:{}".format(*console), as_json))
    if what not in KINDS:
        raise UserError(f"prooftest: no {what!r}; there are: {', '.join((LIST, *KINDS))}")
    if not name or any(letter.isspace() for letter in name):
        raise UserError(f"prooftest {what}: needs the name of one {what}; prooftest list has them")
    client = ConsoleClient(*console)
    test = ProofTest(client, "{}:{}".format(*console), f"{what}/{name}", as_json)
    return asyncio.run(test.run())


def address(text: str, default: tuple[str, int]) -> tuple[str, int]:
    """Host and port of "HOST:PORT"; `default` for "". UserError for anything else."""
    if not text:
        return default
    host, colon, port = text.rpartition(":")
    if not host or not colon or not port.isascii() or not port.isdigit():
        raise UserError(f"--console {text}: needs HOST:PORT")
    if not 0 < int(port) < 65536:
        raise UserError(f"--console {text}: port {port} is outside 1..65535")
    return host, int(port)


async def _ask(client: Client, where: str, argument: str = "") -> Status:
    """One answer; UserError when there is none, or when the gateway does not know the word."""
    try:
        answer = await client.ask(f"{_WORD} {argument}".strip())
        if "commands" not in answer:
            return answer
        status = await client.ask("status")
    except ConsoleError as error:
        raise UserError(f"gateway console {where}: {error}; {WHAT_TO_CHECK}") from error
    if status.get("mode") != "run":
        raise UserError(f"gateway {where} is in safe mode: {status.get('reason', '')}")
    raise UserError(f"gateway {where} knows no proof tests (version {status.get('version', '?')})")


async def _list(client: Client, where: str, as_json: bool) -> int:
    try:
        state = await _ask(client, where)
    finally:
        client.close()
    if as_json:
        print(json.dumps(state))
    else:
        print("\n".join(lines(state)))
    return 1 if any(item["due"] for item in state["items"]) else 0


def lines(state: Status) -> list[str]:
    """Every item with its last test, what is due first; then what is under way."""
    items = sorted(state["items"], key=lambda item: item["days_left"])
    width = max([len(item["name"]) for item in items], default=0)
    found = [
        f"{_due(item):12}  {item['kind']:5}  {item['name']:{width}}  {_last(item)}"
        for item in items
    ]
    found.append(f"{sum(item['due'] for item in items)} of {len(items)} are due")
    if not state["clock_set"]:
        found.append("the gateway's clock is not set: without a date everything is due")
    if state["running"]:
        found.append(_progress(state["running"]))
    return found


def _due(item: dict[str, Any]) -> str:
    return "due" if item["due"] else f"in {item['days_left']} days"


def _last(item: dict[str, Any]) -> str:
    if item["result"] == "none":
        return "never tested"
    if item["utc_s"] is None:
        return f"{item['result']}, date unknown"
    return f"{item['result']} {datetime.fromtimestamp(item['utc_s'], UTC):%Y-%m-%d %H:%M} UTC"


def _progress(running: dict[str, Any]) -> str:
    """What is under way and what to do, without the time that is left."""
    what = f"{running['kind']} {running['name']}"
    if running["state"] == "confirm":
        return f"{what}: push the reset button on the gateway within 60 s"
    if running["kind"] == "rack":
        return f"{what}: confirmed, its relay opens for at most a second"
    if running["changed"]:
        return f"{what}: it changed; now bring it back"
    return f"{what}: confirmed; make it change and come back within 60 s"


class ProofTest:
    """One test at the console `where`; `item` as in rack/NAME."""

    def __init__(self, client: Client, where: str, item: str, as_json: bool) -> None:
        self._client = client
        self._where = where
        self._item = item
        self._as_json = as_json
        self._told = ""
        self._told_left_s = 0

    async def run(self, hang_up: bool = True) -> int:
        """From the order to the result; withdraws the order when it is interrupted."""
        try:
            answer = await _ask(self._client, self._where, self._item)
            if "refused" in answer:
                known = ", ".join(answer.get("items", []))
                raise UserError(
                    f"{self._item}: refused: {answer['refused']}"
                    + (f"; there are: {known}" if known else "")
                )
            ordered = answer["ordered"]
            self._show(ordered)
            try:
                last = await self._until_end(ordered["number"])
            except asyncio.CancelledError:
                await self._withdraw()
                raise
        finally:
            if hang_up:
                self._client.close()
        return self._report(last)

    async def _until_end(self, number: int) -> Status:
        """The end of order `number`; UserError when the gateway no longer knows of it."""
        loop = asyncio.get_running_loop()
        answered_s = loop.time()
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                state = await self._client.ask(_WORD)
            except ConsoleError as error:
                if loop.time() - answered_s > PATIENCE_S:
                    raise UserError(
                        f"gateway console {self._where}: {error}; {WHAT_TO_CHECK};"
                        " how the test ended is unknown: prooftest list tells later"
                    ) from error
                continue
            answered_s = loop.time()
            running, last = state.get("running"), state.get("last")
            if running and running["number"] == number and self._is_ours(running):
                self._show(running)
            elif last and last["number"] == number and self._is_ours(last):
                return dict(last)
            else:
                raise UserError(
                    f"gateway {self._where} has forgotten the order: it was started anew;"
                    " prooftest list tells what it knows"
                )

    def _is_ours(self, entry: Status) -> bool:
        return f"{entry['kind']}/{entry['name']}" == self._item

    async def _withdraw(self) -> None:
        try:
            answer = await self._client.ask(f"{_WORD} cancel")
        except ConsoleError as error:
            self._say(f"not withdrawn: {error}; the order ends by itself within a minute")
            return
        self._say("withdrawn" if "withdrawn" in answer else f"not withdrawn: {answer['refused']}")

    def _show(self, running: Status) -> None:
        """A line when there is something new to do, and now and then the time that is left."""
        text = _progress(running)
        left_s = running["left_ms"] // 1000
        if text != self._told:
            self._say(text)
        elif running["kind"] != "rack" or running["state"] == "confirm":
            if self._told_left_s - left_s < _REMIND_S:
                return
            self._say(f"  {left_s} s left")
        self._told, self._told_left_s = text, left_s

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def _report(self, last: Status) -> int:
        if self._as_json:
            print(json.dumps(last))
        else:
            print(f"{last['kind']} {last['name']}: {last['result']}")
            if last["verdict"] and not last["kept"]:
                print("the gateway's flash did not take the result: a restart will forget it")
        return 0 if last["passed"] else 1
