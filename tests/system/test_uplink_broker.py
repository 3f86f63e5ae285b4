"""The uplink on both interpreters against real brokers over links that break."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from host_tools.run.broker import AMQTT, MOSQUITTO, Broker
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST
from host_tools.toolchain.paths import ROOT, micropython_path

sys.path.append(str(ROOT / "tests" / "shared" / "uplink"))
from memory_journal import parse_message  # noqa: E402

PROGRAM = ROOT / "tests" / "system" / "uplink_gateway.py"
HELPERS = ROOT / "tests" / "shared" / "uplink"
LOG = "bess/v1/plant-7/gw-001/log"
STATUS = "bess/v1/plant-7/gw-001/status"
PATIENCE_S = 20.0
QUICK = {
    "reconnect_base_ms": 20,
    "reconnect_cap_ms": 200,
    "batch_bytes": 300,
    "linger_ms": 20,
    "stable_ms": 100,
}

Need = Callable[[str], Path]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest, need: Need) -> str:
    name: str = request.param
    return str(need("micropython")) if name == "micropython" else sys.executable


@pytest.fixture(params=[MOSQUITTO, AMQTT])
def broker(request: pytest.FixtureRequest, need: Need, port: int, tmp_path: Path) -> Broker:
    if request.param == MOSQUITTO:
        need("mosquitto")
    return Broker(port, tmp_path / "broker", request.param)


class Gateway:
    """`uplink_gateway.py` as a process."""

    def __init__(self, interpreter: str, port: int, records: int, **options: Any) -> None:
        self._command = [interpreter, str(PROGRAM)]
        self._options: dict[str, Any] = {
            "port": port,
            "records": records,
            "per_step": records,
            "step_ms": 0,
            "give_up_ms": 10000,
            "packet_id": 1,
            "settings": QUICK,
        }
        self._options |= options
        self.log: list[str] = []
        self.result: dict[str, Any] = {}

    async def run(self) -> None:
        folders = [ROOT / "firmware", ROOT / "boards" / "sim" / "cpython", HELPERS]
        process = await asyncio.create_subprocess_exec(
            *tethered(self._command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ
            | {
                "UPLINK_OPTIONS": json.dumps(self._options),
                "MICROPYPATH": micropython_path(HELPERS),
                "PYTHONPATH": ":".join(str(folder) for folder in folders),
            },
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.log.append(line.decode().rstrip())
            assert await process.wait() == 0, self.log
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self.result = json.loads(self.log.pop())

    async def logged(self, text: str) -> None:
        await until(lambda: any(text in line for line in self.log))

    def count(self, text: str) -> int:
        return sum(text in line for line in self.log)


class Observer:
    """An independent durable subscriber."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.messages: list[tuple[str, bytes]] = []
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(
                    HOST, self._port, identifier="observer", clean_session=False
                ) as client:
                    await client.subscribe("bess/#", qos=1)
                    self.subscribed.set()
                    async for message in client.messages:
                        self.messages.append((str(message.topic), bytes(message.payload)))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    def records(self) -> list[int]:
        """Sequence numbers of all records in order of arrival."""
        found: list[int] = []
        for topic, payload in self.messages:
            if topic == LOG:
                found += [seq for _, seq in parse_message(payload)]
        return found

    def statuses(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload in self.messages if topic == STATUS]


@asynccontextmanager
async def observing(port: int) -> AsyncIterator[Observer]:
    observer = Observer(port)
    async with running(observer.run()):
        await asyncio.wait_for(observer.subscribed.wait(), PATIENCE_S)
        yield observer


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Proxy:
    """A TCP link to `target` that resets its connections, or goes silent and keeps them."""

    def __init__(self, target: int, reset_after: Callable[[], int] | None = None) -> None:
        self._target = target
        self._reset_after = reset_after
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self.port = 0
        self.connections = 0
        self.resets = 0
        self.silent = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for pair in self._pairs:
                for writer in pair:
                    writer.transport.abort()
            await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            back_reader, back_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self._pairs.append((writer, back_writer))
        limit = self._reset_after() if self._reset_after else None
        await asyncio.gather(
            self._pump(reader, back_writer, writer, limit),
            self._pump(back_reader, writer, back_writer, None),
        )

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        source: asyncio.StreamWriter,
        limit: int | None,
    ) -> None:
        try:
            while data := await reader.read(4096):
                if self.silent.is_set():
                    continue  # takes all, passes nothing on
                if limit is not None:
                    limit -= len(data)
                    if limit < 0:
                        self.resets += 1
                        writer.write(data[:limit])
                        _reset(source)
                        break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # one side is gone: so is the other
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a link that lost its state does."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(0.01)


def check_complete(received: list[int], total: int, restarts: int) -> None:
    """Nothing lost, in order but for going back at most once for each lost connection."""
    assert set(received) == set(range(1, total + 1))
    firsts = list(dict.fromkeys(received))
    assert firsts == sorted(firsts)
    jumps = [now for before, now in zip(received, received[1:], strict=False) if now != before + 1]
    assert len(jumps) <= restarts


