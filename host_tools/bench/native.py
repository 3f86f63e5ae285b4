"""The C programs of the benchmarks, compiled when their source is newer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from host_tools.bench.processes import Program
from host_tools.errors import UserError
from host_tools.toolchain.paths import BUILD
from host_tools.toolchain.progress import step
from host_tools.toolchain.tools import find_tool, install_command

SOURCES = Path(__file__).parent / "c"
OUT = BUILD / "bench"
_COMPILERS = ("gcc", "cc", "clang")
_OPTIONS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread")
_SHARED = "device.c"


def native(name: str) -> Program:
    """The compiled `c/<name>.c`; UserError without a compiler or on a system that is not Linux."""
    if not sys.platform.startswith("linux"):
        raise UserError("these benchmarks need Linux (pinned processors, precise sleeping)")
    program = OUT / name
    sources = [*SOURCES.glob("*.[ch]")]
    newest = max(path.stat().st_mtime for path in sources)
    if not program.exists() or program.stat().st_mtime < newest:
        _compile(name, program)
    return Program((str(program),))


def compiler() -> str:
    """Path of the system's C compiler; UserError says how to get one."""
    for name in _COMPILERS:
        path = find_tool(name)
        if path is not None:
            return path
    raise UserError(f"no C compiler ({install_command('gcc', 'libc6-dev')})")


def _compile(name: str, program: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    part = program.with_suffix(f".{os.getpid()}.part")
    files = [str(SOURCES / f"{name}.c"), str(SOURCES / _SHARED)]
    command = [compiler(), *_OPTIONS, "-o", str(part), *files]
    with step(f"compiling {name}"):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no output"]
            errors = [line for line in lines if "error" in line]
            raise UserError(f"{name}.c does not compile: {(errors or lines)[0]}")
        os.replace(part, program)
