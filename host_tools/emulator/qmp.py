"""QEMU's monitor: registers of the running machine, and what happened to it."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

_PATIENCE_S = 60  # of a machine that is short of processors
_PAUSE_S = 0.02
_WORD = re.compile(r"0x([0-9a-f]{8})\b")


class QmpError(Exception):
    """The monitor does not answer: QEMU has ended, or never started."""


class Qmp:
    """One connection to the monitor at `path`; `events` are the names of what happened, in order.

    `alive` tells whether QEMU still runs. Methods may be called from one thread at a time.
    """

    def __init__(self, path: Path, alive: Callable[[], bool]) -> None:
        self.events: list[str] = []
        self._answers: Queue[dict[str, Any] | None] = Queue()
        self._socket = _connect(path, alive)
        self._lines = self._socket.makefile("rb")
        self._thread = threading.Thread(target=self._listen, name="qmp", daemon=True)
        self._thread.start()
        self.command("qmp_capabilities")

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):  # QEMU has hung up first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._lines.close()
        self._socket.close()

    def command(self, name: str, **arguments: object) -> Any:
        """What QEMU returns; QmpError."""
        message: dict[str, object] = {"execute": name}
        if arguments:
            message["arguments"] = arguments
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            answer = self._answers.get(timeout=_PATIENCE_S)
        except (OSError, Empty) as error:
            raise QmpError(f"{name}: {error!r}") from error
        if answer is None or "return" not in answer:
            raise QmpError(f"{name}: {answer}")
        return answer["return"]

    def words(self, address: int, count: int = 1) -> list[int]:
        """`count` words of the machine's memory or registers from `address` on."""
        text = self.command(
            "human-monitor-command", **{"command-line": f"xp /{count}xw {address:#x}"}
        )
        found = [int(word, 16) for word in _WORD.findall(re.sub(r"(?m)^\w+:", "", text))]
        if len(found) != count:
            raise QmpError(f"xp {address:#x}: {text!r}")
        return found

    def _listen(self) -> None:
        with suppress(OSError):  # QEMU was killed
            for line in self._lines:
                message = json.loads(line)
                if "event" in message:
                    self.events.append(message["event"])
                elif "QMP" not in message:
                    self._answers.put(message)
        self._answers.put(None)


def _connect(path: Path, alive: Callable[[], bool]) -> socket.socket:
    """As soon as QEMU has made the socket."""
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
            return client
        except OSError as error:
            client.close()
            if not alive() or time.monotonic() > end_s:
                raise QmpError(f"no monitor at {path}: {error.strerror}") from error
        time.sleep(_PAUSE_S)
