"""The uplink on both interpreters against real brokers over links that break."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from own_ports import free_row
from uplink_rig import (
    PATIENCE_S,
    QUICK,
    Fate,
    Gateway,
    Proxy,
    check_complete,
    observing,
    running,
    until,
)

from host_tools.run.broker import AMQTT, MOSQUITTO, Broker
from host_tools.run.tether import tethered
from host_tools.simulate.ports import HOST

Need = Callable[[str], Path]


@pytest.fixture
def port() -> int:
    return free_row(1)


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest, need: Need) -> str:
    name: str = request.param
    return str(need("micropython")) if name == "micropython" else sys.executable


@pytest.fixture(params=[MOSQUITTO, AMQTT])
def broker(request: pytest.FixtureRequest, need: Need, port: int, tmp_path: Path) -> Broker:
    if request.param == MOSQUITTO:
        need("mosquitto")
    return Broker(port, tmp_path / "broker", request.param)


def test_lossless_over_a_link_that_resets(broker: Broker, interpreter: str) -> None:
    async def main() -> None:
        dice = random.Random(11)
        await broker.start()
        try:
            proxy = Proxy(broker.port, lambda: Fate(reset_after=dice.randrange(3000, 12000)))
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
