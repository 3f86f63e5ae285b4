"""Networks that do their worst, both interpreters, a real broker: nothing lost, order kept."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from uplink_rig import QUICK, Fate, Gateway, Proxy, check_complete, free_port, observing, until

from gateway.telemetry.records import EVENTS, FINE
from host_tools.run.broker import MOSQUITTO, Broker

Need = Callable[[str], Path]

RECORDS = 20000  # in all, half of them events
RESETS = 40
LIMIT_S = 90.0


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest, need: Need) -> str:
    name: str = request.param
    return str(need("micropython")) if name == "micropython" else sys.executable


@pytest.fixture
def broker(need: Need, tmp_path: Path) -> Broker:
    need("mosquitto")
    return Broker(free_port(), tmp_path / "broker", MOSQUITTO)


def deliver(
    broker: Broker,
    interpreter: str,
    fate: Callable[[], Fate],
    records: int,
    settings: dict[str, Any],
) -> tuple[dict[str, Any], Proxy]:
    """So many events and samples over a link with such fates; all of it arrives, in order."""

    async def main() -> tuple[dict[str, Any], Proxy]:
        await broker.start()
        try:
            proxy = Proxy(broker.port, fate)
            async with observing(broker.port) as observer, proxy.serving():
                gateway = Gateway(
                    interpreter,
                    proxy.port,
                    records // 2,
                    samples=records // 2,
                    settings=QUICK | settings,
                    give_up_ms=int(LIMIT_S * 1000),
                )
                await asyncio.wait_for(gateway.run(), LIMIT_S)
                await until(lambda: {"online": False} in observer.statuses())
                result = gateway.result
                assert (result["drained"], result["backlog"]) == (True, 0), gateway.log[-5:]
                assert result["cursor"] == result["samples_cursor"] == [7, records // 2]
                for lane in (EVENTS, FINE):
                    check_complete(observer.of_lane(lane), records // 2, result["reconnects"])
                return result, proxy
        finally:
            await broker.stop()

    return asyncio.run(main())


def test_twenty_thousand_records_over_forty_resets(broker: Broker, interpreter: str) -> None:
    dice = random.Random(23)
    result, proxy = deliver(
        broker,
        interpreter,
        lambda: Fate(reset_after=dice.randrange(8000, 24000)),
        RECORDS,
        {"batch_bytes": 1024},
    )
    assert proxy.resets >= RESETS
    assert result["reconnects"] >= RESETS
    assert result["protocol_errors"] == 0


def test_delays_half_open_links_and_black_holes(broker: Broker, interpreter: str) -> None:
    dice = random.Random(29)
    fates = iter(
        [
            Fate(silent_after=0),  # a black hole: connects, and that is all
            Fate(delay_s=0.05, silent_after=9000),  # half open in the middle
            Fate(delay_s=0.1, reset_after=20000),
            Fate(silent_after=20),  # half open between CONNECT and its answer
            Fate(delay_s=0.02, silent_after=15000),
        ]
    )

    def fate() -> Fate:
        return next(fates, Fate(delay_s=dice.uniform(0, 0.05)))

    result, proxy = deliver(
        broker,
        interpreter,
        fate,
        4000,
        {"batch_bytes": 1024, "reply_timeout_ms": 600, "keep_alive_s": 2},
    )
    assert proxy.connections == 6
    assert (result["timeouts"], proxy.resets) == (4, 1)
    assert result["protocol_errors"] == 0


def test_live_data_stay_new_while_a_backlog_drains_over_a_thin_link(
    broker: Broker, interpreter: str
) -> None:
    """240 kB of samples over 40 kB/s, and live data of 12 kB/s beside them."""
    racks, samples = 5, 6000
    settings = QUICK | {
        "batch_bytes": 4096,
        "window": 4,
        "live_period_ms": 200,
        "backlog_factor": 1000,  # as much as the window lets through: the worst for live data
    }

    async def main() -> None:
        await broker.start()
        try:
            proxy = Proxy(broker.port, lambda: Fate(bytes_per_s=40000))
            async with observing(broker.port) as observer, proxy.serving():
                gateway = Gateway(
                    interpreter,
                    proxy.port,
                    0,
                    samples=samples,
                    racks=racks,
                    settings=settings,
                    give_up_ms=10000,
                )
                await asyncio.wait_for(gateway.run(), LIMIT_S)
                assert gateway.result["reconnects"] == 0, gateway.log
                assert set(observer.of_lane(FINE)) == set(range(1, samples + 1))
                live = observer.live
        finally:
            await broker.stop()
        for rack in range(racks):
            found = [(at, each) for at, each in live if each["rack"] == rack]
            numbers = [each["summary_number"] for _, each in found]
            assert numbers == sorted(set(numbers))  # none twice, none late
            assert len(numbers) > 20
            ages = sorted(at - each["utc_ms"] / 1000 for at, each in found)
            # A window of samples and the buffers of the link lie before it, and no more.
            assert ages[len(ages) // 2] < 2.0

    asyncio.run(main())
