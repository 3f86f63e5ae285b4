"""Which MicroPython runs the gateway on this machine; standard library only."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.toolchain.paths import MICROPYTHON_HOME
from host_tools.toolchain.tools import find_tool

MINIMUM = (1, 24)
BUILT = MICROPYTHON_HOME / "micropython"
BUILT_HERE = "built"  # `Found.source` of it

_PROBE = """
import sys, json
lacks = []
for name in ("asyncio", "socket", "select", "hashlib", "vfs", "tls", "ffi"):
    try:
        module = __import__(name)
        if name == "vfs" and not hasattr(module, "VfsLfs2"):
            lacks.append("vfs.VfsLfs2")
    except ImportError:
        lacks.append(name)
version = list(sys.implementation[1])[:3]
print(json.dumps({"name": sys.implementation[0], "version": version, "lacks": lacks}))
"""
_OPTIONAL = ("tls", "ffi")


@dataclass(frozen=True)
class Found:
    """A MicroPython that was started and has what the gateway needs."""

    path: Path
    version: str
    source: str  # "$MICROPYTHON", "PATH" or BUILT_HERE
    tls: bool


@dataclass(frozen=True)
class Missing:
    """No usable MicroPython; `reason` is one line that names everything tried."""

    reason: str


def locate(environment: Mapping[str, str] = os.environ, built: Path = BUILT) -> Found | Missing:
    """The first usable MicroPython of $MICROPYTHON, PATH and build/; never builds one.

    Raises UserError when $MICROPYTHON is set but not usable: the person asked for that one.
    """
    explicit = environment.get("MICROPYTHON")
    if explicit:
        result = probe(Path(explicit), "$MICROPYTHON")
        if isinstance(result, Missing):
            raise UserError(
                f"MICROPYTHON={explicit}: {result.reason}; unset it or name MicroPython"
                f" {_text(MINIMUM)} or newer"
            )
        return result
    tried = ["$MICROPYTHON: not set"]
    for source, path in _candidates(built):
        result = probe(path, source) if path else Missing("none")
        if isinstance(result, Found):
            return result
        tried.append(f"{source}: {result.reason}")
    return Missing("; ".join(tried))


def find_micropython() -> Path | None:
    """Path of the MicroPython that `locate` finds, or None."""
    found = locate()
    return found.path if isinstance(found, Found) else None


def _candidates(built: Path) -> Iterator[tuple[str, Path | None]]:
    on_path = find_tool("micropython")
    yield "PATH", Path(on_path) if on_path else None
    yield BUILT_HERE, built if built.exists() else None


def probe(path: Path, source: str) -> Found | Missing:
    """Start `path` and ask what it is; some milliseconds."""
    try:
        done = subprocess.run(
            [path, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=10,
            env={"MICROPYPATH": ".frozen"},
        )
        answer = json.loads(done.stdout)
    except OSError as error:
        return Missing(f"does not start ({error.strerror})")
    except subprocess.TimeoutExpired:
        return Missing("does not answer within 10 s")
    except ValueError:
        return Missing("does not answer like MicroPython")
    return _judge(path, source, answer)


def _judge(path: Path, source: str, answer: dict[str, Any]) -> Found | Missing:
    version = _text(answer["version"])
    if answer["name"] != "micropython":
        return Missing(f"is {answer['name']} {version}")
    if tuple(answer["version"]) < MINIMUM:
        return Missing(f"is {version}, older than {_text(MINIMUM)}")
    lacks = [name for name in answer["lacks"] if name not in _OPTIONAL]
    if lacks:
        return Missing(f"is {version} without {', '.join(lacks)}")
    return Found(path.resolve(), version, source, tls="tls" not in answer["lacks"])


def _text(version: Iterable[int]) -> str:
    return ".".join(map(str, version))
