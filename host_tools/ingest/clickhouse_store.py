"""ClickHouse over HTTP. What comes again replaces itself: read with FINAL."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta

from host_tools.errors import UserError
from host_tools.ingest.schema import BYTES, SMALLS, TABLES, TIME, Row, Rows, Table
from host_tools.ingest.store import Conflict, RowsRefusedError, StoreDownError

_TYPES = {
    "text": "String",
    "small": "Int16",
    "int": "Int32",
    "big": "Int64",
    "time": "DateTime64(3, 'UTC')",
    "bytes": "String",  # hexadecimal
    "smalls": "Array(Nullable(Int16))",  # empty for none
}
# the server's codes for content that it cannot take: cannot parse (several), wrong type, bad
# data, rows of more months than one block may have
_REFUSALS = {"26", "27", "38", "41", "53", "72", "117", "252"}
_DEFAULT_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
_TIMEOUT_S = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ClickhouseStore:
    """clickhouse://USER:PASSWORD@HOST:8123/DATABASE, clickhouses:// with TLS.

    Any number of processes write at the same time. `write` cannot tell what was new: all counts.
    Times are not corrected here; the clock records stand in their own table. Two different rows
    under one key both stay.
    """

    def __init__(self, url: str) -> None:
        """UserError when `url` cannot be understood; nothing is connected yet."""
        parts = urllib.parse.urlsplit(url)
        try:
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except ValueError as error:
            raise UserError(f"--database: {error}") from error
        if not parts.hostname:
            raise UserError(f"--database {parts.scheme}: needs a host, {parts.scheme}://HOST")
        scheme = "https" if parts.scheme == "clickhouses" else "http"
        self._address = f"{scheme}://{parts.hostname}:{port}/"
        self._database = parts.path.strip("/") or "default"
        self._headers = {"X-ClickHouse-User": urllib.parse.unquote(parts.username or "default")}
        if parts.password:
            self._headers["X-ClickHouse-Key"] = urllib.parse.unquote(parts.password)
        self._ready = False
        self.conflicts: set[Conflict] = set()  # none: the checksum is part of what replaces

    def write(self, rows: Rows) -> int:
        """As `Store.write`, but for the count, and table by table."""
        if not self._ready:
            for table in TABLES:
                self._send(_create(table), b"")
            self._ready = True
        for table in TABLES:
            if rows.get(table.name):
                lines = "\n".join(_json(table, row) for row in rows[table.name])
                self._send(f"INSERT INTO {table.name} FORMAT JSONEachRow", lines.encode())
        return sum(len(of_table) for of_table in rows.values())

    def close(self) -> None:
        """As `Store.close`: every write is a connection of its own."""
        self._ready = False

    def _send(self, statement: str, body: bytes) -> None:
        query = urllib.parse.urlencode({"database": self._database, "query": statement})
        request = urllib.request.Request(
            f"{self._address}?{query}", data=body, headers=self._headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            line = error.read(400).decode("utf-8", "replace").strip().partition("\n")[0]
            code = error.headers.get("X-ClickHouse-Exception-Code", "")
            self._ready = False
            refused = code in _REFUSALS
            raise (RowsRefusedError if refused else StoreDownError)(line) from error
        except OSError as error:
            self._ready = False
            raise StoreDownError(f"{self._address}: {error}") from error


def _create(table: Table) -> str:
    columns = ", ".join(
        f"{name} {_TYPES[kind]}"
        if name in table.key or name in ("recorded", "checksum") or kind == SMALLS
        else f"{name} Nullable({_TYPES[kind]})"
        for name, kind in table.columns
    )
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}) ENGINE = ReplacingMergeTree"
        f" PARTITION BY toYYYYMM(recorded) ORDER BY ({', '.join((*table.key, 'checksum'))})"
    )


def _json(table: Table, row: Row) -> str:
    values = {
        name: _for_json(kind, value) if name != "checksum" else value or 0
        for (name, kind), value in zip(table.columns, row, strict=True)
    }
    return json.dumps(values, separators=(",", ":"))


def _for_json(kind: str, value: object) -> object:
    if kind == TIME and isinstance(value, int):
        moment = _EPOCH + timedelta(milliseconds=value)
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if kind == BYTES and isinstance(value, bytes):
        return value.hex()
    if kind == SMALLS and value is None:
        return []
    return value
