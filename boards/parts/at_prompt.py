"""Sent to the board by deployment and run there at its prompt: files, hashes, renames.

MicroPython only. Everything answers with lines of JSON behind a mark, and feeds the watchdog: a
board that hears nothing for 30 s, because its cable was pulled, restarts into what it had. Paths
are relative to the root filesystem, wherever the image mounts it.
"""

import binascii
import gc
import hashlib
import json
import os
import sys

import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MARK = "\x1e"  # whatever else comes, from a finaliser or an interrupt, has none
_BLOCK = 1024
_PATIENCE_MS = 30000
try:  # what a copy before this one, whose cable was pulled, left open
    globals()["_file"].close()
except (KeyError, AttributeError, OSError):
    pass
_watchdog: Any = None
_file: Any = None


def _feed() -> None:
    if _watchdog is not None:
        _watchdog.feed()


def _tell(value: object) -> None:
    _feed()
    print(_MARK + json.dumps(value))


def guard() -> None:
    """Arm the watchdog; a board without one that waits so long goes on without."""
    global _watchdog
    try:
        _watchdog = machine.WDT(timeout=_PATIENCE_MS)
    except (AttributeError, ValueError, OSError):
        pass
    _tell(_watchdog is not None)


def identity() -> None:
    """What runs here."""
    implementation = sys.implementation
    mpy = getattr(implementation, "_mpy", 0)
    _tell(
        {
            "machine": getattr(implementation, "_machine", ""),
            "version": list(implementation.version)[:3],
            "mpy": [mpy & 0xFF, mpy >> 8 & 3],
            "native": mpy >> 10 & 15,
        }
    )


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    with open(path, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                break
            digest.update(view[:count])
    _feed()
    return binascii.hexlify(digest.digest()).decode()


def digests(folder: str, only: Any = None) -> None:
    """A line [path, SHA-256] for each file below `folder`, or of `only` these; then null.

    "" is the root.
    """
    start = folder + "/" if folder else ""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.ilistdir((start + below).rstrip("/")))
        except OSError:
            entries = []
        for entry in entries:
            path = below + entry[0]
            if only is not None and path not in only:
                continue
            if entry[1] == 0x4000:
                waiting.append(path + "/")
            else:
                _tell([path, _digest(start + path)])
    gc.collect()
    _tell(None)


def text(path: str) -> None:
    """A small file's text, "" when there is none or it is damaged."""
    try:
        with open(path, "rb") as file:
            _tell(file.read().decode())
    except (OSError, ValueError):
        _tell("")


def begin(path: str) -> None:
    """Open a new file, with the folders it needs."""
    global _file
    end = path.find("/", 1)
    while end > 0:
        if not _exists(path[:end]):
            os.mkdir(path[:end])
        end = path.find("/", end + 1)
    _file = open(path, "wb")
    _tell(True)


def piece(base64: bytes) -> None:
    """Append; no answer, so that the next piece can come."""
    _file.write(binascii.a2b_base64(base64))
    _feed()


def end(path: str) -> None:
    """Close, and tell the SHA-256 of what is on flash now."""
    global _file
    _file.close()
    _file = None
    gc.collect()
    _tell(_digest(path))


def copy(source: str, path: str) -> None:
    """Copy on the board; tells the SHA-256 of the copy."""
    begin(path)
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    with open(source, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                break
            _file.write(view[:count])
    end(path)


def remove(paths: list[str]) -> None:
    """Remove files; those that are not there do not matter."""
    for path in paths:
        try:
            os.remove(path)
        except OSError:
            pass
    _tell(True)


def replace(pairs: list[list[str]]) -> None:
    """Rename each (old, new) in this order, without the cable having a say in between."""
    for old, new in pairs:
        if _exists(old):
            os.rename(old, new)
    if hasattr(os, "sync"):
        os.sync()
    _tell(True)
