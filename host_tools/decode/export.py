"""Decoded telemetry as CSV files, one table each, or as Parquet files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from host_tools.decode.real_time import RealTime, utc_text
from host_tools.decode.records import DecodeError
from host_tools.decode.sources import Found
from host_tools.errors import UserError
from host_tools.ingest import schema
from host_tools.ingest.schema import FRAMES, TABLES, Row, Rows, Table
from host_tools.ingest.store import RowsRefusedError, StoreDownError
from host_tools.ingest.translate import rows_of_block, rows_of_records

_Names = dict[tuple[object, ...], str]  # by site, gateway, boot and rack
_RACK, _RACK_NAME = "rack", "rack_name"  # the name follows where there is a rack
_ARRAYS = {"cells_mv": "cells.csv", "temps_dc": "temps.csv"}


def write_csv(folder: Path, found: Iterable[Found]) -> list[Path]:
    """A file per table that has rows, and `cells.csv` and `temps.csv` with a column per reading.

    The files are written anew. UserError when the folder cannot be written.
    """
    found = list(found)
    rows = _all_rows(found)
    names: _Names = {
        (*each.owner(boot), boot, rack): name
        for each in found
        for (boot, rack), name in each.rack_names.items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [
            _table(folder, table, rows[table.name], names) for table in TABLES if rows[table.name]
        ]
        for column, name in _ARRAYS.items():
            wide = _wide(rows[FRAMES.name], column, names)
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
    """By table, in the order of keys."""
    rows: Rows = {table.name: [] for table in TABLES}
    for each in found:
        time = RealTime(each.records)
        try:
            parts = [rows_of_block(*each.owner(block.boot), block) for block in each.blocks]
            parts += [
                rows_of_records(*each.owner(boot), records)
                for boot, records in groupby(each.records, attrgetter("boot"))
            ]
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


def _table(folder: Path, table: Table, rows: list[Row], names: _Names) -> Path:
    kept = tuple(name for name in table.names if name not in _ARRAYS)
    lines: list[list[object]] = [_titles(kept)]
    lines += [_values(table, row, kept, names) for row in rows]
    return _write(folder / f"{table.name}.csv", lines)


def _titles(columns: tuple[str, ...]) -> list[object]:
    at = columns.index(_RACK) + 1 if _RACK in columns else 0
    return [*columns[:at], _RACK_NAME, *columns[at:]] if at else list(columns)


def _values(table: Table, row: Row, columns: tuple[str, ...], names: _Names) -> list[object]:
    """What a row says in these columns, with the name of its rack."""
    values: dict[str, object] = dict(zip(table.names, row, strict=True))
    kinds = dict(table.columns)
    texts: list[object] = []
    for name in columns:
        texts.append(_cell(kinds[name], values[name]))
        if name == _RACK:
            key = (values["site"], values["gateway"], values["boot"], values[_RACK])
            texts.append(names.get(key, ""))
    return texts


def _wide(rows: list[Row], column: str, names: _Names) -> list[list[object]]:
    """A line per frame with readings: whose, when, and every reading in a column of its own."""
    at = FRAMES.names.index(column)
    head = ("site", "gateway", "boot", "lane", "rack", "uptime_ms", "utc")
    lines = []
    most = 0
    for row in rows:
        readings = row[at]
        if isinstance(readings, list):
            most = max(most, len(readings))
            lines.append([*_values(FRAMES, row, head, names), *readings])
    unit = column.partition("_")[2]
    return [[*_titles(head), *(f"{number}_{unit}" for number in range(1, most + 1))], *lines]


def _cell(kind: str, value: object) -> object:
    if kind == schema.TIME and isinstance(value, int):
        return utc_text(value)
    return value.hex() if isinstance(value, bytes) else value


def _write(path: Path, lines: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    return path
