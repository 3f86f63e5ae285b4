"""Bytes that the gateway has in use on the emulated board, counted before anything else is loaded.

Imported by the board's main.py, with the configuration of a whole site on its flash. It is as
small as can be, because what it takes itself is counted too. Prints one line of JSON.
"""

from __future__ import annotations

import gc
import json
import struct

import exchange  # type: ignore[import-not-found]
import uctypes  # type: ignore[import-not-found]

_DATE_S = 1767225600


def _used() -> int:
    gc.collect()
    return int(gc.mem_alloc())  # type: ignore[attr-defined]


def _fix_the_world() -> None:
    """The host's randomness and clock are no part of it."""
    words = uctypes.bytearray_at(exchange.PSRAM + exchange.WORDS, exchange.BOOTS)
    struct.pack_into("<4I", words, exchange.ENTROPY, 1, 2, 3, 4)
    struct.pack_into("<I", words, exchange.RTC_S, _DATE_S)


_fix_the_world()
_found = {"heap_start_bytes": _used()}
from board import Board  # type: ignore[import-not-found]  # noqa: E402

from gateway import app  # noqa: E402

_found["heap_code_bytes"] = _used()
parts = app.build(Board()).parts  # type: ignore[union-attr]
_found["heap_peak_bytes"] = _used()
print("HEAP", json.dumps(_found))
