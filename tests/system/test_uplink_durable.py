"""The broker of a run keeps its promises when it is killed, and does not outlive its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest
from own_ports import free_row

from host_tools.errors import UserError
from host_tools.run.broker import AMQTT, MOSQUITTO, Broker
from host_tools.simulate.ports import HOST
from host_tools.toolchain.paths import ROOT

PATIENCE_S = 20.0
TOPIC = "bess/v1/plant-7/gw-001/log"


@pytest.fixture
def port() -> int:
    return free_row(1)


@pytest.fixture(params=[MOSQUITTO, AMQTT])
def broker(
    request: pytest.FixtureRequest, need: Callable[[str], Path], port: int, tmp_path: Path
) -> Broker:
    if request.param == MOSQUITTO:
        need("mosquitto")
    return Broker(port, tmp_path / "a folder", request.param)


def subscriber(port: int) -> aiomqtt.Client:
    return aiomqtt.Client(HOST, port, identifier="observer", clean_session=False)


async def subscribe_and_leave(port: int) -> None:
    async with subscriber(port) as client:
        await client.subscribe("bess/#", qos=1)


async def publish(port: int, first: int, count: int) -> None:
    """Publish numbers; returns when each is acknowledged."""
    async with aiomqtt.Client(HOST, port, max_inflight_messages=1000) as client:
        payloads = (b"number %d" % number for number in range(first, first + count))
        await asyncio.gather(*(client.publish(TOPIC, payload, qos=1) for payload in payloads))


async def on_disk(broker: Broker, text: bytes) -> None:
    """Wait out mosquitto's one limit: it saves after it has acknowledged."""
    if broker.kind == MOSQUITTO:
        async with asyncio.timeout(PATIENCE_S):
            while not (broker.database.exists() and text in broker.database.read_bytes()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # another process: nothing to wait for but the file


async def receive(client: aiomqtt.Client, count: int, numbers: list[int]) -> None:
    """Take messages until `count` different numbers have come."""

    async def take() -> None:
        async for message in client.messages:
            assert not message.retain
            numbers.append(int(bytes(message.payload).removeprefix(b"number ")))
            if len(set(numbers)) == count:
                return

    await asyncio.wait_for(take(), PATIENCE_S)


def test_subscription_and_messages_survive_while_the_subscriber_is_away(broker: Broker) -> None:
    async def main() -> list[int]:
        await broker.start()
        try:
            await subscribe_and_leave(broker.port)
            await on_disk(broker, b"bess/#")
            await broker.kill()
            await broker.restart()
            await publish(broker.port, 0, 100)
            await on_disk(broker, b"number 99")
            await broker.restart()
            numbers: list[int] = []
            async with subscriber(broker.port) as client:
                await receive(client, 100, numbers)
            return numbers
        finally:
            await broker.stop()

    assert asyncio.run(main()) == list(range(100))


def test_acknowledged_messages_reach_a_subscriber_that_is_there(broker: Broker) -> None:
    async def take_until_gone(numbers: list[int], subscribed: asyncio.Event) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async with subscriber(broker.port) as client:
                await client.subscribe("bess/#", qos=1)
                subscribed.set()
                await receive(client, 1000, numbers)

    async def main() -> list[int]:
        await broker.start()
        try:
            numbers: list[int] = []
            subscribed = asyncio.Event()
            taking = asyncio.create_task(take_until_gone(numbers, subscribed))
            await asyncio.wait_for(subscribed.wait(), PATIENCE_S)
            await publish(broker.port, 0, 200)
            await broker.kill()  # the last PUBACK has only just come
            await taking
            await broker.restart()
            await publish(broker.port, 200, 100)  # before the subscriber is back
            async with subscriber(broker.port) as client:
                await receive(client, 300, numbers)
            return numbers
        finally:
            await broker.stop()

    numbers = asyncio.run(main())
    assert list(dict.fromkeys(numbers)) == list(range(300))


def test_delivered_messages_do_not_come_again(broker: Broker) -> None:
    async def main() -> list[int]:
        await broker.start()
        try:
            numbers: list[int] = []
            async with subscriber(broker.port) as client:
                await client.subscribe("bess/#", qos=1)
                await publish(broker.port, 0, 50)
                await receive(client, 50, numbers)
                await asyncio.sleep(0.5)  # for its acknowledgements, and mosquitto's saving
            await broker.restart()
            async with subscriber(broker.port) as client:
                await publish(broker.port, 50, 1)
                await receive(client, 51, numbers)
            return numbers
        finally:
            await broker.stop()

    assert asyncio.run(main()) == list(range(51))


def test_port_in_use_is_one_clear_line(broker: Broker) -> None:
    async def main() -> None:
        with socket.socket() as other:
            other.bind((HOST, broker.port))
            other.listen()
            with pytest.raises(UserError, match=f"{broker.port}.*in use"):
                await broker.start()
        assert not broker.running

    asyncio.run(main())


def test_broker_that_cannot_start_says_why(port: int, tmp_path: Path) -> None:
    (tmp_path / "sessions.sqlite").mkdir()
    broker = Broker(port, tmp_path, AMQTT)
    with pytest.raises(UserError, match="unable to open database file"):
        asyncio.run(broker.start())
    assert not broker.running


def test_stop_and_kill_leave_nothing(broker: Broker) -> None:
    async def main() -> None:
        for end in (broker.stop, broker.kill):
            await broker.start()
            assert broker.running
            await end()
            await end()
            assert not broker.running
            with pytest.raises(OSError):
                await asyncio.open_connection(HOST, broker.port)

    asyncio.run(main())


_PARENT = """
import asyncio, sys
from pathlib import Path
from host_tools.run.broker import Broker

async def main():
    broker = Broker(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    await broker.start()
    print(broker._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of the death")
def test_broker_dies_with_a_killed_parent(broker: Broker, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(broker.port), str(tmp_path), broker.kind]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while _alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    """False for a zombie too: in a container nobody may come to reap it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
