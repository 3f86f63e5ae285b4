"""Racks on one RS-485 bus, as a master at its port sees them."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from host_tools.simulate import faults
from host_tools.simulate.command import monotonic_ms
from host_tools.simulate.exchange import is_sound, with_crc
from host_tools.simulate.product import Product
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.simulate.topology import Place, SerialTrunk, Topology, one_bus

PATIENCE_S = 5.0
SUMMARY = bytes.fromhex("0300000019")
SUMMARY_BYTES = 5 + 50


@dataclass
class Master:
    """A plain reader and writer of the port."""

    port: int

    def ask(self, frame: bytes, expected: int, patience_s: float = PATIENCE_S) -> bytes:
        """Send a frame and read until so many bytes have come or nothing has for a while."""
        os.write(self.port, frame)
        return self.read(expected, patience_s)

    def read(self, expected: int, patience_s: float = PATIENCE_S) -> bytes:
        got = b""
        while len(got) < expected and select.select([self.port], [], [], patience_s)[0]:
            got += os.read(self.port, 4096)
            patience_s = min(patience_s, 0.5)
        time.sleep(0.003)  # the silence before the next request
        return got

    def summary(self, unit: int, patience_s: float = PATIENCE_S) -> bytes:
        return self.ask(with_crc(bytes([unit]) + SUMMARY), SUMMARY_BYTES, patience_s)


Check = Callable[[SimulatedSite, Callable[..., Awaitable[bytes]]], Awaitable[None]]


@pytest.fixture
def check_bus(product: Product) -> Callable[..., None]:
    """Run a coroutine with a served site and a function that runs a master's method aside."""

    def run(check: Check, topology: Topology | None = None) -> None:
        async def main() -> None:
            site = SimulatedSite(
                product,
                base_port=20_000,
                seed=7,
                clock=monotonic_ms,
                topology=topology or one_bus(product.racks),
            )
            await site.start()
            ports = [os.open(bus.path, os.O_RDWR | os.O_NOCTTY) for bus in site.buses]
            try:

                async def ask(method: str, *arguments: object, bus: int = 0) -> bytes:
                    master = Master(ports[bus])
                    found: bytes = await asyncio.to_thread(getattr(master, method), *arguments)
                    return found

                await asyncio.wait_for(check(site, ask), 60)
            finally:
                for port in ports:
                    os.close(port)
                await site.stop()

        asyncio.run(main())

    return run


def test_each_unit_answers_with_its_own_rack(check_bus: Callable[..., None]) -> None:
    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        for unit in (1, 2, 3):
            reply = await ask("summary", unit)
            assert is_sound(reply) and reply[:3] == bytes([unit, 3, 50])
            assert [len(log.summary_reads) for log in site.access] == [
                int(number <= unit) for number in (1, 2, 3)
            ]
        (bus,) = site.buses
        assert (bus.requests, bus.bad_frames) == (3, 0)
        assert bus.wire.timing.collisions == bus.wire.timing.short_silences == 0

    check_bus(check)


def test_the_answer_comes_after_wire_time_silence_and_latency(
    check_bus: Callable[..., None],
) -> None:
    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        ideal_s = (8 + SUMMARY_BYTES) * 10 / 115200 + 0.00175 + 0.015
        took = []
        for _ in range(10):
            began_s = time.monotonic()
            await ask("summary", 1)
            took.append(time.monotonic() - began_s - 0.003)  # the master's own pause
        assert ideal_s * 0.99 < min(took) < ideal_s + 0.003

    check_bus(check)


def test_a_write_is_taken_and_echoed(check_bus: Callable[..., None]) -> None:
    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        site.set_relay(1, True)
        frame = with_crc(bytes.fromhex("020601000000"))
        assert await ask("ask", frame, 8) == frame
        assert not site.racks[1].contactor_closed
        assert len(site.access[1].open_commands) == 1

    check_bus(check)


@pytest.mark.parametrize(
    ("frame", "bad"),
    [
        (with_crc(b"\x09" + SUMMARY), 0),  # nobody here
        (b"\x01\x03\x00\x01" + with_crc(b"\x01" + SUMMARY)[4:], 1),
        (with_crc(b"\x01" + SUMMARY)[1:], 1),
        (b"\x01", 1),
    ],
)
def test_what_is_for_nobody_or_damaged_is_not_answered(
    check_bus: Callable[..., None], frame: bytes, bad: int
) -> None:
    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        assert await ask("ask", frame, 1, 0.15) == b""
        assert site.buses[0].bad_frames == bad
        assert is_sound(await ask("summary", 1))

    check_bus(check)


def test_exceptions_have_a_checksum(check_bus: Callable[..., None]) -> None:
    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        reply = await ask("ask", with_crc(bytes.fromhex("010350000001")), 5)
        assert reply == with_crc(bytes.fromhex("018302"))

    check_bus(check)


def test_two_buses_answer_at_the_same_time(check_bus: Callable[..., None]) -> None:
    topology = Topology(
        (SerialTrunk("slow", 9600), SerialTrunk("fast", 57600, "8E1", 40.0)),
        (Place(0, 5), Place(1, 5), Place(1, 6)),
    )

    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        began_s = time.monotonic()
        first, second = await asyncio.gather(ask("summary", 5), ask("summary", 5, bus=1))
        assert is_sound(first) and is_sound(second) and first != second
        slow_s = 63 * 10 / 9600 + 0.004 + 0.015
        assert slow_s < time.monotonic() - began_s < slow_s + 0.06
        assert await ask("summary", 6, 0.15) == b""  # on the other bus

    check_bus(check, topology)


def test_a_late_answer_still_comes_and_in_order(check_bus: Callable[..., None]) -> None:
    """Two requests to one unit, the first answered 200 ms late: its answer comes first."""

    async def check(site: SimulatedSite, ask: Callable[..., Awaitable[bytes]]) -> None:
        late = faults.by_name("late_reply").model_copy(update={"ms": 200.0})
        faults.begin(site, late, 0)
        assert await ask("summary", 1, 0.1) == b""
        faults.end(site, late, 0)
        probe = with_crc(bytes.fromhex("010302000004"))
        got = await ask("ask", probe, SUMMARY_BYTES + 13)
        assert len(got) == SUMMARY_BYTES + 13
        assert is_sound(got[:SUMMARY_BYTES]) and is_sound(got[SUMMARY_BYTES:])
        assert got[2] == 50 and got[SUMMARY_BYTES + 2] == 8
        assert site.responder.happened == {"late_reply": 1}

    check_bus(check)
