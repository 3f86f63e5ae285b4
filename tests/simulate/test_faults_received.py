"""Faults of the wire as a master really receives them, over real sockets and a real port."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host_tools.simulate import faults
from host_tools.simulate.command import monotonic_ms
from host_tools.simulate.exchange import is_sound, with_crc
from host_tools.simulate.product import Product
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.simulate.topology import one_bus

IDENTITY = bytes.fromhex("0302000004")  # answered with 10 bytes of PDU
GOOD = bytes.fromhex("03084716000101a000d0")


def fault(kind: str, **settings: Any) -> Any:
    return faults.by_name(kind).model_copy(update=settings)


def tcp_frame(pdu: bytes, transaction: int = 0x0100, unit: int = 1) -> bytes:
    head = transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    return head + bytes([unit]) + pdu


OnTcp = Callable[[SimulatedSite, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def check_tcp(product: Product, free_ports: Callable[[int], int]) -> Callable[[OnTcp], None]:
    """Run a coroutine with a served site and a connection to its rack 0."""

    def run(check: OnTcp) -> None:
        async def main() -> None:
            base_port = free_ports(product.racks)
            site = SimulatedSite(product, base_port=base_port, seed=7, clock=monotonic_ms)
            await site.start()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", base_port)
                await asyncio.wait_for(check(site, reader, writer), 30)
                writer.close()
            finally:
                await site.stop()

        asyncio.run(main())

    return run


ASK = tcp_frame(IDENTITY)


def test_segments_arrive_apart(check_tcp: Callable[[OnTcp], None]) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        faults.begin(site, fault("split", count=5, gap_ms=30.0), 0)
        writer.write(ASK)
        began_s = time.monotonic()
        pieces = []
        while sum(map(len, pieces)) < len(tcp_frame(GOOD)):
            pieces.append(await reader.read(100))
        assert [len(piece) for piece in pieces] == [5, 5, 5, 2]
        assert b"".join(pieces) == tcp_frame(GOOD)
        assert time.monotonic() - began_s >= 0.085

    check_tcp(check)


def test_a_reset_closes_the_connection_and_the_port_stays(
    check_tcp: Callable[[OnTcp], None],
) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        faults.begin(site, fault("reset"), 0)
        writer.write(ASK)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        port = writer.get_extra_info("peername")[1]
        faults.end(site, fault("reset"), 0)
        again, anew = await asyncio.open_connection("127.0.0.1", port)
        anew.write(ASK)
        assert await again.readexactly(len(tcp_frame(GOOD))) == tcp_frame(GOOD)
        anew.close()

    check_tcp(check)


def test_answers_stay_in_order_behind_a_late_one(check_tcp: Callable[[OnTcp], None]) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        late = fault("late_reply", ms=150.0)
        faults.begin(site, late, 0)
        writer.write(ASK)
        await asyncio.sleep(0.03)
        faults.end(site, late, 0)
        writer.write(ASK.replace(b"\x01\x00\x00\x00", b"\x01\x01\x00\x00", 1))
        began_s = time.monotonic()
        first = await reader.readexactly(len(tcp_frame(GOOD)))
        assert time.monotonic() - began_s > 0.1
        second = await reader.readexactly(len(tcp_frame(GOOD)))
        assert [first[:2], second[:2]] == [b"\x01\x00", b"\x01\x01"]

    check_tcp(check)


def test_what_is_no_modbus_closes_the_connection(check_tcp: Callable[[OnTcp], None]) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)

    check_tcp(check)


def test_an_unknown_unit_is_answered_as_by_a_gateway(check_tcp: Callable[[OnTcp], None]) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        writer.write(tcp_frame(IDENTITY, unit=9))
        assert await reader.readexactly(9) == tcp_frame(b"\x83\x0b", unit=9)

    check_tcp(check)


def test_a_restart_drops_the_connection_then_silence_then_zeros(
    check_tcp: Callable[[OnTcp], None],
) -> None:
    async def check(site: SimulatedSite, reader: Any, writer: Any) -> None:
        port = writer.get_extra_info("peername")[1]
        faults.begin(site, fault("restart", silent_s=0.4, zero_s=0.6), 0)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        with pytest.raises(OSError, match="reset"):
            again, anew = await asyncio.open_connection("127.0.0.1", port)
            await again.readexactly(1)
        anew.close()
        await asyncio.sleep(0.7)
        again, anew = await asyncio.open_connection("127.0.0.1", port)
        summary = tcp_frame(bytes.fromhex("0300000019"))
        anew.write(summary)
        reply = await again.readexactly(9 + 50)
        assert reply[9:11] == b"\0\0"  # heartbeat
        assert reply[9 + 20 : 9 + 22] == b"\0\0"  # highest cell
        await asyncio.sleep(0.6)
        anew.write(summary)
        reply = await again.readexactly(9 + 50)
        assert int.from_bytes(reply[9 + 20 : 9 + 22], "big") > 3000
        anew.close()

    check_tcp(check)


def test_noise_on_a_real_port_fails_the_checksum(product: Product) -> None:
    async def main() -> bytes:
        site = SimulatedSite(
            product, base_port=1, seed=7, clock=monotonic_ms, topology=one_bus(product.racks)
        )
        await site.start()
        port = os.open(site.buses[0].path, os.O_RDWR | os.O_NOCTTY)
        try:
            faults.begin(site, fault("noise"), 0)
            os.write(port, with_crc(b"\x01" + IDENTITY))
            return await asyncio.to_thread(_read, port, len(GOOD) + 3)
        finally:
            os.close(port)
            await site.stop()

    got = asyncio.run(main())
    assert len(got) == len(GOOD) + 3 and not is_sound(got)


def _read(port: int, count: int) -> bytes:
    got = b""
    while len(got) < count and select.select([port], [], [], 5.0)[0]:
        got += os.read(port, 100)
    return got
