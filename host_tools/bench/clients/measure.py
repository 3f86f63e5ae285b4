"""How every client is measured: the same loops, the same checks, one line of JSON as result."""

from __future__ import annotations

import gc
import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = 16  # first register of every test read
UNIT = 1
WARM_UP = 200
BATCH = 16  # requests between two looks at the clock
HEAP_WARM_UP = 50
HEAP_ROUNDS = 5
HEAP_READS = 200

if hasattr(time, "ticks_us"):

    def micros() -> int:
        """Monotonic microseconds; on a 64-bit host they do not wrap."""
        return int(time.ticks_us())  # type: ignore[attr-defined]

else:

    def micros() -> int:
        """Monotonic microseconds."""
        return time.monotonic_ns() // 1000


def speed(read: Callable[[], None], seconds: float) -> dict[str, float]:
    """Requests of `read` in about `seconds`, after a warm-up."""
    for _ in range(WARM_UP):
        read()
    span_us = int(seconds * 1000000)
    batch = range(BATCH)
    requests = 0
    start = micros()
    while True:
        for _ in batch:
            read()
        requests += BATCH
        elapsed = micros() - start
        if elapsed >= span_us:
            return {"requests": requests, "seconds": elapsed / 1000000}


def heap(read: Callable[[], None]) -> dict[str, list[float]]:
    """Bytes that one read allocates, for each of some rounds, with the collector off."""
    for _ in range(HEAP_WARM_UP):
        read()
    found = []
    reads = range(HEAP_READS)
    for _ in range(HEAP_ROUNDS):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()  # type: ignore[attr-defined]
        for _ in reads:
            read()
        after = gc.mem_alloc()  # type: ignore[attr-defined]
        gc.enable()
        found.append((after - before) / HEAP_READS)
    return {"bytes": found}


def durations(run: Callable[[], None], count: int) -> dict[str, list[int]]:
    """Microseconds of each of `count` runs, after one to warm up."""
    run()
    found = [0] * count
    for index in range(count):
        start = micros()
        run()
        found[index] = micros() - start
    return {"us": found}


def check(value: int, register: int, number: int) -> None:
    """End the run when the test pattern's `register` on port `number` reads wrong."""
    expected = (register * 257 + number) & 0xFFFF
    if value & 0xFFFF != expected:
        sys.exit(f"register {register} reads {value} instead of {expected}")


def report(result: object) -> None:
    """Print the one line that the runner reads; piece by piece, the heap is small."""
    json.dump(result, sys.stdout)
    print()
