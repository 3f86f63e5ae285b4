"""One line on stderr per long step: what is being done, then how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str) -> None:
    """Print one line for the person; stderr, so that `--json` on stdout stays clean."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show `text ...` while the block runs, then its seconds, or `failed` when it raised."""
    started_s = time.monotonic()
    print(f"{text} ...", end=" ", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started_s:.0f} s")
