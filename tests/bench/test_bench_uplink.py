"""What the MQTT figures stand on: the link takes its time, the clients count what was taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from host_tools.bench import uplink_speed
from host_tools.bench.delayed_link import HOST, delayed_link
from host_tools.bench.processes import micropython_client, run_json
from host_tools.run.broker import MOSQUITTO, Broker

Need = Callable[[str], Path]


def test_link_delays_and_keeps_everything() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    async def main() -> tuple[float, bytes]:
        server = await asyncio.start_server(echo, HOST, 0)
        async with delayed_link(server.sockets[0].getsockname()[1], 0.05) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            start = time.monotonic()
            for number in range(100):
                writer.write(bytes((number,)) * 1000)
            first = await reader.readexactly(1)
            took = time.monotonic() - start
            rest = await reader.readexactly(99999)
            writer.close()
            await writer.wait_closed()
        server.close()
        return took, first + rest

    took, received = asyncio.run(main())
    assert took >= 0.1
    assert received == b"".join(bytes((number,)) * 1000 for number in range(100))


def test_clients_count_what_the_broker_took(need: Need, tmp_path: Path) -> None:
    """Over 100 ms, half a second: one in flight cannot have more than five, sixteen can."""
    need("micropython")
    need("mosquitto")

    async def main() -> tuple[float, float]:
        broker = Broker(uplink_speed._free_port(), tmp_path, MOSQUITTO)
        await broker.start()
        try:
            async with delayed_link(broker.port, 0.05) as port:
                one = await asyncio.to_thread(
                    run_json,
                    micropython_client("mqtt_stop_and_wait.py", "1m"),
                    port,
                    500,
                    0.5,
                    cpu=0,
                    timeout_s=60,
                )
                many = await asyncio.to_thread(
                    run_json,
                    micropython_client("mqtt_gateway.py", "1m"),
                    "speed",
                    port,
                    16,
                    500,
                    0.5,
                    cpu=0,
                    timeout_s=60,
                )
        finally:
            await broker.stop()
        return one["messages"] / one["seconds"], many["messages"] / many["seconds"]

    one, many = asyncio.run(main())
    assert 0 < one <= 10
    assert many > one
