"""What goes to a ClickHouse server over HTTP; the server's part is played by a stand-in."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.telemetry import records as layout
from host_tools.bench.made_up_fleet import START_MS, MadeUpGateway
from host_tools.ingest.schema import TABLES
from host_tools.ingest.store import RowsRefusedError, StoreDownError, open_store
from host_tools.ingest.translate import rows_of_message

GATEWAY = MadeUpGateway("gw-001", frames=2, racks=1)


class Server(http.server.ThreadingHTTPServer):
    """Notes every statement; answers with `status` and the exception `code`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, str, list[Any]]] = []  # statement, user, rows
        self.status = 200
        self.code = ""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        words = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        rows = [json.loads(line) for line in body.splitlines()]
        user = self.headers["X-ClickHouse-User"]
        assert words["database"] == ["fleet"]
        self.server.got.append((words["query"][0], user, rows))
        answer = b"Code: 27. DB::Exception: no good\nmore" if self.server.code else b""
        self.send_response(self.server.status)
        self.send_header("X-ClickHouse-Exception-Code", self.server.code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def url(server: Server) -> str:
    return f"clickhouse://me:s%20t@127.0.0.1:{server.server_address[1]}/fleet"


def test_rows_become_lines_of_json(server: Server) -> None:
    store = open_store(url(server))
    ((topic, payload),) = GATEWAY.chunk(0)
    box = GATEWAY.batch(1, GATEWAY.record(layout.BLACK_BOX, 1, b"\0\xff"))
    for message in ((topic, payload), box):
        store.write(rows_of_message(*message))
    created = [statement for statement, _, _ in server.got if statement.startswith("CREATE")]
    assert len(created) == len(TABLES)
    assert all("ReplacingMergeTree" in statement for statement in created)
    assert all(statement.endswith(", checksum)") for statement in created)  # both stay
    inserts = [(s, user, rows) for s, user, rows in server.got if s.startswith("INSERT")]
    assert [(statement, user) for statement, user, _ in inserts] == [
        ("INSERT INTO frames FORMAT JSONEachRow", "me"),
        ("INSERT INTO packed FORMAT JSONEachRow", "me"),
    ]
    frames = inserts[0][2]
    cells, _ = next(GATEWAY.readings(0, 1))
    assert len(frames) == 2
    assert frames[0]["cells_mv"] == list(cells)
    assert frames[0]["recorded"] == frames[0]["utc"] == "2027-01-15 08:01:00.000"
    assert frames[0]["soh_pm"] is None
    assert START_MS == 1_800_000_000_000
    assert inserts[1][2][0]["payload"] == "00ff"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "27", RowsRefusedError),
        (500, "252", RowsRefusedError),  # rows of too many months
        (500, "241", StoreDownError),
        (403, "516", StoreDownError),
    ],
)
def test_refusals_of_content_are_told_from_a_server_in_trouble(
    server: Server, status: int, code: str, error: type[Exception]
) -> None:
    store = open_store(url(server))
    rows = rows_of_message(*GATEWAY.events(1, 1))
    store.write(rows)
    server.status, server.code = status, code
    with pytest.raises(error, match=r"^Code: 27\. DB::Exception: no good$"):
        store.write(rows)
    server.status, server.code = 200, ""
    assert store.write(rows) == 1


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(StoreDownError, match="127.0.0.1:9"):
        open_store("clickhouse://127.0.0.1:9").write(rows_of_message(*GATEWAY.events(1, 1)))
