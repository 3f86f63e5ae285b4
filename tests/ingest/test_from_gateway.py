"""Messages of the gateway's own lanes in the database: all there, losses named, nothing twice."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import duckdb
from fake_hardware import Flag, HandClock, MemoryStorage
from lane_bench import open_from_one

from gateway.rack.data import RackData
from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.tier import Tier, instant_bytes
from host_tools.bench.made_up_fleet import Sent
from host_tools.ingest.schema import FRAMES, Rows
from host_tools.ingest.store import open_store
from host_tools.ingest.translate import rows_of_message

RACKS, CELLS, TEMPS = 3, 24, 8
PERIOD_MS = 1000
SEGMENT_BYTES = 8192


class Gateway:
    """Lanes and tier of one boot; every second a sample whose number says which one it is."""

    def __init__(self, storage: MemoryStorage, clock: HandClock, capacity_bytes: int) -> None:
        self.clock = clock
        self.lanes = Lanes(
            storage,
            clock,
            Flag(),
            segment_bytes=SEGMENT_BYTES,
            capacity_bytes=capacity_bytes,
            events_pm=250,
            flush_ms=1000,
            instant_bytes=instant_bytes(RACKS, CELLS, TEMPS),
        )
        open_from_one(self.lanes, storage, clock)
        now = clock.ticks()
        self.racks = [RackData(each, "", CELLS, TEMPS, 1100, now) for each in range(RACKS)]
        self.tier = Tier(self.lanes.fine, self.racks, self, clock, PERIOD_MS, 4096)
        self.filled = 0

    def fill(self, rack: int, values: array[int]) -> None:
        for field in range(len(values)):
            values[field] = 0
        values[records.SAMPLE_FIELDS.index("rack")] = rack
        values[records.SAMPLE_FIELDS.index("summary_number")] = self.filled
        self.filled += 1

    def run_s(self, seconds: int) -> None:
        for second in range(seconds):
            for rack, data in enumerate(self.racks):
                data.cells_sequence += 1
                data.temps_sequence += 1
                for cell in range(CELLS):
                    data.cells_mv[cell] = 3200 + (second * 7 + rack * 5 + cell * 3) % 200
            for _ in range(50):
                now = self.clock.advance(20)
                self.tier.step(now)
                self.lanes.step(now)

    def messages(self) -> Iterator[Sent]:
        """Everything that waits to be sent, lane by lane; each is acknowledged."""
        for source in self.lanes.sources():
            buffer = memoryview(bytearray(8192))
            while True:
                length = source.next(buffer)
                if length:
                    yield f"bess/v1/plant-7/gw-001/{source.topic}", bytes(buffer[:length])
                    source.release(source.mark)
                elif not getattr(source, "busy", False):
                    break


def store(path: Path, messages: list[Sent]) -> int:
    database = open_store(str(path))
    rows: Rows = {}
    for topic, payload in messages:
        for table, of_table in rows_of_message(topic, payload).items():
            rows.setdefault(table, []).extend(of_table)
    new = database.write(rows)
    database.close()
    return new


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path)) as connection:
        return connection.execute(statement).fetchall()


def test_two_boots_are_there_without_holes_and_once(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    storage, clock = MemoryStorage(), HandClock()
    sent: list[Sent] = []
    filled = 0
    for _ in range(2):
        gateway = Gateway(storage, clock, 1 << 20)
        gateway.run_s(150)
        gateway.tier.finish()
        sent += gateway.messages()
        filled += gateway.filled
        gateway.lanes.close()
    assert filled >= 2 * 149 * RACKS
    assert store(path, sent) >= filled
    assert store(path, sent) == 0
    assert query(path, "SELECT count(*) FROM frames") == [(filled,)]
    assert query(
        path,
        "SELECT boot, rack, count(DISTINCT summary_number) = count(*) FROM frames"
        " GROUP BY 1, 2 ORDER BY 1, 2",
    ) == [(boot, rack, True) for boot in (1, 2) for rack in range(RACKS)]
    assert query(path, "SELECT * FROM holes") == []


def test_what_a_full_flash_dropped_is_named_and_is_no_hole(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    gateway = Gateway(MemoryStorage(), HandClock(), 4 * SEGMENT_BYTES)
    gateway.run_s(900)
    gateway.tier.finish()
    gateway.run_s(70)  # a chunk later the losses are told
    gateway.tier.finish()
    sent = list(gateway.messages())
    assert gateway.lanes.dropped > 0
    store(path, sent)
    ((arrived,),) = query(path, "SELECT count(*) FROM frames")
    assert isinstance(arrived, int) and 0 < arrived < gateway.filled
    # the gap and what arrived meet: together they are all numbers there ever were
    assert query(path, f"SELECT count(*) > 0 FROM gaps WHERE lane = {records.FINE}") == [(True,)]
    assert query(path, "SELECT * FROM holes") == []
    # and a chunk that is left out of the delivery shows
    chunks = [chunk_of(message) for message in sent]
    gone = next(chunk for chunk in reversed(chunks) if chunk)
    other = tmp_path / "y.duckdb"
    store(other, [message for message in sent if chunk_of(message) != gone])
    followed = [message for message in sent if chunk_of(message) == gone]
    assert len(followed) == RACKS
    assert query(other, "SELECT * FROM holes") == []  # nothing behind it, so nothing is missing
    gateway.run_s(70)
    gateway.tier.finish()
    store(other, list(gateway.messages()))
    assert query(other, "SELECT lane, first_missing, last_missing FROM holes") == [
        (records.FINE, *gone)
    ]


def chunk_of(message: Sent) -> tuple[object, ...]:
    """First and last number of a block's chunk; () for a batch of the log."""
    topic, payload = message
    if not topic.endswith("/blocks"):
        return ()
    row = rows_of_message(topic, payload)[FRAMES.name][0]
    return tuple(row[FRAMES.names.index(name)] for name in ("chunk", "chunk_last"))
