"""The site as a whole in real time, with its wiring."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from waiting import until

from host_tools.errors import UserError
from host_tools.simulate import command
from host_tools.simulate.command import monotonic_ms
from host_tools.simulate.exchange import is_sound, with_crc
from host_tools.simulate.field import Field
from host_tools.simulate.product import Product
from host_tools.simulate.simulated_site import SimulatedSite

PATIENCE_S = 20.0


def test_time_runs_with_the_clock(product: Product, free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        made_ms = monotonic_ms()
        site = SimulatedSite(
            product, base_port=free_ports(product.racks), seed=1, clock=monotonic_ms
        )
        await site.start()
        try:
            await until(lambda: site.racks[0].values["heartbeat"] >= 3)
        finally:
            await site.stop()
        beats = {rack.values["heartbeat"] for rack in site.racks}
        assert len(beats) == 1
        assert 3 <= beats.pop() <= (monotonic_ms() - made_ms) // 500

    asyncio.run(main())


def test_a_clock_that_jumps_is_caught_up_in_one_tick(
    product: Product, free_ports: Callable[[int], int]
) -> None:
    async def main() -> None:
        now_ms = 0
        site = SimulatedSite(
            product, base_port=free_ports(product.racks), seed=1, clock=lambda: now_ms
        )
        await site.start()
        try:
            await asyncio.sleep(0)
            now_ms = 1_050
            await until(lambda: site.racks[0].values["heartbeat"] == 2)
            assert site.late_ticks == 9  # due at 100 .. 1000: one made, nine left out
            now_ms = 1_100
            await asyncio.sleep(0.3)
            assert site.late_ticks == 9
        finally:
            await site.stop()

    asyncio.run(main())


def test_a_dead_gateway_opens_every_contactor(
    product: Product, free_ports: Callable[[int], int]
) -> None:
    async def main() -> None:
        base_port = free_ports(product.racks + 1)
        site = SimulatedSite(product, base_port=base_port, seed=1, clock=monotonic_ms)
        field = Field(
            port=base_port + product.racks,
            relays=product.racks,
            inputs=0,
            set_relay=site.set_relay,
            clock=monotonic_ms,
        )
        await site.start()
        await field.start()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", field.port)
            writer.write(b"B test\nR 0 1\nR 1 1\nR 2 1\n")
            await until(lambda: all(rack.values["contactor_state"] == 1 for rack in site.racks))
            writer.close()
            await until(lambda: all(rack.values["contactor_state"] == 0 for rack in site.racks))
            assert all(rack.values["rack_current_da"] == 0 for rack in site.racks)
            for relay, contactor in zip(
                site.truth.relay_changes, site.truth.contactor_changes, strict=True
            ):
                assert [change.on for change in relay] == [True, False]
                assert [change.on for change in contactor] == [True, False]
        finally:
            await field.stop()
            await site.stop()

    asyncio.run(main())


def test_a_failing_tick_is_not_silent(product: Product, free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        site = SimulatedSite(
            product, base_port=free_ports(product.racks), seed=1, clock=monotonic_ms
        )
        await site.start()
        try:
            site.truth.watch(0, "no such field", 1, above=True)
            with pytest.raises(KeyError, match="no such field"):
                await asyncio.wait_for(site.wait(), PATIENCE_S)
        finally:
            await site.stop()

    asyncio.run(main())


@pytest.mark.parametrize("base_port", [0, -5, 65_534, 70_000])
def test_ports_that_do_not_exist_are_refused(product: Product, base_port: int) -> None:
    with pytest.raises(UserError, match=f"base port {base_port}"):
        SimulatedSite(product, base_port=base_port, seed=1, clock=lambda: 0)


def test_serve_names_every_rack_and_ends_when_cancelled(
    free_ports: Callable[[int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    slug = "celestial-energy-835-400v-0.5c"

    async def main(base_port: int) -> None:
        serving = asyncio.create_task(command.serve(slug, base_port))
        lines: list[str] = []

        def printed_all() -> bool:
            lines.extend(capsys.readouterr().out.splitlines())
            return len(lines) >= 4 or serving.done()

        await until(printed_all)
        assert lines == [f"rack0{n + 1}  127.0.0.1:{base_port + n}  unit 1" for n in range(4)]
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(OSError, match="refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", base_port)

    asyncio.run(main(free_ports(4)))


SMALL = "celestial-energy-835-400v-0.5c"


@pytest.mark.parametrize(
    ("site", "options", "words"),
    [
        ("no-such-product", {}, "no-such-product"),
        (SMALL, {"bus": "can"}, "BUS: no 'can'; there are: tcp, rtu"),
        (SMALL, {"map_name": "nothing"}, "no register map 'nothing'; there are: "),
        (SMALL, {"fault": "fire"}, "no fault 'fire'; there are: "),
        (SMALL, {"fault": "dead", "rack": 5}, "rack 5: the site has racks 1..4"),
        (SMALL, {"fault": "noise"}, "fault noise does not show on tcp"),
    ],
)
def test_serve_refuses(site: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        asyncio.run(command.serve(site, 15_000, **options))


def test_serve_on_a_bus_with_a_map_and_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """The second of four racks is dead; the third answers as its map says."""
    identity = with_crc(bytes.fromhex("0303218B0004"))

    async def main() -> tuple[list[str], bytes, bytes]:
        options = {"map_name": "soltaro-single-c", "bus": "rtu", "fault": "dead", "rack": 2}
        serving = asyncio.create_task(command.serve(SMALL, 15_000, **options))
        lines: list[str] = []

        def printed_all() -> bool:
            lines.extend(capsys.readouterr().out.splitlines())
            return len(lines) >= 4 or serving.done()

        await until(printed_all)
        port = os.open(lines[0].split()[1], os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(port, with_crc(b"\x02" + identity[1:-2]))
            await asyncio.sleep(0.2)
            dead = os.read(port, 100)
            os.write(port, identity)
            await asyncio.sleep(0.5)
            alive = os.read(port, 100)
        finally:
            os.close(port)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        return lines, dead, alive

    lines, dead, alive = asyncio.run(main())
    assert [line.split("  ")[-1] for line in lines] == [f"unit {n}" for n in (1, 2, 3, 4)]
    assert all("rs485-1, 115200 8N1" in line for line in lines)
    assert dead == b""
    assert is_sound(alive) and alive[:3] == bytes([3, 3, 8])
