"""An MQTT subscriber of its own, which notes what really arrives from the gateway.

Durable session and QoS 1: what the broker acknowledged to the gateway reaches this observer, also
after the broker was away. Nothing of what the gateway says about itself goes into the counts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import aiomqtt

from host_tools.errors import UserError
from host_tools.run.delivered import Delivered

CLIENT_ID = "gatewayctl-observer"
_TOPICS = ("log", "blocks", "live/+", "status")
_RETRY_S = 0.05
_CONNECT_S = 5.0


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
        racks: int,
        clock: Callable[[], int],
    ) -> None:
        """`topic` is the gateway's: bess/v1/<site>/<gateway>; it has `racks` racks."""
        self.delivered = Delivered(racks)
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
            granted = await client.subscribe([(f"{self._topic}/{name}", 1) for name in _TOPICS])
            if any(code != 1 for code in granted):
                raise aiomqtt.MqttError(f"subscription granted with {granted}")
            self._subscribed.set()
            async for message in client.messages:
                self._take(message)

    def _take(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        if not isinstance(payload, bytes | bytearray):
            self.delivered.errors.append(f"{message.topic}: not bytes")
            return
        kind = message.topic.value.removeprefix(self._topic + "/").partition("/")[0]
        if kind == "log":
            self.delivered.take_log(bytes(payload), self._clock())
        elif kind == "blocks":
            self.delivered.take_block(bytes(payload))
        elif kind == "live":
            self.delivered.take_live(bytes(payload), self._clock())
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
