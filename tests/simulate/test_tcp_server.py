"""Modbus TCP: a real pymodbus client, and bare sockets where that would not send what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from host_tools.simulate import faults
from host_tools.simulate.command import monotonic_ms
from host_tools.simulate.ports import PortInUseError
from host_tools.simulate.product import Product
from host_tools.simulate.registers import CONTACTOR
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.simulate.topology import Place, TcpTrunk, Topology

PATIENCE_S = 20.0  # for things that must happen; never a measure of speed
Check = Callable[[SimulatedSite, AsyncModbusTcpClient], Coroutine[None, None, None]]


@asynccontextmanager
async def serving(product: Product, base_port: int) -> AsyncIterator[SimulatedSite]:
    site = SimulatedSite(product, base_port=base_port, seed=7, clock=monotonic_ms)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


@asynccontextmanager
async def connected(
    port: int, timeout_s: float = PATIENCE_S
) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=timeout_s, retries=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def check_rack(product: Product, free_ports: Callable[[int], int]) -> Callable[[Check], None]:
    """Run a coroutine with a served site and a client of its rack 1."""

    def run(check: Check) -> None:
        async def main() -> None:
            base_port = free_ports(product.racks)
            async with serving(product, base_port) as site, connected(base_port + 1) as client:
                await asyncio.wait_for(check(site, client), 3 * PATIENCE_S)

        asyncio.run(main())

    return run


def test_reads_summary_identity_cells_and_temperatures(
    check_rack: Callable[[Check], None],
) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        summary = (await client.read_holding_registers(0, count=25)).registers
        assert summary[23:25] == [416, 208]
        assert summary[2] == 0  # open: nothing supplies the coil
        identity = (await client.read_holding_registers(0x0200, count=4)).registers
        assert identity == [0x4716, 1, 416, 208]
        cells: list[int] = []
        for first in range(0, 416, 104):
            reply = await client.read_holding_registers(0x1000 + first, count=104)
            cells += reply.registers
        assert len(cells) == 416
        assert all(3200 < cell_mv < 3350 for cell_mv in cells)
        temps = (await client.read_holding_registers(0x2000 + 104, count=104)).registers
        assert all(150 < temp_dc < 350 for temp_dc in temps)

        access = site.access[1]
        assert len(access.summary_reads) == 1
        blocks = [(first, count) for _, first, count in access.cell_reads]
        assert blocks == [(n, 104) for n in range(0, 416, 104)]
        assert [(first, count) for _, first, count in access.temp_reads] == [(104, 104)]
        times = [access.summary_reads[0]] + [at_ms for at_ms, _, _ in access.cell_reads]
        assert times == sorted(times)
        assert not site.access[0].summary_reads

    check_rack(check)


def test_values_move_on_between_reads(check_rack: Callable[[Check], None]) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        began_s = time.monotonic()
        seen = set()
        while len(seen) < 3 and time.monotonic() < began_s + PATIENCE_S:
            seen.add((await client.read_holding_registers(0, count=1)).registers[0])
            await asyncio.sleep(0.05)
        assert sorted(seen)[:3] == [0, 1, 2]

    check_rack(check)


@pytest.mark.parametrize("write_many", [False, True])
def test_writing_zero_opens_the_contactor(
    check_rack: Callable[[Check], None], write_many: bool
) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        site.set_relay(1, True)
        assert site.racks[1].contactor_closed
        if write_many:
            reply = await client.write_registers(0x0100, [0])
        else:
            reply = await client.write_register(0x0100, 0)
        assert not reply.isError()
        assert not site.racks[1].contactor_closed
        assert [change.on for change in site.truth.contactor_changes[1]] == [True, False]
        assert [write[1:] for write in site.access[1].writes] == [(0x0100, (0,))]
        assert len(site.access[1].open_commands) == 1

    check_rack(check)


def test_control_registers_read_back(check_rack: Callable[[Check], None]) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        start = (await client.read_holding_registers(0x0100, count=4)).registers
        assert start == [1, 0, 0xFFFF, 0xFFFF]
        await client.write_registers(0x0101, [77, 1500, 1200])
        after = (await client.read_holding_registers(0x0100, count=4)).registers
        assert after == [1, 77, 1500, 1200]

    check_rack(check)


@pytest.mark.parametrize(
    ("address", "count"),
    [(25, 1), (24, 2), (0x0104, 1), (0x0204, 1), (0x1000 + 416, 1), (0x1000 + 400, 17)]
    + [(0x2000 + 208, 1), (0x2000 + 200, 9), (0x3000, 1), (0xFFFF, 1)],
)
def test_unmapped_address_is_exception_2(
    check_rack: Callable[[Check], None], address: int, count: int
) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        reply = await client.read_holding_registers(address, count=count)
        assert reply.isError()
        assert reply.exception_code == 2
        assert not site.access[1].cell_reads and not site.access[1].temp_reads

    check_rack(check)


@pytest.mark.parametrize("address", [0x0000, 0x0104, 0x0200, 0x1000, 0x2000, 0x7000])
def test_writing_elsewhere_is_exception_2(
    check_rack: Callable[[Check], None], address: int
) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        for reply in (
            await client.write_register(address, 0),
            await client.write_registers(address, [0]),
        ):
            assert reply.isError()
            assert reply.exception_code == 2
        assert not site.access[1].writes

    check_rack(check)


def test_wrong_value_is_exception_3_and_changes_nothing(
    check_rack: Callable[[Check], None],
) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        site.set_relay(1, True)
        for reply in (
            await client.write_register(0x0100, 2),
            await client.write_registers(0x0100, [2, 5]),
        ):
            assert reply.isError()
            assert reply.exception_code == 3
        assert site.racks[1].contactor_closed
        assert (await client.read_holding_registers(0x0100, count=2)).registers == [1, 0]

    check_rack(check)


def test_other_functions_are_exception_1(check_rack: Callable[[Check], None]) -> None:
    async def check(site: SimulatedSite, client: AsyncModbusTcpClient) -> None:
        reply = await client.read_input_registers(0, count=1)
        assert reply.isError()
        assert reply.exception_code == 1

    check_rack(check)


@pytest.mark.parametrize("count", [0, 126, 0xFFFF])
def test_impossible_count_is_exception_3(
    product: Product, free_ports: Callable[[int], int], count: int
) -> None:
    async def main() -> bytes:
        base_port = free_ports(product.racks)
        async with serving(product, base_port):
            reader, writer = await asyncio.open_connection("127.0.0.1", base_port)
            writer.write(bytes.fromhex("00110000000601030000") + count.to_bytes(2, "big"))
            reply = await asyncio.wait_for(reader.readexactly(9), PATIENCE_S)
            writer.close()
            return reply

    assert asyncio.run(main()).hex() == "001100000003018303"


def test_silent_rack_accepts_but_never_answers(
    product: Product, free_ports: Callable[[int], int]
) -> None:
    silence = faults.by_name("rack_silent")

    async def main() -> None:
        base_port = free_ports(product.racks)
        async with serving(product, base_port) as site:
            async with connected(base_port + 1) as other, connected(base_port) as client:
                assert not (await client.read_holding_registers(0, count=25)).isError()
                faults.begin(site, silence, 0)
            async with connected(base_port, timeout_s=0.3) as client:
                for _ in range(2):
                    with pytest.raises(ModbusIOException):
                        await client.read_holding_registers(0, count=25)
                with pytest.raises(ModbusIOException):
                    await client.write_register(0x0100, 0)
            assert site.racks[0].commands[CONTACTOR] == 1
            assert len(site.access[0].summary_reads) == 1
            async with connected(base_port + 1) as other:
                assert not (await other.read_holding_registers(0, count=25)).isError()
            faults.end(site, silence, 0)
            async with connected(base_port) as client:
                assert not (await client.read_holding_registers(0, count=25)).isError()

    asyncio.run(main())


def test_racks_behind_one_unit_answer_for_their_own_registers(
    product: Product, free_ports: Callable[[int], int]
) -> None:
    """Three piles behind one controller; the middle one is alone in its trouble."""
    topology = Topology((TcpTrunk(0),), tuple(Place(0, 3, position) for position in range(3)))
    current = {position: 0x1400 + 0x0700 * position + 4 for position in range(3)}

    async def main() -> None:
        base_port = free_ports(1)
        site = SimulatedSite(
            product,
            base_port=base_port,
            seed=7,
            clock=monotonic_ms,
            topology=topology,
            map_name="pylontech-powercube-m2",
        )
        await site.start()
        try:
            site.set_relay(1, True)
            site.tick(monotonic_ms() + 2_000)
            site.tick(monotonic_ms() + 5_500)  # the bus is live for more than 3 s
            faults.begin(site, faults.by_name("exception"), 2)
            async with connected(base_port) as client:
                replies = {
                    position: await client.read_holding_registers(address, count=2, device_id=3)
                    for position, address in current.items()
                }
        finally:
            await site.stop()
        assert replies[0].registers == [0, 0]
        assert replies[1].registers[1] > 1000  # 0.01 A
        assert replies[2].exception_code == 2
        assert [len(log.summary_reads) for log in site.access] == [1, 1, 0]

    asyncio.run(main())


def test_port_in_use_is_one_clear_error_and_leaves_nothing_open(
    product: Product, free_ports: Callable[[int], int], capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        base_port = free_ports(product.racks)
        blocker = await asyncio.start_server(lambda *_: None, "127.0.0.1", base_port + 2)
        async with blocker:
            with pytest.raises(PortInUseError, match=f"{base_port + 2}.*base port") as caught:
                async with serving(product, base_port):
                    pass
            assert caught.value.port == base_port + 2
            for port in (base_port, base_port + 1):
                with pytest.raises(OSError, match="refused|Connect call failed"):
                    await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(main())
    assert capfd.readouterr().err == ""
