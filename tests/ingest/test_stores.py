"""DuckDB, PostgreSQL and Parquet: each row once, whole batches, times corrected, holes named."""

from __future__ import annotations

import random
import shutil
import string
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from gateway.clock import NTP, RTC, UNSET
from gateway.telemetry import records as layout
from host_tools.bench.made_up_fleet import SITE, START_MS, MadeUpGateway, Sent
from host_tools.decode.blocks import Block, Frame
from host_tools.errors import UserError
from host_tools.ingest.schema import EVENTS, FRAMES, Rows
from host_tools.ingest.store import RowsRefusedError, Store, StoreDownError, open_store
from host_tools.ingest.translate import rows_of_block, rows_of_message

GATEWAY = MadeUpGateway("gw-001", frames=5)
EPOCH = datetime(1970, 1, 1)

Query = Callable[[str], list[tuple[Any, ...]]]


class Database:
    """A destination, and a way of its own to look into it."""

    def __init__(self, destination: str, query: Query) -> None:
        self.destination = destination
        self.query = query
        self.store: Store = open_store(destination)

    def take(self, *messages: Sent) -> int:
        return self.store.write(together(*messages))


def together(*messages: Sent) -> Rows:
    rows: Rows = {}
    for topic, payload in messages:
        for table, of_table in rows_of_message(topic, payload).items():
            rows.setdefault(table, []).extend(of_table)
    return rows


def in_duckdb(path: Path) -> Query:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return connection.execute(statement).fetchall()

    return query


def in_parquet(folder: Path) -> Query:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            for part in folder.iterdir():
                if any(part.glob("*.parquet")):
                    connection.execute(f"CREATE VIEW {part.name} AS FROM '{part}/*.parquet'")
            return connection.execute(statement).fetchall()

    return query


def in_postgres(url: str) -> Query:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url) as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            return [
                tuple(v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in row)
                for row in connection.execute(statement).fetchall()
            ]

    return query


def opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        found = Database(url, in_postgres(url))
    elif request.param == "parquet":
        found = Database(f"parquet:{folder / 'lake'}", in_parquet(folder / "lake"))
    else:
        path = folder / "deep" / "telemetry.duckdb"
        found = Database(str(path), in_duckdb(path))
    yield found
    found.store.close()


