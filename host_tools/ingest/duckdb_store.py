"""A DuckDB file: the destination that needs nothing but a path."""

from __future__ import annotations

from pathlib import Path

import duckdb

from host_tools.ingest import sql
from host_tools.ingest.schema import BIG, CLOCKS, TABLES, TIME, Rows, Table
from host_tools.ingest.store import (
    Conflict,
    RowsRefusedError,
    StoreDownError,
    boots_with_clocks,
    has_unsure_times,
)

TYPES = {
    "text": "VARCHAR",
    "small": "SMALLINT",
    "int": "INTEGER",
    "big": "BIGINT",
    "time": "TIMESTAMP",  # UTC
    "bytes": "BLOB",
    "smalls": "SMALLINT[]",
}
TIME_OF_MS = "make_timestamp_ms({})"
_DIALECT = sql.Dialect(TYPES, TIME_OF_MS, "epoch_ms({})", "?")


class DuckdbStore:
    """One process at a time can have the file open."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.conflicts: set[Conflict] = set()

    def write(self, rows: Rows) -> int:
        """As `Store.write`."""
        self.conflicts = set()
        try:
            connection = self._open()
            connection.begin()
            correct = has_unsure_times(rows)
            new = {
                table.name: self._append_new(connection, table, rows[table.name], correct)
                for table in TABLES
                if rows.get(table.name)
            }
            if new.get(CLOCKS.name):
                for boot in boots_with_clocks(rows):
                    for table in TABLES:
                        connection.execute(sql.correct_times(table, _DIALECT), boot)
            connection.commit()
        except (duckdb.DataError, duckdb.IntegrityError) as error:
            self.close()
            raise RowsRefusedError(_line(error)) from error
        except (duckdb.Error, OSError) as error:
            self.close()
            raise StoreDownError(_line(error)) from error
        except BaseException:
            self.close()  # in the middle of a transaction: nothing of it stays
            raise
        return sum(new.values())

    def close(self) -> None:
        """As `Store.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(str(self._path))
            for table in TABLES:
                connection.execute(sql.create_table(table, TYPES))
            connection.execute(sql.create_holes())
            connection.execute(sql.create_missing_boots())
            create_staging(connection)
            self._connection = connection
        return self._connection

    def _append_new(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        rows: list[tuple[object, ...]],
        correct: bool,
    ) -> int:
        """Insert the rows whose key is not there yet; how many."""
        fill_staging(connection, table, rows)
        found = connection.execute(sql.insert_new(table, _DIALECT, correct)).fetchone()
        new = int(found[0]) if found else 0
        if new < len(rows):
            self.conflicts |= conflicts(connection, table, table.name)
        return new


def create_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """A temporary table `new_<name>` for each table, without keys, times as ms."""
    for table in TABLES:
        columns = ", ".join(
            f"{name} {TYPES[BIG if kind == TIME else kind]}" for name, kind in table.columns
        )
        connection.execute(f"CREATE TEMP TABLE new_{table.name} ({columns})")


def fill_staging(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: list[tuple[object, ...]]
) -> None:
    """Put rows into the staging table, in place of those that are there."""
    connection.execute(f"DELETE FROM new_{table.name}")
    with connection.appender(f"new_{table.name}") as appender:
        appender.append_rows(rows)


def conflicts(connection: duckdb.DuckDBPyConnection, table: Table, stored: str) -> set[Conflict]:
    """Rows of the staging table that differ from those under the same keys in `stored`."""
    found = connection.execute(sql.find_conflicts(table, stored)).fetchall()
    return {(table.name, identity) for identity in found}


def as_stored(table: Table) -> str:
    """The columns of a staging table, times as timestamps."""
    return ", ".join(
        f"{TIME_OF_MS.format(name)} AS {name}" if kind == TIME else name
        for name, kind in table.columns
    )


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
