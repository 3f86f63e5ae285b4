"""Decoded telemetry as CSV files, one table each, or as Parquet files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from host_tools.decode.real_time import RealTime
from host_tools.decode.records import DecodeError
from host_tools.decode.sources import Found
from host_tools.errors import UserError
from host_tools.ingest import schema
from host_tools.ingest.schema import FRAMES, TABLES, Row, Rows, Table
from host_tools.ingest.store import RowsRefusedError, StoreDownError
from host_tools.ingest.translate import rows_of_block, rows_of_records

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARRAYS = {"cells_mv": "cells.csv", "temps_dc": "temps.csv"}


def write_csv(folder: Path, found: Iterable[Found]) -> list[Path]:
    """A file per table that has rows, and `cells.csv` and `temps.csv` with a column per reading.

    The files are written anew. UserError when the folder cannot be written.
    """
    rows = _all_rows(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [_table(folder, table, rows[table.name]) for table in TABLES if rows[table.name]]
        for column, name in _ARRAYS.items():
            wide = _wide(rows[FRAMES.name], column)
            if len(wide) > 1:
                files.append(_write(folder / name, wide))
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}") from error
    return files


def write_parquet(folder: Path, found: Iterable[Found]) -> int:
    """Add what is new to the folder, as `gatewayctl ingest` does; how many rows. UserError."""
    from host_tools.ingest.parquet_store import ParquetStore

    store = ParquetStore(str(folder))
    try:
        return store.write(_all_rows(found))
    except (StoreDownError, RowsRefusedError) as error:
        raise UserError(f"{folder}: {error}") from error
    finally:
        store.close()


def _all_rows(found: Iterable[Found]) -> Rows:
    """By table, in the order of keys; the file's name stands for the gateway's."""
    rows: Rows = {table.name: [] for table in TABLES}
    for each in found:
        time = RealTime(each.records)
        try:
            parts = [rows_of_block("", each.name, block) for block in each.blocks]
            parts.append(rows_of_records("", each.name, each.records))
        except DecodeError as error:
            raise UserError(f"{each.name}: {error}") from error
        for part in parts:
            for table in TABLES:
                rows[table.name] += [_timed(table, row, time) for row in part.get(table.name, ())]
    return rows


def _timed(table: Table, row: Row, time: RealTime) -> Row:
    """The row with `utc` as the clock records of its file tell."""
    names = table.names
    boot, uptime_ms, recorded, quality = (
        int(str(row[names.index(name)]))
        for name in ("boot", "uptime_ms", "recorded", "clock_quality")
    )
    at = names.index("utc")
    return (*row[:at], time.utc_ms(boot, uptime_ms, recorded, quality), *row[at + 1 :])


def _table(folder: Path, table: Table, rows: list[Row]) -> Path:
    kept = [index for index, (name, _) in enumerate(table.columns) if name not in _ARRAYS]
    lines: list[list[object]] = [[table.names[index] for index in kept]]
    lines += [[_cell(table.columns[index][1], row[index]) for index in kept] for row in rows]
    return _write(folder / f"{table.name}.csv", lines)


def _wide(rows: list[Row], column: str) -> list[list[object]]:
    """A line per frame with readings: whose, when, and every reading in a column of its own."""
    at = FRAMES.names.index(column)
    head = ("gateway", "boot", "lane", "rack", "uptime_ms", "utc")
    places = [FRAMES.names.index(name) for name in head]
    kinds = [FRAMES.columns[place][1] for place in places]
    lines = []
    most = 0
    for row in rows:
        readings = row[at]
        if isinstance(readings, list):
            most = max(most, len(readings))
            values = [_cell(kind, row[p]) for p, kind in zip(places, kinds, strict=True)]
            lines.append([*values, *readings])
    unit = column.partition("_")[2]
    return [[*head, *(f"{number}_{unit}" for number in range(1, most + 1))], *lines]


def _cell(kind: str, value: object) -> object:
    if kind == schema.TIME and isinstance(value, int):
        moment = _EPOCH + timedelta(milliseconds=value)
        return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    return value.hex() if isinstance(value, bytes) else value


def _write(path: Path, lines: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    return path