@pytest.fixture(params=["duckdb", "postgres", "parquet"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    yield from opened(request, tmp_path)


@pytest.fixture(params=["duckdb", "postgres"])
def correcting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database in which rows are changed later; files of Parquet never are."""
    yield from opened(request, tmp_path)


def moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def test_every_value_arrives_as_it_was(database: Database) -> None:
    assert database.take(*GATEWAY.chunk(0)) == 10
    database.store.close()
    found = database.query(
        "SELECT site, gateway, boot, lane, rack, chunk, chunk_last, uptime_ms, recorded, utc,"
        " clock_quality, rack_current_da, rule, soh_pm, temp_min_dc, cells_age_ms, cells_mv,"
        " temps_dc FROM frames WHERE rack = 1 ORDER BY uptime_ms"
    )
    assert len(found) == 5
    head = (SITE, "gw-001", 1, layout.MINUTE, 1, 1, 5)
    for number, (cells, temps) in enumerate(GATEWAY.readings(1, 1), 1):
        uptime_ms = number * 60_000
        at = moment(START_MS + uptime_ms)
        summary = (-897, None, None, None, 300)
        readings = (list(cells), list(temps))
        assert found[number - 1] == (*head, uptime_ms, at, at, NTP, *summary, *readings)


def test_what_comes_again_is_there_once(database: Database) -> None:
    first, second = GATEWAY.chunk(0)
    events = GATEWAY.events(1, 3)
    assert database.take(first, first, events) == 8
    assert database.take(first, second, events, GATEWAY.events(2, 4)) == 7
    database.store.close()  # as after a restart
    assert database.take(first, second, GATEWAY.events(1, 5)) == 0
    database.store.close()
    assert database.query("SELECT count(*) FROM frames") == [(10,)]
    assert database.query("SELECT sequence, text, value FROM events ORDER BY sequence") == [
        (seq, f"no. {seq}", seq) for seq in range(1, 6)
    ]


def test_boots_lanes_and_gateways_are_kept_apart(database: Database) -> None:
    changes: list[dict[str, Any]] = [{}, {"boot": 2}, {"lane": layout.FINE}, {"name": "gw-002"}]
    others = [replace(GATEWAY, **change) for change in changes]
    assert database.take(*(message for other in others for message in other.chunk(0))) == 40


def test_a_batch_that_is_refused_leaves_nothing(correcting: Database) -> None:
    rows = together(GATEWAY.events(1, 2), *GATEWAY.chunk(0))
    column = EVENTS.names.index("value")
    bad = list(rows[EVENTS.name][1])
    bad[column] = 1 << 40
    rows[EVENTS.name][1] = tuple(bad)
    with pytest.raises(RowsRefusedError):
        correcting.store.write(rows)
    correcting.store.close()
    assert correcting.take(GATEWAY.events(1, 2), *GATEWAY.chunk(0)) == 12


def test_a_row_too_large_for_its_index_is_refused(postgres_url: str) -> None:
    """By what the server's code says, or a worker would try it for ever."""
    store = open_store(postgres_url)
    dice = random.Random(3)
    row = together(GATEWAY.events(1, 1))[EVENTS.name][0]
    site = "".join(dice.choice(string.ascii_letters) for _ in range(6000))
    with pytest.raises(RowsRefusedError, match="index row size"):
        store.write({EVENTS.name: [(site, *row[1:])]})
    assert store.write({EVENTS.name: [row]}) == 1
    store.close()


def test_readings_that_were_not_made_are_null(database: Database) -> None:
    sample = dict.fromkeys(layout.SAMPLE_FIELDS, 0) | {"soc_pm": layout.NO_UNSIGNED}
    cells, temps = [3300, 0xFFFF, 40_000, 0], [231, layout.NO_SIGNED]
    frames = [
        Frame(1000, START_MS, NTP, sample, cells, temps, 400),
        Frame(2000, START_MS, NTP, sample, None, None, None),
    ]
    block = Block(1, layout.MINUTE, 1, 1, 2, 0, frames)
    database.store.write(rows_of_block(SITE, "gw-001", block))
    database.store.close()
    assert database.query(
        "SELECT cells_mv, temps_dc, soc_pm, cells_age_ms FROM frames ORDER BY uptime_ms"
    ) == [([3300, None, None, 0], [231, None], None, 400), (None, None, None, None)]


def test_gaps_clocks_and_unknown_kinds_have_tables(database: Database) -> None:
    database.take(
        GATEWAY.batch(
            1,
            GATEWAY.record(layout.GAP, 1, struct.pack(layout.GAP_PAYLOAD, 1, 10, 20)),
            clock(GATEWAY, 2, 5000, START_MS + 5000),
            GATEWAY.record(layout.BLACK_BOX, 3, b"\0\xff"),
            GATEWAY.record(99, 4, b"new"),
        )
    )
    database.store.close()
    assert database.query("SELECT lost_boot, first_lost, last_lost FROM gaps") == [(1, 10, 20)]
    assert database.query("SELECT at_uptime_ms, at_utc_ms, quality FROM clocks") == [
        (5000, START_MS + 5000, NTP)
    ]
    assert database.query("SELECT kind, payload FROM packed ORDER BY sequence") == [
        (layout.BLACK_BOX, b"\0\xff"),
        (99, b"new"),
    ]


def clock(
    gateway: MadeUpGateway, seq: int, uptime_ms: int, utc_ms: int, quality: int = NTP
) -> bytes:
    payload = struct.pack(
        layout.CLOCK_PAYLOAD, uptime_ms, utc_ms & 0xFFFFFFFF, utc_ms >> 32, quality, 0
    )
    return gateway.record(layout.CLOCK, seq, payload)


def test_times_of_a_clock_that_was_not_set_come_later(correcting: Database) -> None:
    unset = replace(GATEWAY, clock_quality=UNSET)
    before, after = unset.chunk(0)
    correcting.take(before, unset.events(1, 2))
    correcting.store.close()
    assert correcting.query("SELECT DISTINCT utc FROM frames") == [(None,)]
    assert correcting.query("SELECT min(recorded) FROM frames") == [(moment(60_000),)]
    message = unset.batch(3, clock(unset, 3, 10_000, START_MS))
    for _ in range(2):  # again changes nothing
        correcting.take(message)
    correcting.take(after)  # a row that comes after the clock record
    correcting.store.close()
    utc = START_MS - 10_000
    assert correcting.query("SELECT rack, uptime_ms, utc FROM frames ORDER BY 1, 2") == [
        (rack, uptime_ms, moment(utc + uptime_ms))
        for rack in (0, 1)
        for uptime_ms in range(60_000, 300_001, 60_000)
    ]
    assert correcting.query("SELECT utc FROM events ORDER BY sequence") == [
        (moment(utc + 1000),),
        (moment(utc + 2000),),
    ]


def test_the_surest_and_first_clock_counts_and_only_for_its_boot(correcting: Database) -> None:
    unset = replace(GATEWAY, clock_quality=UNSET, racks=1)
    wrong = START_MS + 999_000
    correcting.take(
        *unset.chunk(0),
        *replace(unset, boot=2).chunk(0),
        unset.batch(
            1,
            clock(unset, 1, 60_000, wrong, RTC),
            clock(unset, 2, 70_000, START_MS + 70_000),
            clock(unset, 3, 310_000, START_MS + 310_005),  # drifted since, no matter
        ),
    )
    correcting.store.close()
    found = correcting.query("SELECT utc FROM frames WHERE boot = 1 ORDER BY uptime_ms")
    assert [utc for (utc,) in found] == [
        moment(START_MS + at) for at in (60_000, 120_000, 180_000, 240_000, 300_000)
    ]
    assert correcting.query("SELECT DISTINCT utc FROM frames WHERE boot = 2") == [(None,)]


def test_holes_are_what_neither_came_nor_was_reported(correcting: Database) -> None:
    chunks = [list(GATEWAY.chunk(number)) for number in range(6)]
    correcting.take(*chunks[1], *chunks[3], *chunks[5], GATEWAY.events(2, 3))
    correcting.store.close()
    holes = "SELECT lane, first_missing, last_missing FROM holes ORDER BY 1, 2"
    assert correcting.query(holes) == [(0, 1, 1), (1, 1, 5), (1, 11, 15), (1, 21, 25)]
    lost = struct.pack(layout.GAP_PAYLOAD, 1, 11, 15)
    gap = GATEWAY.record(layout.GAP, 31, lost, layout.MINUTE)
    correcting.take(*chunks[0], GATEWAY.batch(31, gap, lane=layout.MINUTE), GATEWAY.events(1, 1))
    correcting.store.close()
    assert correcting.query(holes) == [(1, 21, 25)]
    lost = struct.pack(layout.GAP_PAYLOAD, 2, 0, 3)  # all that has not come, up to boot 2
    later = replace(GATEWAY, boot=2)
    gap = later.record(layout.GAP, 1, lost, layout.MINUTE)
    correcting.take(later.batch(1, gap, lane=layout.MINUTE))
    correcting.store.close()
    assert correcting.query(holes) == [(1, 21, 25)]  # it may be one that the gateway never had


def test_a_report_without_a_beginning_hides_no_hole(correcting: Database) -> None:
    """Whether it is about that hole nobody can tell: the hole stays, and says so."""
    chunks = [list(GATEWAY.chunk(number)) for number in range(4)]
    lost = struct.pack(layout.GAP_PAYLOAD, 1, 0, 10)
    gap = GATEWAY.record(layout.GAP, 21, lost, layout.MINUTE)
    correcting.take(*chunks[1], *chunks[3], GATEWAY.batch(21, gap, lane=layout.MINUTE))
    correcting.store.close()
    holes = "SELECT first_missing, last_missing, perhaps_told FROM holes ORDER BY 1"
    assert correcting.query(holes) == [(1, 5, True), (11, 15, False)]


def test_a_block_of_one_rack_that_is_missing_is_a_hole(correcting: Database) -> None:
    fleet = replace(GATEWAY, racks=3)
    chunks = [list(fleet.chunk(number)) for number in range(3)]
    correcting.take(*chunks[0], chunks[1][0], chunks[1][2], chunks[2][1])
    correcting.store.close()
    holes = "SELECT lane, racks, first_missing, last_missing FROM holes ORDER BY 3, 2"
    assert correcting.query(holes) == [(1, [1], 6, 10), (1, [0, 2], 11, 15)]
    correcting.take(*chunks[1], *chunks[2])
    correcting.store.close()
    assert correcting.query(holes) == []


def test_a_rack_that_only_events_know_is_missed(correcting: Database) -> None:
    event = layout.encode_event(layout.TRIP, 1, 0, 3, 3700, 3650, "")
    correcting.take(
        next(GATEWAY.chunk(0)), GATEWAY.batch(1, GATEWAY.record(layout.EVENT, 1, event))
    )
    correcting.store.close()
    holes = "SELECT lane, racks, first_missing, last_missing FROM holes"
    assert correcting.query(holes) == [(1, [1], 1, 5)]


def test_boots_between_known_ones_are_missed(correcting: Database) -> None:
    for boot in (7, 10, 11, 14):
        correcting.take(replace(GATEWAY, boot=boot).events(1, 1))
    correcting.take(replace(GATEWAY, name="gw-002", boot=9).events(1, 1))
    correcting.store.close()
    missing = "SELECT first_missing, last_missing, perhaps_told FROM missing_boots ORDER BY 1"
    assert correcting.query(missing) == [(8, 9, False), (12, 13, False)]
    later = replace(GATEWAY, boot=14)
    lost = struct.pack(layout.GAP_PAYLOAD, 9, 0, 3)  # all that has not come, up to boot 9
    correcting.take(later.batch(2, later.record(layout.GAP, 2, lost)))
    correcting.store.close()
    assert correcting.query(missing) == [(8, 9, True), (12, 13, False)]


@pytest.mark.parametrize("forged_first", [False, True])
def test_another_record_under_the_same_key_is_told(database: Database, forged_first: bool) -> None:
    real, block = GATEWAY.events(1, 3), next(GATEWAY.chunk(0))
    text = layout.encode_event(layout.LEVEL_SET, 0, 3, 1, 2, 9, "nothing happened")
    forged = GATEWAY.batch(2, GATEWAY.record(layout.EVENT, 2, text))
    dice = replace(GATEWAY, name="gw-002")  # other readings
    ((_, other_block), *_) = dice.chunk(0)
    first, second = [real, block], [forged, (block[0], other_block)]
    if forged_first:
        first, second = second, first
    database.take(*first)
    assert database.store.conflicts == set()
    database.take(*first)  # what comes again is none
    assert database.store.conflicts == set()
    database.store.close()
    database.take(*second)
    found = database.store.conflicts
    key = (SITE, "gw-001", 1, layout.EVENTS, 2)
    assert [each[1][:-1] for each in found if each[0] == EVENTS.name] == [key]
    assert len([each for each in found if each[0] == FRAMES.name]) == 5
    database.store.close()
    ((stays,),) = database.query("SELECT text FROM events WHERE sequence = 2")
    assert stays == ("nothing happened" if forged_first else "no. 2")
    database.take(GATEWAY.events(4, 1))
    assert database.store.conflicts == set()


def test_two_different_records_in_one_batch_are_told(database: Database) -> None:
    text = layout.encode_event(layout.LEVEL_SET, 0, 3, 1, 2, 9, "nothing happened")
    forged = GATEWAY.batch(1, GATEWAY.record(layout.EVENT, 1, text))
    assert database.take(GATEWAY.events(1, 1), forged) == 1
    assert len(database.store.conflicts) == 1


def test_a_folder_that_is_used_by_another_is_left_alone(tmp_path: Path) -> None:
    first, second = (open_store(f"parquet:{tmp_path}") for _ in range(2))
    first.write(together(GATEWAY.events(1, 1)))
    with pytest.raises(StoreDownError, match="another process writes to it"):
        second.write(together(GATEWAY.events(1, 1)))
    first.close()
    assert second.write(together(GATEWAY.events(1, 2))) == 1
    second.close()


def test_what_a_power_cut_left_of_a_parquet_file_is_removed(tmp_path: Path) -> None:
    store = open_store(f"parquet:{tmp_path}")
    store.write(together(GATEWAY.events(1, 1), *GATEWAY.chunk(0)))
    store.close()
    # the batch got as far as its first table
    shutil.rmtree(tmp_path / "events")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "torn.part").write_bytes(b"PAR1")
    assert store.write(together(GATEWAY.events(1, 1), *GATEWAY.chunk(0))) == 1
    store.close()
    assert in_parquet(tmp_path)("SELECT count(*) FROM events") == [(1,)]
    assert not list(tmp_path.rglob("*.part"))


def test_a_database_that_is_away_says_so_and_is_found_again(tmp_path: Path) -> None:
    with pytest.raises(StoreDownError, match="refused"):
        open_store("postgresql://nobody@127.0.0.1:9/x").write(together(GATEWAY.events(1, 1)))
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = open_store(str(blocked / "telemetry.duckdb"))
    with pytest.raises(StoreDownError, match="file"):
        store.write(together(GATEWAY.events(1, 1)))
    blocked.unlink()
    assert store.write(together(GATEWAY.events(1, 1))) == 1
    store.close()


@pytest.mark.parametrize(
    "destination",
    ["", "mysql://x", "parquet:", "postgresql://h?who=me", "clickhouse://", "clickhouse://h:x"],
)
def test_a_destination_that_is_none_is_refused(destination: str) -> None:
    with pytest.raises(UserError, match="--database"):
        open_store(destination)


def test_rows_fit_their_tables() -> None:
    rows = together(GATEWAY.events(1, 1), *GATEWAY.chunk(0))
    assert {len(row) for row in rows[FRAMES.name]} == {len(FRAMES.columns)}
    assert {len(row) for row in rows[EVENTS.name]} == {len(EVENTS.columns)}
    assert datetime.fromtimestamp(START_MS / 1000, UTC).year == 2027
