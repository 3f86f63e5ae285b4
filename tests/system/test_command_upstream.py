"""Orders over a real broker to a whole simulated site, and what strangers on that broker get."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from whole_site import SMALL_SITE, WholeSite, eventually

from host_tools.ingest import broker_address
from host_tools.orders import device
from host_tools.orders.exchange import Exchange
from host_tools.orders.signing import read_reply, sign
from host_tools.toolchain.paths import ROOT

Need = Callable[[str], Path]
Reply = dict[str, Any]


@pytest.fixture
def whole_site() -> Iterator[WholeSite]:
    site = WholeSite()
    yield site
    site.clean_up()


def command(whole_site: WholeSite, *words: str) -> subprocess.CompletedProcess[str]:
    """As a person types it; the run's folder is found by the ports in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "host_tools", "command", *words],
        cwd=ROOT,
        env=whole_site.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


class Orders:
    """The same without a process for each."""

    def __init__(self, whole_site: WholeSite) -> None:
        self.device = device.load(whole_site.folder / "config")
        self.address = broker_address.parse(self.device.broker)

    def order(self, name: str, **args: object) -> Reply:
        reply = asyncio.run(Exchange(self.device, self.address, 10).order(name, args))
        answer: Reply = reply["answer"]
        return answer

    def rack(self, name: str) -> Reply:
        found: Reply = self.order("status", rack=name)["rack"]
        return found

    def events(self) -> list[str]:
        lines: list[str] = self.order("log")["log"]
        return [line for line in lines if " command: " in line]

    def client(self) -> aiomqtt.Client:
        return aiomqtt.Client(self.address.host, self.address.port)

    def publish(self, *payloads: bytes, retain: bool = False) -> None:
        async def main() -> None:
            async with self.client() as client:
                for payload in payloads:
                    await client.publish(self.device.topic + "command", payload, 1, retain)

        asyncio.run(main())


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_a_limit_reaches_the_converter_and_goes_again(
    whole_site: WholeSite, need: Need, interpreter: str
) -> None:
    need(interpreter if interpreter == "micropython" else "mosquitto")
    options = {"site": SMALL_SITE, "duration": 60, "interpreter": interpreter}
    with whole_site.running(**options):
        orders = Orders(whole_site)
        flowing = eventually(lambda: abs(orders.rack("rack01")["current_da"] or 0) >= 100, 30)
        assert flowing, orders.rack("rack01")
        done = command(whole_site, "limit", "--rack", "rack01", "--charge=2", "--discharge=2")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "rack01: charge at most 2.0 A, discharge at most 2.0 A\n"
        assert eventually(lambda: abs(orders.rack("rack01")["current_da"]) <= 20, 15)
        limited = orders.rack("rack01")
        assert (limited["charge_cap_da"], limited["discharge_cap_da"]) == (20, 20)
        assert limited["level"] == 0
        assert abs(orders.rack("rack02")["current_da"]) >= 100  # the other one goes on
        refused = command(whole_site, "limit", "--rack", "rack01", "--charge", "9999")
        assert refused.returncode == 2
        assert "limit: refused: charge: needs 0.." in refused.stderr
        assert refused.stderr.count("\n") == 1
        removed = command(
            whole_site,
            *("limit", "--rack=all", "--charge=configured", "--discharge=configured", "--json"),
        )
        assert {each["charge_da"] for each in json.loads(removed.stdout)["answer"]["racks"]} == {
            None
        }
        assert orders.rack("rack01")["charge_by"] == "ramp"  # it comes back slowly
        assert sum("command: limit" in line for line in orders.events()) == 3


def test_strangers_on_the_broker_get_nothing(whole_site: WholeSite, tmp_path: Path) -> None:
    options = {"site": SMALL_SITE, "duration": 60, "interpreter": "cpython"}
    with whole_site.running(**options):
        orders = Orders(whole_site)
        before = orders.order("status")
        seq = int(time.time() * 1000)
        tree = {
            "gateway": orders.device.gateway,
            "seq": seq,
            "until": seq // 1000 + 60,
            "command": "limit",
            "args": {"rack": "all", "charge_da": 0, "discharge_da": 0},
        }
        good = sign(orders.device.key, tree)
        orders.publish(
            b"\xff" * 50000, retain=True
        )  # beyond what the gateway takes, at each start
        orders.publish(b"", b"x" * 64 + b"\n{}", sign(bytes(32), tree), good[:-1], b"\xff" * 1500)
        orders.publish(good, retain=True)  # taken as it comes, refused whenever it comes again
        after = orders.order("status")
        assert after["boot"] == before["boot"]
        assert after["uplink"]["commands"]["strangers"] == 6
        assert after["uplink"]["reconnects"] == 0
        assert after["uplink"]["commands"]["done"] == before["uplink"]["commands"]["done"] + 2
        orders.order("limit", rack="all", charge_da=None, discharge_da=None)
        orders.publish(good, good)  # what somebody has recorded
        assert [orders.rack(name)["charge_cap_da"] > 0 for name in ("rack01", "rack02")] == [
            True,
            True,
        ]
        events = orders.events()
        assert sum("refused" in line for line in events) == 1  # of nine: not one line each
        other = tmp_path / "config"
        other.mkdir()
        (other / "config.json").write_bytes(
            (whole_site.folder / "config" / "config.json").read_bytes()
        )
        (other / "device.key").write_text("5a" * 31 + "00")
        done = command(whole_site, "status", "--config", str(other), "--patience", "1")
        assert done.returncode == 2
        assert "no reply within 1 s" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_reply_is_signed_and_tells_the_number_to_go_on_with(whole_site: WholeSite) -> None:
    options = {"site": SMALL_SITE, "duration": 60, "interpreter": "cpython"}
    with whole_site.running(**options):
        orders = Orders(whole_site)
        ahead = int(time.time() * 1000) + 500_000_000
        tree = {
            "gateway": orders.device.gateway,
            "seq": ahead,
            "until": int(time.time()) + 60,
            "command": "limit",
            "args": {"rack": "rack01", "charge_da": 700},
        }

        async def main() -> list[bytes]:
            replies = []
            async with orders.client() as client:
                await client.subscribe(orders.device.topic + "reply", 1)
                await client.publish(
                    orders.device.topic + "command", sign(orders.device.key, tree), 1
                )
                async with asyncio.timeout(10):
                    async for message in client.messages:
                        replies.append(bytes(message.payload))
                        break
            return replies

        (payload,) = asyncio.run(main())
        reply = read_reply(orders.device.key, payload)
        assert reply is not None
        assert (reply["seq"], reply["last"]) == (ahead, ahead)
        assert read_reply(orders.device.key, payload[:-1] + b" ") is None
        # A laptop whose clock is behind the one before it: asked once more with a higher number.
        assert orders.rack("rack01")["charge_cap_da"] == 700
