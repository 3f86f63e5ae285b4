"""PostgreSQL, with a hypertable when the TimescaleDB extension is there."""

from __future__ import annotations

import psycopg

from host_tools.errors import UserError
from host_tools.ingest import sql
from host_tools.ingest.schema import BIG, CLOCKS, FRAMES, SMALLS, TABLES, TIME, Row, Rows, Table
from host_tools.ingest.store import (
    Conflict,
    RowsRefusedError,
    StoreDownError,
    boots_with_clocks,
    has_unsure_times,
)

TYPES = {
    "text": "text",
    "small": "smallint",
    "int": "integer",
    "big": "bigint",
    "time": "timestamptz",
    "bytes": "bytea",
    "smalls": "smallint[]",
}
TIME_OF_MS = "(timestamptz 'epoch' + ({}) * interval '1 millisecond')"
_DIALECT = sql.Dialect(TYPES, TIME_OF_MS, "(extract(epoch FROM {}) * 1000)::bigint", "%s")
# any numbers that no other program takes: tables are made by one worker at a time; rows that a
# clock record may correct, and clock records, are never written at the same time
_SCHEMA_LOCK = 0x62657373
_CLOCK_LOCK = 0x62657374
# Of the server's codes: what it says about the content. Class 22 a value is wrong, 23 a rule of
# the table is broken, 54 a row is too large for the table or its index.
_REFUSALS = ("22", "23", "54")
_CONNECT_S = 10
_SILENCE_MS = 30_000  # a server that acknowledges nothing for so long is gone


class PostgresStore:
    """Any number of processes write at the same time."""

    def __init__(self, url: str) -> None:
        """UserError when `url` cannot be understood; nothing is connected yet."""
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error as error:
            raise UserError(f"--database: {_line(error)}") from error
        self._url = url
        self._connection: psycopg.Connection | None = None
        self.conflicts: set[Conflict] = set()

    def write(self, rows: Rows) -> int:
        """As `Store.write`."""
        self.conflicts = set()
        try:
            connection = self._open()
            new = self._write(connection, rows)
            connection.commit()
        except (psycopg.Error, OSError) as error:
            self.close()
            raise (RowsRefusedError if _is_refusal(error) else StoreDownError)(
                _line(error)
            ) from error
        except BaseException:
            self.close()  # in the middle of a transaction: nothing of it stays
            raise
        return new

    def _write(self, connection: psycopg.Connection, rows: Rows) -> int:
        clocks = boots_with_clocks(rows)
        correct = has_unsure_times(rows)
        if clocks:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CLOCK_LOCK,))
        elif correct:
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_CLOCK_LOCK,))
        new = {
            table.name: self._append_new(connection, table, rows[table.name], correct)
            for table in TABLES
            if rows.get(table.name)
        }
        if new.get(CLOCKS.name):
            for boot in clocks:
                for table in TABLES:
                    connection.execute(sql.correct_times(table, _DIALECT), boot)
        return sum(new.values())

    def _append_new(
        self, connection: psycopg.Connection, table: Table, rows: list[Row], correct: bool
    ) -> int:
        """Insert the rows whose key is not there yet; how many."""
        arrays = [index for index, (_, kind) in enumerate(table.columns) if kind == SMALLS]
        copy_in = f"COPY new_{table.name} FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            for row in rows:
                copy.write_row(_with_literals(row, arrays) if arrays else row)
        new = connection.execute(sql.insert_new(table, _DIALECT, correct)).rowcount
        if new < len(rows):
            found = connection.execute(sql.find_conflicts(table, table.name)).fetchall()
            self.conflicts |= {(table.name, tuple(identity)) for identity in found}
        return new

    def close(self) -> None:
        """As `Store.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection:
        if self._connection is None:
            connection = psycopg.connect(
                self._url, connect_timeout=_CONNECT_S, tcp_user_timeout=_SILENCE_MS
            )
            # each statement sees what was committed before it, whatever the server's setting
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            self._connection = connection
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            found = connection.execute("SELECT to_regclass('holes')").fetchone()
            if not found or found[0] is None:
                self._create_tables(connection)
            for table in TABLES:
                connection.execute(_create_staging(table))
            connection.commit()
        return self._connection

    @staticmethod
    def _create_tables(connection: psycopg.Connection) -> None:
        found = connection.execute(
            "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
        ).fetchone()
        for table in TABLES:
            if found and table is FRAMES:
                # the column that a hypertable is divided by has to be part of every key
                connection.execute(sql.create_table(table, TYPES, (*table.key, "recorded")))
                connection.execute(
                    f"SELECT create_hypertable('{table.name}', 'recorded', if_not_exists => true)",
                )
            else:
                connection.execute(sql.create_table(table, TYPES))
        connection.execute(
            f"CREATE INDEX IF NOT EXISTS {FRAMES.name}_utc"
            f" ON {FRAMES.name} (site, gateway, rack, utc)",
        )
        connection.execute(sql.create_missing_boots())
        connection.execute(sql.create_holes())


def _create_staging(table: Table) -> str:
    """A table `new_<name>` of this connection, without keys, times as ms."""
    columns = ", ".join(
        f"{name} {TYPES[BIG if kind == TIME else kind]}" for name, kind in table.columns
    )
    return f"CREATE TEMP TABLE new_{table.name} ({columns}) ON COMMIT DELETE ROWS"


def _with_literals(row: Row, arrays: list[int]) -> list[object]:
    """The row with its arrays as text: four times as fast as one element at a time."""
    values = list(row)
    for index in arrays:
        if values[index] is not None:
            values[index] = "{" + str(values[index])[1:-1].replace("None", "NULL") + "}"
    return values


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return error.sqlstate[:2] in _REFUSALS
    return isinstance(error, psycopg.DataError)  # the driver's own, before the server saw it


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
