"""A PostgreSQL server for all tests of this folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import psycopg
import pytest

from host_tools.bench import postgres_server
from host_tools.errors import UserError


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """URL of a server that is there for all tests; skips without PostgreSQL, fails in CI."""
    try:
        postgres_server.find_programs()
    except UserError as error:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(str(error))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with postgres_server.running(port) as server:
        yield server.url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> str:
    """The same server with no tables."""
    with psycopg.connect(postgres_server_url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres_server_url
