"""A folder of Parquet files, one folder per table, readable by everything."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import duckdb

from host_tools.ingest.duckdb_store import as_stored, conflicts, create_staging, fill_staging
from host_tools.ingest.schema import TABLES, Row, Rows, Table
from host_tools.ingest.store import Conflict, RowsRefusedError, StoreDownError

_LOCK = "writer.lock"
_PART = ".part"


class ParquetStore:
    """Each batch becomes one file per table, whole or not there.

    The keys of all files are read when the folder is opened and kept in memory, so what comes
    again is not written again. One process at a time has the folder.
    """

    patience_s = 10.0  # files that are too small are slow to read

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock: int | None = None
        self._files = 0
        self.conflicts: set[Conflict] = set()

    def write(self, rows: Rows) -> int:
        """As `Store.write`; with several tables what was written first stays."""
        self.conflicts = set()
        try:
            connection = self._open()
            return sum(
                self._write_table(connection, table, rows[table.name])
                for table in TABLES
                if rows.get(table.name)
            )
        except duckdb.DataError as error:
            self.close()
            raise RowsRefusedError(_line(error)) from error
        except (duckdb.Error, OSError) as error:
            self.close()
            raise StoreDownError(_line(error)) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """As `Store.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._folder / _LOCK)
            connection = duckdb.connect()
            create_staging(connection)
            for table in TABLES:
                self._read_keys(connection, table)
            self._connection = connection
        return self._connection

    def _read_keys(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        folder = self._folder / table.name
        folder.mkdir(exist_ok=True)
        for unfinished in folder.glob(f"*{_PART}"):
            unfinished.unlink()
        keys = ", ".join((*table.key, "checksum"))
        connection.execute(
            f"CREATE TABLE seen_{table.name} AS SELECT {keys} FROM new_{table.name}"
        )
        if any(folder.glob("*.parquet")):
            connection.execute(
                f"INSERT INTO seen_{table.name} SELECT {keys} FROM read_parquet(?)",
                [f"{folder}/*.parquet"],
            )

    def _write_table(
        self, connection: duckdb.DuckDBPyConnection, table: Table, rows: list[Row]
    ) -> int:
        fill_staging(connection, table, rows)
        keys = ", ".join(table.key)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT DISTINCT ON ({keys}) {as_stored(table)}"
            f" FROM new_{table.name} ANTI JOIN seen_{table.name} USING ({keys})"
        )
        found = connection.execute("SELECT count(*) FROM fresh").fetchone()
        new = int(found[0]) if found else 0
        if new:
            self._write_file(connection, table)
            connection.execute(f"INSERT INTO seen_{table.name} SELECT {keys}, checksum FROM fresh")
        if new < len(rows):
            self.conflicts |= conflicts(connection, table, f"seen_{table.name}")
        return new

    def _write_file(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        self._files += 1
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{self._files}"
        path = self._folder / table.name / f"{name}.parquet"
        part = path.with_suffix(_PART)
        connection.execute(f"COPY fresh TO '{_quoted(part)}' (FORMAT parquet, COMPRESSION zstd)")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise OSError(f"{path.parent}: another process writes to it") from None
    return lock


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
