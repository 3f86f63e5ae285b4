"""`gatewayctl ingest` with a real broker and real databases, killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import duckdb
import psycopg
import pytest

from gateway.telemetry import records as layout
from host_tools.bench import postgres_server
from host_tools.bench.made_up_fleet import MadeUpGateway, Sent
from host_tools.errors import UserError
from host_tools.ingest.schema import EVENTS, FRAMES
from host_tools.ingest.translate import rows_of_message
from host_tools.run.broker import MOSQUITTO, Broker
from host_tools.simulate.ports import HOST
from host_tools.toolchain.paths import ROOT

PATIENCE_S = 40.0
CHUNKS = 40
EVENTS_EACH = 120  # of each gateway, in batches of 3
FLEET = [MadeUpGateway(f"gw-{number:03d}", frames=6) for number in range(1, 4)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture
def broker(need: Callable[[str], Path], tmp_path: Path) -> Broker:
    need("mosquitto")
    return Broker(free_port(), tmp_path / "broker", MOSQUITTO)


@contextlib.contextmanager
def a_postgres_server() -> Iterator[postgres_server.PostgresServer]:
    """Skips the test without PostgreSQL, fails it in CI."""
    try:
        postgres_server.find_programs()
    except UserError as error:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(str(error))
    with postgres_server.running(free_port()) as server:
        yield server


@asynccontextmanager
async def running_broker(broker: Broker) -> AsyncIterator[None]:
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


class Ingest:
    """The command as a process; `said` are its lines of JSON."""

    def __init__(self, broker: Broker, database: str, folder: Path, *options: str) -> None:
        self._command = [sys.executable, "-m", "host_tools", "ingest", "--json"]
        self._command += ["--broker", f"mqtt://{HOST}:{broker.port}", "--database", database]
        self._command += ["--name", "here", *options]
        self._folder = folder
        self.said: list[dict[str, Any]] = []
        self.errors: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        listeners = asyncio.gather(self._listen(), self._listen_to_errors())
        try:
            yield
            await asyncio.wait_for(listeners, PATIENCE_S)
            await self.process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            listeners.cancel()

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    @property
    def last(self) -> dict[str, Any]:
        return self.said[-1] if self.said else {}

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self.last):
            assert self.process.returncode is None, self.errors
            assert time.monotonic() < deadline, json.dumps(self.last)
            await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(json.loads(line))

    async def _listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.errors.append(line.decode().rstrip())


def everything() -> list[Sent]:
    """All messages of the fleet, some of them twice."""
    messages: list[Sent] = []
    for number in range(CHUNKS):
        for gateway in FLEET:
            messages += gateway.chunk(number)
            messages.append(gateway.events(3 * number + 1, 3))
            if number % 5 == 4:  # after a reconnect the last ones come again
                messages += gateway.chunk(number - 1)
                messages.append(gateway.events(3 * number - 2, 6))
    return messages


async def publish(broker: Broker, messages: Iterable[Sent]) -> None:
    async with aiomqtt.Client(HOST, broker.port) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


def check_all_there_once(query: Callable[[str], list[tuple[Any, ...]]]) -> None:
    frames = sum(gateway.racks * gateway.frames for gateway in FLEET) * CHUNKS
    assert query("SELECT count(*), count(DISTINCT (gateway, rack, uptime_ms)) FROM frames") == [
        (frames, frames)
    ]
    assert query("SELECT gateway, count(*), min(sequence), max(sequence) FROM events"
                 " GROUP BY 1 ORDER BY 1") == [
        (gateway.name, EVENTS_EACH, 1, EVENTS_EACH) for gateway in FLEET
    ]  # fmt: skip
    assert query("SELECT * FROM holes") == []
    (gateway, seq) = FLEET[1], 6 * 17 + 1
    cells, _ = next(gateway.readings(1, seq))
    assert query(
        f"SELECT cells_mv FROM frames WHERE gateway = '{gateway.name}' AND rack = 1"
        f" AND uptime_ms = {seq * 60_000}"
    ) == [(list(cells),)]


def test_workers_database_and_broker_are_killed_and_nothing_is_lost_or_twice(
    broker: Broker, tmp_path: Path
) -> None:
    async def main(server: postgres_server.PostgresServer) -> None:
        messages = everything()
        third = len(messages) // 3
        ingest = Ingest(broker, server.url, tmp_path, "--workers", "2")
        async with running_broker(broker):
            async with ingest.running():
                await ingest.until(lambda said: said.get("connects") == 2 and not said["trouble"])
                sending = asyncio.create_task(publish(broker, messages[:third]))
                await ingest.until(lambda said: said["new"] > 100)
                os.kill(ingest.workers()[0], signal.SIGKILL)
                await sending
            assert ingest.process.returncode == 1
            assert any("ended with status -9" in line for line in ingest.errors)
            # nobody is there: the broker keeps what comes
            await publish(broker, messages[third : third + 20])
            again = Ingest(broker, server.url, tmp_path, "--workers", "2")
            async with again.running():
                sending = asyncio.create_task(publish(broker, messages[third + 20 : third + 60]))
                await again.until(lambda said: said.get("new", 0) > 100)
                await asyncio.to_thread(server.kill)
                await sending
                await publish(broker, messages[third + 60 : 2 * third])
                await again.until(lambda said: "database" in said["trouble"])
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(wait_for_rows, server.url, messages[: 2 * third])
                await broker.kill()
                await again.until(lambda said: str(broker.port) in said["trouble"])
                await broker.restart()
                await again.until(lambda said: not said["trouble"] and said["connects"] == 4)
                await publish(broker, messages[2 * third :])
                await asyncio.to_thread(wait_for_rows, server.url, messages)
                again.stop()
            assert again.process.returncode == 0
            assert again.last["bad"] == 0 and again.last["retries"] > 0
            assert again.errors == []

        def query(statement: str) -> list[tuple[Any, ...]]:
            with psycopg.connect(server.url) as connection:
                return connection.execute(statement).fetchall()

        check_all_there_once(query)

    with a_postgres_server() as server:
        asyncio.run(main(server))


def test_what_the_database_refuses_is_put_aside_alone(broker: Broker, tmp_path: Path) -> None:
    gateway = FLEET[0]

    async def main(server: postgres_server.PostgresServer) -> None:
        ingest = Ingest(broker, server.url, tmp_path)
        async with running_broker(broker), ingest.running():
            await ingest.until(lambda said: said.get("connects") == 1 and not said["trouble"])
            await publish(broker, [gateway.events(1, 1)])
            await ingest.until(lambda said: said["new"] == 1)
            with psycopg.connect(server.url) as connection:
                connection.execute("ALTER TABLE events ADD CHECK (value <> 3)")
            await publish(broker, [gateway.events(seq, 1) for seq in range(2, 6)])
            await ingest.until(lambda said: said["messages"] == 5)
            ingest.stop()
        assert ingest.last["bad"] == 1
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT sequence FROM events ORDER BY 1").fetchall()
        assert found == [(1,), (2,), (4,), (5,)]

    with a_postgres_server() as server:
        asyncio.run(main(server))
    (kept,) = (tmp_path / "dead-letters").glob("*.bin")
    assert kept.read_bytes() == gateway.events(3, 1)[1]


def test_what_is_no_record_stops_nothing_and_is_told(broker: Broker, tmp_path: Path) -> None:
    gateway = FLEET[0]
    topic, first = gateway.events(1, 1)
    newer = struct.pack("<BBIIHI", 2, 0, 1, 1, 1, 0) + first[layout.BATCH_BYTES :]
    text = layout.encode_event(layout.STOP, 255, 255, 0, 0, 0, "forged")
    _, forged = gateway.batch(3, gateway.record(layout.EVENT, 3, text))
    long = "".join(chr(ord("a") + number * number % 23) for number in range(6000))

    async def main(server: postgres_server.PostgresServer) -> None:
        ingest = Ingest(broker, server.url, tmp_path, "--workers", "2")
        async with running_broker(broker), ingest.running():
            await ingest.until(lambda said: said.get("connects") == 2 and not said["trouble"])
            async with aiomqtt.Client(HOST, broker.port) as client:
                for seq in range(1, 41):
                    await client.publish(topic, b"not asked for", qos=0)
                    await client.publish(*gateway.events(seq, 1), qos=1)
                    if seq == 20:
                        await client.publish(f"bess/v1/{long}/gw/log", first, qos=1)
                        await client.publish(topic, newer, qos=1)
                await ingest.until(lambda said: said["messages"] == 42)
                await client.publish(topic, forged, qos=1)
            await ingest.until(lambda said: said["messages"] == 43 and said["ignored"] == 40)
            ingest.stop()
        said = ingest.last
        assert said["connects"] == 2  # nobody was disconnected
        assert (said["bad"], said["newer"], said["conflicts"], said["new"]) == (3, 1, 1, 40)
        assert "1 good messages of a newer format wait" in said["alarm"]
        assert "1 messages differ from what is stored" in said["alarm"]
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT text FROM events ORDER BY sequence").fetchall()
        assert found == [(f"no. {seq}",) for seq in range(1, 41)]

    with a_postgres_server() as server:
        asyncio.run(main(server))
    letters = tmp_path / "dead-letters"
    assert {path.read_bytes() for path in letters.glob("*.bin")} == {first, forged}
    assert [path.read_bytes() for path in (letters / "newer").glob("*.bin")] == [newer]


def wait_for_rows(url: str, messages: list[Sent]) -> None:
    """Until the database has as many rows as the messages hold, or the patience is over."""
    keys: dict[str, set[object]] = {FRAMES.name: set(), EVENTS.name: set()}
    for topic, payload in messages:
        for table, rows in rows_of_message(topic, payload).items():
            keys[table].update(row[:8] if table == FRAMES.name else row[:5] for row in rows)
    wanted = (len(keys[EVENTS.name]), len(keys[FRAMES.name]))
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM frames)"
            ).fetchone()
            if row == wanted:
                return
            time.sleep(0.1)


@pytest.mark.parametrize("destination", ["telemetry.duckdb", "parquet:lake"])
def test_a_file_takes_everything_and_bad_messages_are_put_aside(
    broker: Broker, tmp_path: Path, destination: str
) -> None:
    gateway = FLEET[0]
    ((_, block), *_) = gateway.chunk(0)
    bad = bytearray(block)
    bad[40] ^= 1
    wild = struct.pack(layout.BATCH, layout.VERSION, 0, 1, 1, 1) + b"nonsense"

    async def main() -> None:
        ingest = Ingest(broker, destination, tmp_path)
        async with running_broker(broker):
            async with ingest.running():
                await ingest.until(lambda said: said.get("connects") == 1 and not said["trouble"])
                for topic, payload in (
                    (gateway.topic("blocks"), bytes(bad)),
                    (gateway.topic("log"), wild),
                    (gateway.topic("log"), b""),
                ):
                    await publish(broker, [(topic, payload)])
                await publish(broker, everything())
                total = len(everything()) + 3
                await ingest.until(lambda said: said["messages"] == total)
                ingest.stop()
            assert ingest.process.returncode == 0
        assert ingest.last["bad"] == 3
        kept = sorted((tmp_path / "dead-letters").glob("*.bin"))
        assert {path.read_bytes() for path in kept} == {bytes(bad), wild, b""}
        reasons = [json.loads(path.with_suffix(".json").read_text()) for path in kept]
        assert any("checksum" in each["reason"] for each in reasons)

    asyncio.run(main())

    def query(statement: str) -> list[tuple[Any, ...]]:
        if destination.startswith("parquet"):
            with duckdb.connect() as connection:
                for table in ("frames", "events"):
                    files = tmp_path / "lake" / table / "*.parquet"
                    connection.execute(f"CREATE VIEW {table} AS FROM '{files}'")
                connection.execute("CREATE TABLE holes (nothing INTEGER)")
                return connection.execute(statement).fetchall()
        with duckdb.connect(str(tmp_path / destination)) as connection:
            return connection.execute(statement).fetchall()

    check_all_there_once(query)


def test_leaving_the_group_stores_what_is_held_and_hands_the_rest_to_others(
    broker: Broker, tmp_path: Path
) -> None:
    async def main() -> None:
        messages = everything()[:60]
        async with running_broker(broker):
            first = Ingest(broker, "a.duckdb", tmp_path)
            async with first.running():
                await first.until(lambda said: said.get("connects") == 1 and not said["trouble"])
                first.stop()
            await publish(broker, messages[:30])  # held by the broker for the one that is away
            leaving = Ingest(broker, "a.duckdb", tmp_path, "--leave")
            async with leaving.running():
                pass
            assert leaving.process.returncode == 0
            assert leaving.last["messages"] == 30
            other = Ingest(broker, "b.duckdb", tmp_path, "--name", "there", "--idle", "2")
            async with other.running():
                await other.until(lambda said: said.get("connects") == 1 and not said["trouble"])
                await publish(broker, messages[30:])
            assert other.process.returncode == 0
            assert other.last["messages"] == 30

    asyncio.run(main())
