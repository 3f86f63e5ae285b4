"""What every database does here, and which one a destination names."""

from __future__ import annotations

from typing import Protocol

from gateway.clock import NTP
from host_tools.errors import UserError
from host_tools.ingest.schema import CLOCKS, TABLES, Row, Rows

# site, gateway, boot
Boot = tuple[object, ...]
# name of the table, and Table.identity of the row that came
Conflict = tuple[str, Row]


class StoreDownError(Exception):
    """The database cannot be written just now; one line. The same rows again later."""


class RowsRefusedError(Exception):
    """The database takes everything but these rows; one line. Again is of no use."""


class Store(Protocol):
    """A database. Not connected before the first `write`, and again after a failed one.

    `conflicts`: rows of the last `write` under whose keys others stand, with another checksum.
    What stands stays; a store that keeps both has none.
    """

    conflicts: set[Conflict]

    def write(self, rows: Rows) -> int:
        """Store all rows or none; how many were new. StoreDownError, RowsRefusedError."""
        ...

    def close(self) -> None:
        """Give the database back; `write` opens it again."""
        ...


def open_store(destination: str) -> Store:
    """The store for a destination; UserError when there is none of that name.

    postgresql://USER@HOST/DATABASE, clickhouse://HOST:8123/DATABASE, parquet:FOLDER, or the path
    of a DuckDB file. Each part that is needed is imported only then.
    """
    scheme, _, rest = destination.partition(":")
    if scheme in ("postgresql", "postgres"):
        from host_tools.ingest.postgres_store import PostgresStore

        return PostgresStore(destination)
    if scheme in ("clickhouse", "clickhouses"):
        from host_tools.ingest.clickhouse_store import ClickhouseStore

        return ClickhouseStore(destination)
    if scheme == "parquet" and rest:
        from host_tools.ingest.parquet_store import ParquetStore

        return ParquetStore(rest)
    if "://" in destination or not destination or not rest and destination.endswith(":"):
        raise UserError(
            f"--database {scheme}: known are postgresql://, clickhouse://, parquet:FOLDER"
            " and the path of a DuckDB file"
        )
    from host_tools.ingest.duckdb_store import DuckdbStore

    return DuckdbStore(destination)


def one_writer_only(destination: str) -> bool:
    """True when a second process could not write at the same time."""
    return "://" not in destination


def boots_with_clocks(rows: Rows) -> list[Boot]:
    """Boots of which these rows hold clock records, in a fixed order."""
    return sorted({row[:3] for row in rows.get(CLOCKS.name, ())}, key=str)


def has_unsure_times(rows: Rows) -> bool:
    """True when a row has a stamp that a clock record could correct."""
    for table in TABLES:
        quality = table.names.index("clock_quality")
        if any(row[quality] != NTP for row in rows.get(table.name, ())):
            return True
    return False
