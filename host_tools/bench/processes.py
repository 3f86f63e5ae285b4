"""Starting what is measured: pinned to a processor, a line of JSON back, nothing left running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.toolchain.interpreter import Found, locate
from host_tools.toolchain.paths import ROOT, UPY_PACKAGES, micropython_path
from host_tools.toolchain.tools import find_tool, install_command

CLIENTS = Path(__file__).parent / "clients"
HEAP = "256k"  # close to a device; a larger heap flatters whoever allocates
_END_S = 5

Json = dict[str, Any]


@dataclass(frozen=True)
class Program:
    """A command and what its environment adds; arguments follow."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def micropython_client(script: str, heap: str = HEAP) -> Program:
    """`script` of the clients on MicroPython with a small heap; UserError when there is none."""
    found = locate()
    if not isinstance(found, Found):
        raise UserError(f"no MicroPython: {found.reason}; gatewayctl toolchain --build")
    command = (str(found.path), "-X", f"heapsize={heap}", str(CLIENTS / script))
    return Program(command, {"MICROPYPATH": micropython_path(ROOT)})


def cpython_client(script: str) -> Program:
    """`script` of the clients on the Python that runs this very code."""
    sim = ROOT / "boards" / "sim"
    boards = (sim, ROOT / "boards" / "parts", sim / "cpython")
    folders = (ROOT, *boards, ROOT / "firmware", UPY_PACKAGES / "modbus")
    path = os.pathsep.join(str(folder) for folder in folders)
    return Program((sys.executable, str(CLIENTS / script)), {"PYTHONPATH": path})


def need_taskset() -> None:
    """UserError when processes cannot be pinned."""
    if find_tool("taskset") is None:
        raise UserError(f"no taskset ({install_command('util-linux')})")


def run_json(program: Program, *arguments: object, cpu: int, timeout_s: float) -> Json:
    """Run to the end on one processor; the JSON of its last line. UserError when it fails."""
    try:
        done = subprocess.run(
            _command(program, arguments, cpu),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=ROOT,
            env=os.environ | program.environment,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{_name(program)}: still running after {timeout_s:.0f} s") from error
    if done.returncode:
        raise UserError(f"{_name(program)}: {_last_line(done.stderr or done.stdout)}")
    return _json(program, done.stdout)


class Server:
    """A running server; `hello` is its first line, `counts` its last one, {} until it ended."""

    def __init__(self, process: subprocess.Popen[str], hello: Json) -> None:
        self.process = process
        self.hello = hello
        self.counts: Json = {}


@contextmanager
def running(program: Program, *arguments: object, cpu: int) -> Iterator[Server]:
    """A server for as long as the block; it ends with its stdin, so it never outlives us."""
    process = subprocess.Popen(
        _command(program, arguments, cpu),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | program.environment,
    )
    try:
        assert process.stdout is not None  # a pipe, above
        server = Server(process, _json(program, process.stdout.readline()))
        yield server
        output, _ = process.communicate(timeout=_END_S)
        server.counts = _json(program, output)
    finally:
        process.kill()
        process.communicate()


def _command(program: Program, arguments: tuple[object, ...], cpu: int) -> list[str]:
    processors = sorted(os.sched_getaffinity(0))
    chosen = processors[min(cpu, len(processors) - 1)]
    words = [str(argument) for argument in arguments]
    return ["taskset", "-c", str(chosen), *program.command, *words]


def _json(program: Program, output: str) -> Json:
    line = _last_line(output)
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UserError(f"{_name(program)}: said {line!r} instead of its result")
    return answer


def _name(program: Program) -> str:
    return Path(program.command[-1]).name


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "no output"
