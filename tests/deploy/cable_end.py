"""The other end of a cable, that gives one answer to one question."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_cable(answer: bytes, to: bytes, sent: bytearray | None = None) -> Iterator[str]:
    """A port at which something gives `answer` whenever it heard `to`; `sent` is all it heard."""
    end, other = os.openpty()
    done = threading.Event()

    def serve() -> None:
        heard = b""
        while not done.is_set():
            try:
                received = os.read(end, 1024)
            except OSError:
                return
            heard += received
            if sent is not None:
                sent.extend(received)
            if to in heard:
                heard = b""
                os.write(end, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(other)
    finally:
        done.set()
        os.write(other, b"\n")
        thread.join(5)
        os.close(other)
        os.close(end)
