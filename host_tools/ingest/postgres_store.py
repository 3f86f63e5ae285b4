"""PostgreSQL, with a hypertable when the TimescaleDB extension is there."""

from __future__ import annotations

import psycopg

from host_tools.errors import UserError
from host_tools.ingest import sql
from host_tools.ingest.schema import BIG, FRAMES, SMALLS, TABLES, TIME, Row, Rows, Table
from host_tools.ingest.store import RowsRefusedError, StoreDownError, boots_to_correct

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
# any number that no other program takes: tables are made by one worker at a time
_SCHEMA_LOCK = 0x62657373
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

    def write(self, rows: Rows) -> int:
        """As `Store.write`. Rows once stored stay, when only correcting their times failed."""
        try:
            connection = self._open()
            new = sum(
                _append_new(connection, table, rows[table.name])
                for table in TABLES
                if rows.get(table.name)
            )
            connection.commit()
            # in a transaction of its own: of two workers that write a clock record and what it
            # corrects at the same time, the later one sees both
            self._correct(connection, rows)
            connection.commit()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self.close()
            raise RowsRefusedError(_line(error)) from error
        except (psycopg.Error, OSError) as error:
            self.close()
            raise StoreDownError(_line(error)) from error
        except BaseException:
            self.close()  # in the middle of a transaction: nothing of it stays
            raise
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
        connection.execute(sql.create_holes())

    @staticmethod
    def _correct(connection: psycopg.Connection, rows: Rows) -> None:
        # in a fixed order, as the keys below: two workers never wait for each other in a circle
        for boot in sorted(boots_to_correct(rows), key=str):
            if connection.execute(sql.any_clock("%s"), boot).fetchone() is None:
                continue
            for table in TABLES:
                statement = sql.correct_times(table, "%s", TIME_OF_MS)
                connection.execute(statement, (*boot, *boot))


def _create_staging(table: Table) -> str:
    """A table `new_<name>` of this connection, without keys, times as ms."""
    columns = ", ".join(
        f"{name} {TYPES[BIG if kind == TIME else kind]}" for name, kind in table.columns
    )
    return f"CREATE TEMP TABLE new_{table.name} ({columns}) ON COMMIT DELETE ROWS"


def _append_new(connection: psycopg.Connection, table: Table, rows: list[Row]) -> int:
    """Insert the rows whose key is not there yet; how many."""
    arrays = [index for index, (_, kind) in enumerate(table.columns) if kind == SMALLS]
    copy_in = f"COPY new_{table.name} FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        for row in rows:
            copy.write_row(_with_literals(row, arrays) if arrays else row)
    columns = ", ".join(
        TIME_OF_MS.format(name) if kind == TIME else name for name, kind in table.columns
    )
    return connection.execute(
        f"INSERT INTO {table.name} SELECT {columns} FROM new_{table.name}"
        f" ORDER BY {', '.join(table.key)} ON CONFLICT DO NOTHING",
    ).rowcount


def _with_literals(row: Row, arrays: list[int]) -> list[object]:
    """The row with its arrays as text: four times as fast as one element at a time."""
    values = list(row)
    for index in arrays:
        if values[index] is not None:
            values[index] = "{" + str(values[index])[1:-1].replace("None", "NULL") + "}"
    return values


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
