"""One worker: collect messages, decode them, store their rows, acknowledge."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from host_tools.decode.records import DecodeError, NewerVersionError
from host_tools.ingest.dead_letters import DeadLetters
from host_tools.ingest.schema import TABLES, Rows
from host_tools.ingest.store import RowsRefusedError, Store, StoreDownError
from host_tools.ingest.subscriber import Message, Subscriber
from host_tools.ingest.translate import rows_of_message

WINDOW = 200  # messages under way, and so the largest batch
_LARGEST_BATCH_BYTES = 8 << 20
_QUIET_S = 0.05  # nothing for so long: what the broker lets be under way has come
_PATIENCE_S = 1.0  # and a batch waits no longer than this for more
_FIRST_RETRY_S = 0.5
_SLOWEST_RETRY_S = 30.0


@dataclass
class Counts:
    """What a worker did. `rows` came, `new` of them were not there yet.

    `bad` messages are dead letters: among them `conflicts`, which differ from what is stored under
    their keys, and `newer`, whole ones of a format that is not known here. `unkept` and
    `newer_unkept` of them went beyond the bounds of the folder. `ignored` came with QoS 0.
    `trouble` is why nothing moves, "" while all is well.
    """

    messages: int = 0
    bytes: int = 0
    bad: int = 0
    conflicts: int = 0
    newer: int = 0
    newer_unkept: int = 0
    unkept: int = 0
    ignored: int = 0
    batches: int = 0
    retries: int = 0
    connects: int = 0
    new: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    last_bad: str = ""
    trouble: str = ""

    def as_json(self) -> dict[str, object]:
        """For a line of JSON."""
        return asdict(self)


class Worker:
    """`step` until `stop` is set."""

    def __init__(
        self,
        subscriber: Subscriber,
        store: Store,
        dead_letters: DeadLetters,
        stop: threading.Event,
        report: Callable[[Counts], None],
    ) -> None:
        """`report` gets the counts after every step, and while the database is away."""
        self._subscriber = subscriber
        self._store = store
        self._dead_letters = dead_letters
        self._stop = stop
        self._report = report
        self._patience_s = float(getattr(store, "patience_s", _PATIENCE_S))
        self.counts = Counts()

    def step(self, wait_s: float) -> bool:
        """One batch, if there is anything within `wait_s`; False when not.

        Messages that could not be stored because `stop` was set are not acknowledged.
        """
        batch = self._collect(wait_s)
        if batch:
            readable = self._decode(batch)
            if self._store_all(readable):
                self._subscriber.acknowledge(batch)
                self.counts.messages += len(batch)
                self.counts.bytes += sum(len(message.payload) for message in batch)
                self.counts.batches += 1
        self._tell("")
        return bool(batch)

    def _collect(self, wait_s: float) -> list[Message]:
        batch: list[Message] = []
        size = 0
        deadline = time.monotonic() + self._patience_s
        message = self._subscriber.get(wait_s)
        while message is not None:
            batch.append(message)
            size += len(message.payload)
            if len(batch) == WINDOW or size > _LARGEST_BATCH_BYTES:
                break
            left = deadline - time.monotonic()
            quiet = self._patience_s if self._patience_s > _PATIENCE_S else _QUIET_S
            if left <= 0 or self._stop.is_set():
                break
            message = self._subscriber.get(min(left, quiet))
        return batch

    def _decode(self, batch: list[Message]) -> list[tuple[Message, Rows]]:
        readable = []
        for message in batch:
            try:
                readable.append((message, rows_of_message(message.topic, message.payload)))
            except NewerVersionError as error:
                self._dead_letters.put_newer(message.topic, message.payload, str(error))
            except DecodeError as error:
                self._dead_letters.put(message.topic, message.payload, str(error))
        return readable

    def _store_all(self, readable: list[tuple[Message, Rows]]) -> bool:
        """Store; message by message when the database refuses them together."""
        try:
            if not self._persist(_together(rows for _, rows in readable)):
                return False
            self._bury_conflicts(readable)
            return True
        except RowsRefusedError:
            pass
        for message, rows in readable:
            try:
                if not self._persist(rows):
                    return False
                self._bury_conflicts([(message, rows)])
            except RowsRefusedError as error:
                reason = f"the database refuses it: {error}"
                self._dead_letters.put(message.topic, message.payload, reason)
        return True

    def _persist(self, rows: Rows) -> bool:
        """Try until it is stored; False when `stop` came first."""
        if not rows:
            return True
        bound_s = _FIRST_RETRY_S
        while True:
            try:
                new = self._store.write(rows)
                break
            except StoreDownError as error:
                self.counts.retries += 1
                self._tell(f"database: {error}")
            if self._stop.wait(random.uniform(bound_s / 2, bound_s)):
                return False
            bound_s = min(bound_s * 2, _SLOWEST_RETRY_S)
        self.counts.new += new
        for table, of_table in rows.items():
            self.counts.rows[table] = self.counts.rows.get(table, 0) + len(of_table)
        return True

    def _bury_conflicts(self, stored: list[tuple[Message, Rows]]) -> None:
        """Put aside the messages whose rows found others under their keys at the last `write`."""
        conflicts = self._store.conflicts
        if not conflicts:
            return
        for message, rows in stored:
            found = [
                table.name
                for table in TABLES
                for row in rows.get(table.name, ())
                if (table.name, table.identity(row)) in conflicts
            ]
            if found:
                reason = f"{len(found)} rows of {found[0]} differ from what is stored as the same"
                self._dead_letters.put(message.topic, message.payload, reason)
                self.counts.conflicts += 1

    def _tell(self, trouble: str) -> None:
        counts, letters = self.counts, self._dead_letters
        counts.bad = letters.count
        counts.newer = letters.newer
        counts.newer_unkept = letters.newer_unkept
        counts.unkept = letters.unkept
        counts.last_bad = letters.last_reason
        counts.connects = self._subscriber.connects
        counts.ignored = self._subscriber.ignored
        counts.trouble = trouble or self._subscriber.trouble
        self._report(counts)


def _together(parts: Iterable[Rows]) -> Rows:
    rows: Rows = {}
    for part in parts:
        for table, of_table in part.items():
            rows.setdefault(table, []).extend(of_table)
    return rows