def test_lossless_over_a_link_that_resets(broker: Broker, interpreter: str) -> None:
    async def main() -> None:
        dice = random.Random(11)
        await broker.start()
        try:
            proxy = Proxy(broker.port, lambda: dice.randrange(3000, 12000))
            async with observing(broker.port) as observer, proxy.serving():
                gateway = Gateway(interpreter, proxy.port, 2000)
                await asyncio.wait_for(gateway.run(), PATIENCE_S)
                await until(lambda: {"online": False} in observer.statuses())
        finally:
            await broker.stop()
        result = gateway.result
        assert (result["drained"], result["backlog"], result["cursor"]) == (True, 0, [7, 2000])
        assert proxy.resets >= 10
        assert result["reconnects"] >= 10
        assert (result["protocol_errors"], result["timeouts"]) == (0, 0)
        received = observer.records()
        check_complete(received, 2000, result["reconnects"])
        # At most one window of full messages comes twice for each lost connection.
        assert len(received) - 2000 <= result["reconnects"] * 8 * 7
        assert observer.statuses()[-1] == {"online": False}

    asyncio.run(main())


def test_lossless_over_a_broker_that_dies(broker: Broker, interpreter: str) -> None:
    async def main() -> None:
        await broker.start()
        try:
            async with observing(broker.port) as observer:
                gateway = Gateway(interpreter, broker.port, 2000, per_step=10, step_ms=15)
                async with running(gateway.run()) as task:
                    await until(lambda: len(observer.records()) > 500)
                    await broker.kill()
                    await gateway.logged("ECONNREFUSED")
                    await asyncio.sleep(0.5)
                    await broker.restart()
                    await asyncio.wait_for(task, PATIENCE_S)
                await until(lambda: len(set(observer.records())) == 2000)
        finally:
            await broker.stop()
        assert gateway.result["drained"]
        assert gateway.result["reconnects"] == 1
        firsts = list(dict.fromkeys(observer.records()))
        assert firsts == list(range(1, 2001))

    asyncio.run(main())


def test_half_open_link_is_found_by_the_missing_pingresp(broker: Broker, interpreter: str) -> None:
    async def main() -> None:
        await broker.start()
        try:
            proxy = Proxy(broker.port)
            async with observing(broker.port) as observer, proxy.serving():
                settings = QUICK | {"keep_alive_s": 2, "reply_timeout_ms": 800}
                gateway = Gateway(interpreter, proxy.port, 0, settings=settings, give_up_ms=60000)
                async with running(gateway.run()):
                    await until(lambda: len(observer.statuses()) == 1)
                    await asyncio.sleep(1.5)  # pings pass
                    assert proxy.connections == 1
                    proxy.silent.set()
                    await gateway.logged("link lost: no PINGRESP within 800 ms")
                    proxy.silent.clear()
                    await until(lambda: gateway.count("connected to") == 2)
                    await until(lambda: observer.statuses()[-1]["online"])
        finally:
            await broker.stop()

    asyncio.run(main())


def test_packet_ids_wrap(broker: Broker, interpreter: str) -> None:
    async def main() -> None:
        await broker.start()
        try:
            async with observing(broker.port) as observer:
                settings = QUICK | {"batch_bytes": 200, "linger_ms": 0}
                gateway = Gateway(
                    interpreter, broker.port, 1000, settings=settings, packet_id=65400
                )
                await asyncio.wait_for(gateway.run(), PATIENCE_S)
                await until(lambda: len(observer.records()) >= 1000)
        finally:
            await broker.stop()
        assert gateway.result["drained"]
        assert gateway.result["reconnects"] == 0
        assert gateway.result["messages"] == 250
        # 250 messages and two statuses from 65400 on, 0 skipped
        assert gateway.result["next_packet_id"] == 65400 + 252 - 65535
        assert observer.records() == list(range(1, 1001))

    asyncio.run(main())


def test_refused_credentials_are_named_and_not_hammered(
    need: Need, interpreter: str, port: int, tmp_path: Path
) -> None:
    config = tmp_path / "closed.conf"
    config.write_text(f"listener {port} {HOST}\nallow_anonymous false\n")
    program = str(need("mosquitto"))

    async def main() -> None:
        mosquitto = await asyncio.create_subprocess_exec(
            *tethered([program, "-c", str(config)]),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            settings = {"user": "me", "password": "wrong", "reconnect_base_ms": 200}
            gateway = Gateway(interpreter, port, 0, settings=settings, give_up_ms=3000)
            await asyncio.wait_for(gateway.run(), PATIENCE_S)
        finally:
            mosquitto.kill()
            await mosquitto.wait()
        refusals = gateway.count("link lost: refused by the broker: not authorised")
        # Full jitter under 1.6 s, then 3.2, 6.4 ...: a few in three seconds, never hundreds.
        assert 1 <= refusals <= 12
        assert gateway.count("link lost") - refusals == gateway.count("ECONNREFUSED")
        assert gateway.result["reconnects"] == 0

    asyncio.run(main())
