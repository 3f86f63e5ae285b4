"""The terminal strip: relays follow the lines and drop with the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from waiting import until

from host_tools.simulate.command import monotonic_ms
from host_tools.simulate.field import DEAD_MAN_MS, MAX_LINE, Field
from host_tools.simulate.ports import PortInUseError

PATIENCE_S = 20.0
RELAYS = 3
INPUTS = 2


class Bench:
    """A field with what it called, and connections to it."""

    def __init__(self, port: int) -> None:
        self.driven: list[tuple[int, bool]] = []
        self.bitten = 0
        self.field = Field(
            port=port,
            relays=RELAYS,
            inputs=INPUTS,
            set_relay=lambda index, on: self.driven.append((index, on)),
            clock=monotonic_ms,
            on_bite=self.bite,
        )

    def bite(self) -> None:
        self.bitten += 1

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.field.port)


@asynccontextmanager
async def wired(port: int) -> AsyncIterator[Bench]:
    bench = Bench(port)
    await bench.field.start()
    try:
        yield bench
    finally:
        await bench.field.stop()


def test_relays_follow_and_drop_when_the_connection_closes(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"B gw-001 boot 1\nR 0 1\nR 2 1\nR 2 1\nR 0 0\n")
            await until(lambda: len(bench.driven) == 3)
            assert bench.driven == [(0, True), (2, True), (0, False)]
            assert [text for _, text in bench.field.boots] == ["gw-001 boot 1"]
            writer.close()
            await until(lambda: not bench.field.connected)
            assert bench.driven[3:] == [(2, False)]
            assert bench.bitten == 0

    asyncio.run(main())


def test_watchdog_bites_when_it_is_fed_no_more(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            reader, writer = await bench.connect()
            writer.write(b"R 1 1\nW 50\n")
            await until(lambda: bench.bitten == 1)
            assert bench.driven == [(1, True), (1, False)]
            assert bench.field.bites == 1
            await asyncio.wait_for(reader.read(), PATIENCE_S)  # the connection is closed
            writer.close()

            _, writer = await bench.connect()  # the board after its reset
            writer.write(b"R 1 1\n")
            await until(lambda: bench.field.relays[1])
            writer.close()

    asyncio.run(main())


def test_feeding_keeps_the_watchdog_quiet(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 1 1\n")
            for _ in range(12):
                writer.write(b"W 1000\n")
                await asyncio.sleep(0.12)
            assert bench.field.relays == [False, True, False]
            assert bench.bitten == 0
            writer.close()

    asyncio.run(main())


def test_a_gateway_that_never_armed_is_not_bitten_and_closing_disarms(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 1 1\nW 100\n")
            await until(lambda: bench.field.relays[1])
            writer.close()
            await until(lambda: not bench.field.connected)
            _, writer = await bench.connect()
            writer.write(b"R 1 1\n")
            await until(lambda: bench.field.relays[1])
            await asyncio.sleep(0.3)
            assert bench.bitten == 0
            assert bench.field.relays[1]
            writer.close()

    asyncio.run(main())


def test_a_silent_dead_man_drops_every_relay_and_no_connection(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 0 1\nR 2 1\nH\n")
            await until(lambda: bench.field.relays[2])
            begun = monotonic_ms()
            await until(lambda: bench.field.dead_man_drops == 1)
            assert monotonic_ms() - begun >= DEAD_MAN_MS - 50
            assert bench.driven == [(0, True), (2, True), (0, False), (2, False)]
            assert bench.field.connected
            assert bench.bitten == 0
            ((_, by),) = bench.field.let_go
            assert by == "dead man"
            writer.close()

    asyncio.run(main())


def test_after_a_silence_relays_need_the_dead_man_and_a_new_line(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 0 1\nH\n")
            await until(lambda: bench.field.dead_man_drops == 1)
            writer.write(b"R 1 1\nR 0 0\nB still here\n")  # ignored but for the text
            await until(lambda: len(bench.field.boots) == 1)
            assert bench.field.relays == [False, False, False]
            assert bench.field.garbage == 0
            writer.write(b"H\nB again\n")
            await until(lambda: len(bench.field.boots) == 2)
            assert bench.field.relays == [False, False, False]  # none comes back by itself
            writer.write(b"H\nR 1 1\n")
            await until(lambda: bench.field.relays[1])
            assert bench.field.dead_man_drops == 1
            writer.close()

    asyncio.run(main())


def test_toggling_keeps_the_relays_and_a_dead_man_is_not_required(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 1 1\n")
            await asyncio.sleep(1.5 * DEAD_MAN_MS / 1000)  # never toggled
            assert bench.field.relays == [False, True, False]
            for _ in range(12):
                writer.write(b"H\n")
                await asyncio.sleep(0.1)
            assert bench.field.relays == [False, True, False]
            assert bench.field.dead_man_drops == 0
            writer.close()
            await until(lambda: not bench.field.connected)
            await asyncio.sleep(1.5 * DEAD_MAN_MS / 1000)
            assert bench.field.dead_man_drops == 0  # it went with its gateway
            _, writer = await bench.connect()
            writer.write(b"R 2 1\n")
            await until(lambda: bench.field.relays[2])
            writer.close()

    asyncio.run(main())


GARBAGE = (
    b"", b"X 1", b"R", b"R 1", b"R 1 2", b"R 9 1", b"R -1 1", b"R 1 1 1", b"R one 1", b"W", b"W x",
    b"W 0", b"W -5", b"H 1", b"W " + b"9" * 150, b"\xff\xfe\x00", b"B " + b"x" * (MAX_LINE + 50),
)  # fmt: skip


def test_garbage_is_counted_and_drives_nothing(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"\n".join(GARBAGE) + b"\nR 0 1\n")
            await until(lambda: bench.field.relays[0])
            assert bench.field.garbage == len(GARBAGE)
            assert bench.driven == [(0, True)]
            assert not bench.field.boots
            writer.write(b"y" * 100_000)  # a line without end takes no memory
            await until(lambda: bench.field.garbage > len(GARBAGE))
            writer.write(b"\nR 2 1\n")
            await until(lambda: bench.field.relays[2])
            writer.close()

    asyncio.run(main())


def test_lines_may_arrive_in_pieces(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            for piece in (b"R ", b"1", b" 1", b"\r\nR 2", b" 1\n"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            await until(lambda: bench.field.relays[2])
            assert bench.driven == [(1, True), (2, True)]
            assert bench.field.garbage == 0
            writer.close()

    asyncio.run(main())


def test_inputs_are_told_after_connect_and_at_each_change(
    free_ports: Callable[[int], int],
) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            bench.field.set_input(1, True)
            reader, writer = await bench.connect()

            async def line() -> bytes:
                return await asyncio.wait_for(reader.readline(), PATIENCE_S)

            assert [await line(), await line()] == [b"I 0 0\n", b"I 1 1\n"]
            bench.field.set_input(1, True)  # no change
            bench.field.set_input(0, True)
            bench.field.set_input(1, False)
            assert [await line(), await line()] == [b"I 0 1\n", b"I 1 0\n"]
            writer.close()

    asyncio.run(main())


def test_a_second_gateway_is_turned_away(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, first = await bench.connect()
            first.write(b"R 0 1\n")
            await until(lambda: bench.field.relays[0])
            reader, second = await bench.connect()
            second.write(b"R 0 0\nR 1 1\n")
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
            assert bench.field.refused == 1
            assert bench.field.relays == [True, False, False]
            first.close()
            second.close()

    asyncio.run(main())


def test_stopping_drops_the_relays(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            _, writer = await bench.connect()
            writer.write(b"R 0 1\n")
            await until(lambda: bench.field.relays[0])
        assert bench.driven == [(0, True), (0, False)]
        writer.close()

    asyncio.run(main())


def test_port_in_use(free_ports: Callable[[int], int]) -> None:
    async def main() -> None:
        async with wired(free_ports(1)) as bench:
            second = Bench(bench.field.port)
            with pytest.raises(PortInUseError, match="wiring port") as caught:
                await second.field.start()
            assert caught.value.port == bench.field.port

    asyncio.run(main())
