"""Rows per second from messages into DuckDB and PostgreSQL, against nothing but the driver."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg

from host_tools.bench import postgres_server
from host_tools.bench.made_up_fleet import MadeUpGateway, Sent
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series, interleaved
from host_tools.errors import UserError
from host_tools.ingest import duckdb_store, postgres_store
from host_tools.ingest.schema import BIG, FRAMES, TIME, Row, Rows
from host_tools.ingest.store import open_store
from host_tools.ingest.translate import rows_of_message
from host_tools.toolchain.progress import step

GATEWAY = MadeUpGateway("gw-001", racks=12, cells=416, temps=104, frames=60)
_HOST = "127.0.0.1"


def measure(effort: Effort) -> list[Metric]:
    """Both databases; about a minute in full. Without PostgreSQL its figure stays empty."""
    chunks = 3 if effort.rounds > 2 else 1
    with step(f"messages of {chunks} h from 12 racks"):
        messages = [message for number in range(chunks) for message in GATEWAY.chunk(number)]
    decoded = _decode(messages)
    metrics = [_metric("ingest_duckdb_rows_per_s", _duckdb(effort, messages, decoded), decoded)]
    try:
        postgres_server.find_programs()
    except UserError as error:
        note = {"note": str(error)}
        return [*metrics, Metric("ingest_postgres_rows_per_s", None, "rows/s", details=note)]
    found = _postgres(effort, messages, decoded)
    return [*metrics, _metric("ingest_postgres_rows_per_s", found, decoded)]


def _decode(messages: list[Sent]) -> list[Row]:
    return [row for message in messages for row in rows_of_message(*message)[FRAMES.name]]


def _metric(name: str, series: dict[str, Series], decoded: list[Row]) -> Metric:
    """`value` = from message to commit; `baseline` = decoded rows through the bare driver."""
    median = {what: one.median for what, one in series.items()}
    return Metric(
        name,
        median["whole"],
        "rows/s",
        baseline=median["driver"],
        details={
            "note": f"decoding alone {median['decode']:.0f}, storing alone {median['store']:.0f};"
            " baseline: decoded rows by the bare driver, no key",
            "rounds": {what: one.as_json() for what, one in series.items()},
            "rows": len(decoded),
            "cells": GATEWAY.cells,
        },
    )


def _duckdb(effort: Effort, messages: list[Sent], decoded: list[Row]) -> dict[str, Series]:
    def driver() -> float:
        with _empty_folder() as folder, duckdb.connect(str(folder / "x.duckdb")) as connection:
            duckdb_store.create_staging(connection)
            connection.execute(f"CREATE TABLE plain AS FROM new_{FRAMES.name}")
            started_s = time.perf_counter()
            with connection.appender("plain") as appender:
                appender.append_rows(decoded)
            return len(decoded) / (time.perf_counter() - started_s)

    def through_store(rows: Callable[[], list[Row]]) -> float:
        with _empty_folder() as folder:
            return _timed(str(folder / "x.duckdb"), rows)

    with step(f"DuckDB: {effort.rounds} rounds"):
        return _rounds(effort, messages, decoded, driver, through_store)


def _postgres(effort: Effort, messages: list[Sent], decoded: list[Row]) -> dict[str, Series]:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port = probe.getsockname()[1]
    with step(f"PostgreSQL: {effort.rounds} rounds"), postgres_server.running(port) as server:

        def driver() -> float:
            kinds = [BIG if kind == TIME else kind for _, kind in FRAMES.columns]
            types = [postgres_store.TYPES[kind] for kind in kinds]
            pairs = zip(FRAMES.names, types, strict=True)
            columns = ", ".join(f"{name} {of_type}" for name, of_type in pairs)
            with psycopg.connect(server.url) as connection:
                connection.execute("DROP TABLE IF EXISTS plain")
                connection.execute(f"CREATE TABLE plain ({columns})")
                connection.commit()
                started_s = time.perf_counter()
                copy_in = "COPY plain FROM STDIN (FORMAT BINARY)"  # half the time of text
                with connection.cursor().copy(copy_in) as copy:
                    copy.set_types(types)
                    for row in decoded:
                        copy.write_row(row)
                connection.commit()
                return len(decoded) / (time.perf_counter() - started_s)

        def through_store(rows: Callable[[], list[Row]]) -> float:
            with psycopg.connect(server.url) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
            return _timed(server.url, rows)

        return _rounds(effort, messages, decoded, driver, through_store)


def _rounds(
    effort: Effort,
    messages: list[Sent],
    decoded: list[Row],
    driver: Callable[[], float],
    through_store: Callable[[Callable[[], list[Row]]], float],
) -> dict[str, Series]:
    def decode() -> float:
        started_s = time.perf_counter()
        _decode(messages)
        return len(decoded) / (time.perf_counter() - started_s)

    return interleaved(
        {
            "whole": lambda: through_store(lambda: _decode(messages)),
            "store": lambda: through_store(lambda: decoded),
            "decode": decode,
            "driver": driver,
        },
        effort.rounds,
    )


def _timed(destination: str, rows: Callable[[], list[Row]]) -> float:
    """Rows per second into an empty database whose tables are there."""
    store = open_store(destination)
    try:
        store.write({})
        started_s = time.perf_counter()
        batch: Rows = {FRAMES.name: rows()}
        new = store.write(batch)
        seconds = time.perf_counter() - started_s
    finally:
        store.close()
    if new != len(batch[FRAMES.name]):
        raise UserError(f"{destination}: {new} of {len(batch[FRAMES.name])} rows were stored")
    return new / seconds


@contextmanager
def _empty_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
