"""Which time a row gets from clock records, in databases and for `gatewayctl decode` alike."""

from __future__ import annotations

import random
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from gateway.clock import NTP, RTC, UNSET
from gateway.telemetry import records as layout
from host_tools.decode.real_time import RealTime
from host_tools.decode.records import DecodeError, decode_message
from host_tools.ingest.schema import Rows
from host_tools.ingest.store import Store, open_store
from host_tools.ingest.translate import rows_of_message

DAY = 86_400_000
TURN = 1 << 32  # of the uptime
START = 1_795_000_000_000
TOPIC = "bess/v1/plant-7/gw-001/log"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event(seq: int, uptime_ms: int, stamp_ms: int, quality: int) -> bytes:
    payload = layout.encode_event(layout.TRIP, 0, 1, 3, 3700, 3650, "")
    return layout.encode(layout.EVENT, seq, uptime_ms, stamp_ms, quality, payload)


def clock(seq: int, uptime_ms: int, utc_ms: int, quality: int = NTP) -> bytes:
    payload = struct.pack(
        layout.CLOCK_PAYLOAD,
        uptime_ms & 0xFFFFFFFF,
        utc_ms & 0xFFFFFFFF,
        utc_ms >> 32,
        quality,
        0,
    )
    return layout.encode(layout.CLOCK, seq, uptime_ms, utc_ms, min(quality, NTP), payload)


def message(first: int, *framed: bytes, boot: int = 1) -> bytes:
    head = struct.pack(layout.BATCH, layout.VERSION, layout.EVENTS, boot, first, len(framed))
    return head + b"".join(framed)


class Database:
    """A store, and a way of its own to look into it."""

    def __init__(self, destination: str, run: Callable[[str], list[tuple[Any, ...]]]) -> None:
        self.store: Store = open_store(destination)
        self._run = run

    def take(self, *messages: bytes) -> None:
        rows: Rows = {}
        for each in messages:
            for table, of_table in rows_of_message(TOPIC, each).items():
                rows.setdefault(table, []).extend(of_table)
        self.store.write(rows)

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        self.store.close()
        return self._run(statement)

    def times(self) -> dict[int, int | None]:
        """`utc` in ms by sequence number of the event."""
        found = self.run("SELECT sequence, utc FROM events")
        return {seq: None if utc is None else ms(utc) for seq, utc in found}


def ms(moment: datetime) -> int:
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (known - EPOCH) // timedelta(milliseconds=1)


