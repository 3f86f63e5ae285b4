"""An MQTT subscriber of its own, which notes what really arrives from the gateway.

Durable session and QoS 1: what the broker acknowledged to the gateway reaches this observer, also
after the broker was away. Nothing of what the gateway says about itself goes into the counts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiomqtt

from host_tools.decode.records import CellFrame, DecodeError, Key, Record, Sample, decode_message
from host_tools.errors import UserError

CLIENT_ID = "gatewayctl-observer"
_RETRY_S = 0.05
_CONNECT_S = 5.0


@dataclass
class Delivered:
    """What arrived. `records` by key; `duplicates` counts samples that came again.

    A run may last for days: of a frame of cells only what every record has is kept. `arrivals`
    holds (ms of the run's clock, newest utc_ms) of every message with records.
    """

    records: dict[Key, Record] = field(default_factory=dict)
    duplicates: int = 0
    messages: int = 0
    arrivals: list[tuple[int, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def take(self, payload: bytes, now_ms: int) -> None:
        """Note one message of the log topic."""
        self.messages += 1
        try:
            found = decode_message(payload)
        except DecodeError as error:
            self.errors.append(f"message {self.messages}: {error}")
            return
        for record in map(_slim, found):
            if record.key in self.records:
                self.duplicates += isinstance(record, Sample)
                if record != self.records[record.key]:
                    self.errors.append(f"{record.key} came twice with different content")
            self.records[record.key] = record
        if found:
            self.arrivals.append((now_ms, max(record.utc_ms for record in found)))


class Observer:
    """Subscribes to one gateway's topics on the broker; `delivered` grows while it runs."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        topic: str,
        clock: Callable[[], int],
    ) -> None:
        """`topic` is the gateway's: bess/v1/<site>/<gateway>."""
        self.delivered = Delivered()
        self.offline = asyncio.Event()  # the gateway has said good-bye, or the broker for it
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._topic = topic
        self._clock = clock
        self._subscribed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and subscribe; UserError when the broker is not there or refuses."""
        try:
            async with self._client(clean=True):
                pass  # forget what an earlier run left in our session
        except aiomqtt.MqttError as error:
            raise UserError(f"broker {self._host}:{self._port}: {error}") from error
        self._task = asyncio.create_task(self._keep_listening())
        waiting = asyncio.create_task(self._subscribed.wait())
        await asyncio.wait(
            {self._task, waiting}, timeout=_CONNECT_S, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        if not self._subscribed.is_set():
            raise UserError(f"broker {self._host}:{self._port} takes no subscription")

    async def stop(self) -> None:
        """Disconnect for good."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with suppress(aiomqtt.MqttError):
                async with self._client(clean=True):
                    pass

    async def wait(self) -> None:
        """Never return; raise what ended the listening."""
        if self._task:
            await self._task

    def _client(self, *, clean: bool) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._host,
            self._port,
            identifier=CLIENT_ID,
            clean_session=clean,
            username=self._user or None,
            password=self._password or None,
            timeout=_CONNECT_S,
            keepalive=15,
        )

    async def _keep_listening(self) -> None:
        while True:
            with suppress(aiomqtt.MqttError):
                await self._listen()
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        async with self._client(clean=False) as client:
            granted = await client.subscribe(
                [(f"{self._topic}/log", 1), (f"{self._topic}/status", 1)]
            )
            if any(code != 1 for code in granted):
                raise aiomqtt.MqttError(f"subscription granted with {granted}")
            self._subscribed.set()
            async for message in client.messages:
                self._take(message)

    def _take(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        if not isinstance(payload, bytes | bytearray):
            self.delivered.errors.append(f"{message.topic}: not bytes")
        elif message.topic.value.endswith("/log"):
            self.delivered.take(bytes(payload), self._clock())
        elif not message.retain:
            self._take_status(bytes(payload))

    def _take_status(self, payload: bytes) -> None:
        try:
            online = bool(json.loads(payload)["online"])
        except (ValueError, TypeError, KeyError):
            self.delivered.errors.append(f"status message {payload[:40]!r} is not understood")
            return
        if online:
            self.offline.clear()
        else:
            self.offline.set()


def _slim(record: Record) -> Record:
    if not isinstance(record, CellFrame):
        return record
    return Record(record.boot, record.seq, record.uptime_ms, record.utc_ms, record.clock_quality)
