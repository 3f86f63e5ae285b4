"""What a start does for the heap: little is in use then, and what is free is in one piece."""

from __future__ import annotations

import gc
import sys


def collect_every(count_bytes: int) -> int:
    """Collect garbage once so many bytes are new, -1 = when the heap is full; the number before.

    What is made for good lies behind the garbage of what was made before it. With much of that a
    heap has no larger piece left long before it is full. CPython decides by itself: always -1.
    """
    if not hasattr(gc, "threshold"):
        return -1
    before: int = gc.threshold()
    gc.threshold(count_bytes)
    return before


def let_go(*names: str) -> None:
    """Forget these modules; a name that ends with a dot means all below that package.

    For code that only a start needs. What somebody holds of it, an object or a table, stays. Who
    imports a module again gets it anew from flash, so it may have no state of its own.
    """
    for name in list(sys.modules):
        if name in names or name[: name.rfind(".") + 1] in names:
            del sys.modules[name]
            package, _, module = name.rpartition(".")
            delattr(sys.modules[package], module)
