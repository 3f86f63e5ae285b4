"""The gateway's MQTT client: messages of QoS 1 with a window.

    mqtt_gateway.py speed PORT WINDOW BYTES SECONDS
    mqtt_gateway.py handshake PORT ROUNDS FOLDER

`handshake` connects so often, with TLS when FOLDER (ca.pem, gw.pem, gw-key.pem) is not "-", and
tells the longest time that nothing else could run until the broker had accepted.
"""

from __future__ import annotations

import asyncio
import random
import sys

from folder_storage import FolderStorage  # type: ignore[import-not-found]
from sockets import open_stream  # type: ignore[import-not-found]

from gateway.clock import RTC, Clock
from gateway.uplink.mqtt_client import DOWN, UP, MqttClient
from gateway.uplink.mqtt_packet import PublishFrame
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.tls_context import connector
from host_tools.bench.clients.measure import micros, report

HOST = "127.0.0.1"
SERVER_NAME = "broker.plant-7"
_QUICK_MS = 1  # between two attempts


class Silent:
    """A log that nobody reads."""

    def info(self, message: str, *arguments: object) -> None:
        """Nothing."""

    warning = error = info


def make_client(port: int, window: int, folder: str) -> MqttClient:
    """A client that connects at once and again at once."""
    settings = UplinkSettings(
        host=HOST,
        port=port,
        client_id="bench",
        window=window,
        reconnect_base_ms=_QUICK_MS,
        reconnect_cap_ms=_QUICK_MS,
        tls=folder != "-",
        server_name=SERVER_NAME,
        ca_file="ca.pem",
        cert_file="gw.pem",
        key_file="gw-key.pem",
    )
    clock = Clock(RTC)
    connect = connector(open_stream, FolderStorage(folder), settings, clock)
    return MqttClient(settings, connect, clock, Silent(), random)


class Stream:
    """Publishes without a pause and counts what is acknowledged."""

    def __init__(self, client: MqttClient, size: int, seconds: float) -> None:
        self._client = client
        self._frame = PublishFrame("bench/log", size)
        self._frame.put(bytes(size))
        self._size = size
        self._span_us = int(seconds * 1000000)
        self._acked = 0
        self.result: dict[str, float] = {}
        client.add_service(self._serve)

    async def _serve(self) -> None:
        for _ in range(3):  # the window is full, answers come in
            await self._client.publish(self._frame, self._size, self._count)
        while self._acked < 3:  # noqa: ASYNC110 - the client tells by a call
            await asyncio.sleep(0.001)
        self._acked = 0
        start = micros()
        elapsed = 0
        while elapsed < self._span_us:
            await self._client.publish(self._frame, self._size, self._count)
            elapsed = micros() - start
        self.result = {"messages": self._acked, "seconds": elapsed / 1000000}
        self._client.stop()

    def _count(self, _mark: object) -> None:
        self._acked += 1


async def speed(port: int, window: int, size: int, seconds: float) -> dict[str, float]:
    """Messages acknowledged in about `seconds`."""
    client = make_client(port, window, "-")
    stream = Stream(client, size, seconds)
    await client.run()
    return stream.result


async def handshake(port: int, rounds: int, folder: str) -> dict[str, list[int]]:
    """Microseconds of the longest standstill of each of so many connects."""
    client = make_client(port, 8, folder)
    task = asyncio.create_task(client.run())
    found = []
    for _ in range(rounds):
        longest = 0
        last = micros()
        while client.state != UP:
            await asyncio.sleep(0)
            now = micros()
            longest = max(longest, now - last)
            last = now
        found.append(longest)
        client.drop("once more")
        while client.state != DOWN:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
    client.stop()
    await task
    return {"us": found}


def main(arguments: list[str]) -> None:
    """Do one job and report."""
    job, port = arguments[0], int(arguments[1])
    if job == "speed":
        window, size, seconds = int(arguments[2]), int(arguments[3]), float(arguments[4])
        report(asyncio.run(speed(port, window, size, seconds)))
    else:
        report(asyncio.run(handshake(port, int(arguments[2]), arguments[3])))


main(sys.argv[1:])
