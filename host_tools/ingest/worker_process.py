"""`python -m host_tools.ingest.worker_process`: one worker as a process.

Settings come as one line of JSON on standard input, so no password stands in the process list.
A line `stop` or its end ends the worker: a worker never outlives its parent. On standard output
a line of JSON with all counts, about once a second, and a last one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.ingest.broker_address import BrokerAddress
from host_tools.ingest.dead_letters import DeadLetters
from host_tools.ingest.store import open_store
from host_tools.ingest.subscriber import Subscriber
from host_tools.ingest.worker import WINDOW, Counts, Worker

_WAIT_S = 0.2
_REPORT_S = 0.5
# after leaving the group: nothing has come for so long, so the broker holds nothing more
_LEFT_QUIET_S = 2.0


@dataclass(frozen=True)
class Settings:
    """`idle_s`: end when nothing came for so long, 0 = never. `leave`: end for good."""

    broker: dict[str, Any]
    database: str
    group: str
    client_id: str
    dead_letters: str
    idle_s: float
    leave: bool

    def as_line(self) -> bytes:
        """For `from_line`."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def from_line(line: str) -> Settings:
        """What `as_line` wrote."""
        return Settings(**json.loads(line))


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop`, or until it is done."""
    subscriber = Subscriber(
        BrokerAddress(**settings.broker), settings.client_id, settings.group, WINDOW
    )
    store = open_store(settings.database)
    reporter = _Reporter()
    worker = Worker(
        subscriber, store, DeadLetters(Path(settings.dead_letters)), stop, reporter.take
    )
    subscriber.start()
    try:
        _work(worker, subscriber, settings, stop)
        done = settings.leave and not stop.is_set()
    finally:
        store.close()
    subscriber.stop(leave=done)
    reporter.last(worker.counts)


def _work(
    worker: Worker, subscriber: Subscriber, settings: Settings, stop: threading.Event
) -> None:
    if settings.leave:
        subscriber.leave_group()
    idle_s = _LEFT_QUIET_S if settings.leave else settings.idle_s
    last = time.monotonic()
    while not stop.is_set():
        if worker.step(_WAIT_S) or worker.counts.trouble:
            last = time.monotonic()
        elif idle_s and time.monotonic() - last > idle_s:
            return


class _Reporter:
    """Prints the counts, not more often than is of use."""

    def __init__(self) -> None:
        self._next = 0.0
        self._trouble = ""

    def take(self, counts: Counts) -> None:
        now = time.monotonic()
        if now >= self._next or counts.trouble != self._trouble:
            self._next = now + _REPORT_S
            self._trouble = counts.trouble
            self.last(counts)

    def last(self, counts: Counts) -> None:
        print(json.dumps(counts.as_json()), flush=True)


def _stop_with_parent(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


def main() -> int:
    """Serve; 0 when ended as asked, 2 after one line of JSON with `error`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's business
    settings = Settings.from_line(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    try:
        run(settings, stop)
    except UserError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody listens any more
    return 0


if __name__ == "__main__":
    sys.exit(main())