@pytest.fixture(params=["duckdb", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "duckdb":
        path = str(tmp_path / "x.duckdb")
        found = Database(path, lambda statement: fetched(duckdb.connect(path), statement))
    else:
        url = request.getfixturevalue("postgres_url")
        found = Database(url, lambda statement: fetched(psycopg.connect(url), statement))
    yield found
    found.store.close()


def fetched(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if statement.startswith("SELECT") else []


def test_a_right_stamp_of_day_40_stays_where_it_is(database: Database) -> None:
    database.take(message(1, clock(1, 60_000, START + 60_000)))
    database.take(message(2, event(2, 40 * DAY, START + 40 * DAY, RTC)))
    assert database.times() == {2: START + 40 * DAY}


def test_a_clock_record_of_day_50_moves_nothing_of_day_1(database: Database) -> None:
    early = event(1, DAY // 2, START + DAY // 2, RTC)
    database.take(message(1, early, clock(2, DAY, START + DAY + 700)))
    assert database.times() == {1: START + DAY // 2 + 700}
    late = 50 * DAY + DAY // 3
    database.take(message(3, clock(3, late, START + late)))
    assert database.times() == {1: START + DAY // 2 + 700}


def test_a_stamp_across_the_turn_of_the_uptime_is_corrected(database: Database) -> None:
    before = event(1, TURN - 1000, START + TURN - 1000, RTC)
    database.take(message(1, before), message(2, clock(2, TURN + 500, START + TURN + 1200)))
    assert database.times() == {1: START + TURN - 300}


@pytest.mark.parametrize(("off_ms", "moved"), [(DAY, True), (-DAY, True), (DAY + 1, False)])
def test_a_stamp_is_moved_by_a_day_at_most(database: Database, off_ms: int, moved: bool) -> None:
    database.take(message(1, event(1, 1000, START + off_ms, RTC), clock(2, 2000, START + 1000)))
    assert database.times() == {1: START if moved else START + off_ms}


def test_a_clock_that_was_never_set_is_told_by_the_first_record(database: Database) -> None:
    days = [clock(5, 40 * DAY, START + 40 * DAY), clock(6, 48 * DAY, START + 48 * DAY + 9)]
    database.take(message(1, event(1, 0, 0, UNSET), event(2, 39 * DAY, 39 * DAY, UNSET)))
    database.take(message(6, days[1]))
    assert database.times() == {1: START + 9, 2: START + 39 * DAY + 9}
    database.take(message(5, days[0]))  # it comes later, and was earlier
    assert database.times() == {1: START, 2: START + 39 * DAY}


def test_only_a_surer_clock_counts(database: Database) -> None:
    database.take(message(1, event(1, 1000, START, NTP), event(2, 1000, START + 5, RTC)))
    database.take(message(3, clock(3, 1000, START + 50, RTC)))
    assert database.times() == {1: START, 2: START + 5}
    database.take(message(4, clock(4, 1000, START + 77, NTP)))
    assert database.times() == {1: START, 2: START + 77}


@pytest.mark.parametrize("quality", [3, 255])
def test_a_clock_record_of_an_unknown_quality_is_refused(quality: int) -> None:
    with pytest.raises(DecodeError, match=f"quality {quality}, known are 0 to 2"):
        rows_of_message(TOPIC, message(99, clock(99, 0, 946_684_800_000, quality)))
    with pytest.raises(DecodeError, match=f"quality {quality}, known are 0 to 2"):
        rows_of_message(TOPIC, message(1, event(1, 0, START, quality)))


def test_a_batch_costs_what_it_holds_until_a_new_clock_record_comes(database: Database) -> None:
    early = message(1, event(1, 1000, 0, UNSET), clock(2, 2000, START))
    database.take(early)
    assert database.times() == {1: START - 1000}
    database.run("UPDATE events SET utc = NULL")  # so it shows which rows are worked on
    database.take(message(3, event(3, 1500, 0, UNSET)), early)
    assert database.times() == {1: None, 3: START - 500}
    database.take(message(4, clock(4, 3000, START + 1000)))
    assert database.times() == {1: START - 1000, 3: START - 500}


def test_databases_and_decode_agree_on_every_time(database: Database) -> None:
    dice = random.Random(7)
    framed: list[bytes] = []
    for seq in range(1, 401):
        uptime_ms = dice.randrange(200 * DAY)
        stamp_ms = START + uptime_ms + dice.choice((0, 3000, -DAY // 2, 2 * DAY, -400 * DAY))
        quality = dice.choice((UNSET, RTC, NTP))
        if seq % 40 == 0:
            framed.append(clock(seq, uptime_ms, START + uptime_ms, dice.choice((RTC, NTP))))
        else:
            framed.append(event(seq, uptime_ms, stamp_ms if quality else uptime_ms, quality))
    half = len(framed) // 2
    parts = [message(1, *framed[:half]), message(half + 1, *framed[half:])]
    for part in parts:
        database.take(part)
    records = [record for part in parts for record in decode_message(part)]
    time = RealTime(records)
    wanted = {
        record.seq: time.utc_ms(record.boot, record.uptime_ms, record.utc_ms, record.clock_quality)
        for record in records
        if record.seq % 40
    }
    assert len(set(wanted.values())) > 300
    assert database.times() == wanted


def test_two_workers_with_a_clock_record_and_what_it_corrects(postgres_url: str) -> None:
    """Whichever is stored first, the later one sees the other."""
    boots = range(1, 61)
    together = threading.Barrier(2)

    def work(parts: list[bytes]) -> None:
        store = open_store(postgres_url)
        store.write({})
        for part in parts:
            together.wait(30)
            store.write(rows_of_message(TOPIC, part))
        store.close()

    rows = [message(1, event(1, 1000, 0, UNSET), boot=boot) for boot in boots]
    clocks = [message(2, clock(2, 2000, START), boot=boot) for boot in boots]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, parts) for parts in (rows, clocks)]:
            done.result()
    found = fetched(psycopg.connect(postgres_url), "SELECT boot, utc FROM events ORDER BY 1")
    assert [(boot, ms(utc)) for boot, utc in found if utc] == [(b, START - 1000) for b in boots]
