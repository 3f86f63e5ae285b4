"""`gatewayctl ingest`: workers as processes, their counts added up in one line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from host_tools.errors import UserError
from host_tools.ingest import broker_address
from host_tools.ingest.dead_letters import NEWER
from host_tools.ingest.store import one_writer_only, open_store
from host_tools.ingest.worker_process import Settings
from host_tools.run.tether import tethered
from host_tools.toolchain.progress import say

_SHOW_S = 1.0
_NAME = re.compile(r"[\w.-]{1,64}")
_COUNTED = (
    "messages", "bytes", "bad", "conflicts", "newer", "newer_unkept", "unkept", "ignored",
    "batches", "retries", "connects", "new",
)  # fmt: skip

# what a person has to look at, when the count is not 0
_ALARMS = {
    "newer_unkept": "{newer_unkept} good messages of a newer format were LOST: no room for more",
    "newer": "{newer} good messages of a newer format wait among the dead letters, in "
    + NEWER
    + ": update this program",
    "conflicts": "{conflicts} messages differ from what is stored as the same, they are dead"
    " letters: a board in the place of another, or a forger",
}


@dataclass(frozen=True)
class Options:
    """What was typed; see `gatewayctl ingest --help`."""

    broker: str
    database: str
    group: str
    name: str
    workers: int
    dead_letters: str
    authority: str = ""
    certificate: str = ""
    key: str = ""
    idle_s: float = 0
    leave: bool = False
    as_json: bool = False


@dataclass
class Child:
    """A worker's process and the last it said."""

    number: int
    process: asyncio.subprocess.Process
    counts: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def main(options: Options) -> int:
    """Run the workers to their end; 0, or 1 when one died. UserError before anything starts."""
    settings = _settings(options)
    return asyncio.run(_run(settings, options.as_json))


def _settings(options: Options) -> list[Settings]:
    for option, value in (("--group", options.group), ("--name", options.name)):
        if value and not _NAME.fullmatch(value):
            raise UserError(f"{option} {value}: 1 to 64 letters, digits, . _ and - only")
    address = broker_address.parse(
        options.broker, options.authority, options.certificate, options.key
    )
    open_store(options.database)
    if options.workers > 1 and one_writer_only(options.database):
        raise UserError(
            f"--database {options.database}: only one process can write to it;"
            " use --workers 1, or PostgreSQL"
        )
    name = options.name or re.sub(r"[^\w.-]", "-", socket.gethostname())[:64]
    return [
        Settings(
            broker=address.as_json(),
            database=options.database,
            group=options.group,
            client_id=f"{options.group}-{name}-{number}",
            dead_letters=options.dead_letters,
            idle_s=options.idle_s,
            leave=options.leave,
        )
        for number in range(1, options.workers + 1)
    ]


async def _run(settings: list[Settings], as_json: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    children: list[Child] = []
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, _on_signal, stop, children)
    try:
        for number, each in enumerate(settings, 1):
            children.append(await _start(number, each))
        status = await _watch(children, stop, as_json)
    finally:
        for child in children:
            if child.process.returncode is None:
                child.process.kill()
                await child.process.wait()
    errors = [child.error for child in children if child.error]
    if errors:
        raise UserError(errors[0])
    return status


def _on_signal(stop: asyncio.Event, children: list[Child]) -> None:
    """The first Ctrl-C asks the workers to finish their batch, the second does not wait."""
    if stop.is_set():
        for child in children:
            if child.process.returncode is None:
                child.process.kill()
    stop.set()


async def _start(number: int, settings: Settings) -> Child:
    process = await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "-m", "host_tools.ingest.worker_process"]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C in the terminal is for us alone
    )
    assert process.stdin is not None  # a pipe, above
    process.stdin.write(settings.as_line())
    await process.stdin.drain()
    return Child(number, process)


async def _watch(children: list[Child], stop: asyncio.Event, as_json: bool) -> int:
    """Until all have ended; asks the others to end when one does so unasked."""
    started_s = time.monotonic()
    readers = [asyncio.create_task(_listen(child)) for child in children]
    stopping = asyncio.create_task(_stop_children(children, stop))
    shown = ""
    while not all(reader.done() for reader in readers):
        await asyncio.wait([each for each in readers if not each.done()], timeout=_SHOW_S)
        if any(child.error or child.process.returncode for child in children):
            stop.set()
        shown = _show(children, time.monotonic() - started_s, as_json, shown)
    stopping.cancel()
    _show(children, time.monotonic() - started_s, as_json, "")
    if not as_json and sys.stderr.isatty():
        say("")
    died = [child for child in children if child.process.returncode and not child.error]
    for child in died:
        say(f"worker {child.number} ended with status {child.process.returncode}")
    return 1 if died else 0


async def _listen(child: Child) -> None:
    assert child.process.stdout is not None  # a pipe
    async for line in child.process.stdout:
        said = json.loads(line)
        if "error" in said:
            child.error = said["error"]
        else:
            child.counts = said
    await child.process.wait()


async def _stop_children(children: list[Child], stop: asyncio.Event) -> None:
    await stop.wait()
    for child in children:
        if child.process.stdin is not None:
            child.process.stdin.close()


def _show(children: list[Child], seconds: float, as_json: bool, shown: str) -> str:
    """Print the sums when they changed; the line."""
    total = totals([child.counts for child in children])
    if as_json:
        line = json.dumps(total)
        if line != shown:
            print(json.dumps({"seconds": round(seconds, 1)} | total), flush=True)
        return line
    line = as_line(total, seconds)
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    elif line.partition(" ")[2] != shown.partition(" ")[2]:
        say(line)
    return line


def totals(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """The sums of what all workers counted; the first trouble of any; what to look at."""
    total: dict[str, Any] = {name: sum(each.get(name, 0) for each in counts) for name in _COUNTED}
    rows: dict[str, int] = {}
    for each in counts:
        for table, number in each.get("rows", {}).items():
            rows[table] = rows.get(table, 0) + number
    total["rows"] = rows
    for name in ("last_bad", "trouble"):
        total[name] = next((each[name] for each in counts if each.get(name)), "")
    total["alarm"] = "; ".join(text for name, text in _ALARMS.items() if total[name]).format(
        **total
    )
    return total


def as_line(total: dict[str, Any], seconds: float) -> str:
    """The sums for a person."""
    came = sum(total["rows"].values())
    line = (
        f"{seconds:.0f} s  {total['messages']} messages, {came} rows,"
        f" {came - total['new']} of them again, {total['bad']} bad messages"
    )
    if total["last_bad"]:
        line += f" (last: {total['last_bad']})"
    if total["ignored"]:
        line += f", {total['ignored']} of QoS 0 ignored"
    if total["trouble"]:
        line += f"; waiting: {total['trouble']}"
    if total["alarm"]:
        line += f"; LOOK: {total['alarm']}"
    return line
