"""Free ports that no other worker of this test run looks for."""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack

# Below the range that outgoing connections take theirs from.
_FIRST, _END = 16_000, 32_000
PARTS = 8
ROW = 20  # the rows of two searches are the same or have no port in common
_HOST = "127.0.0.1"


def free_row(count: int) -> int:
    """The first of `count` ports, at most 20, that nobody listens on."""
    if count > ROW:
        raise ValueError(f"{count} ports in a row")
    own = own_rows()
    # rather one where no connection of an earlier test lingers: not every test ignores those
    for lingering in (False, True):
        for first in random.sample(own, len(own)):
            if _are_free(first, count, lingering):
                return first
    raise RuntimeError(f"no {count} free ports in {own}")


def own_rows() -> range:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (_END - _FIRST) // PARTS
    first = _FIRST + worker % PARTS * size
    return range(first, first + size, ROW)


def _are_free(first: int, count: int, lingering: bool) -> bool:
    with ExitStack() as opened:
        try:
            for port in range(first, first + count):
                probe = opened.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, lingering)
                probe.bind((_HOST, port))
        except OSError:
            return False
    return True
