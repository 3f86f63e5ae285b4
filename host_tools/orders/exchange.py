"""One order and its reply over the broker, with a second attempt where the first taught us how."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import aiomqtt

from gateway.clock import UNSET
from host_tools.errors import UserError
from host_tools.ingest.broker_address import BrokerAddress
from host_tools.orders.device import Device
from host_tools.orders.signing import read_reply, sign

VALID_S = 60  # an order that comes later is refused
_CONNECT_S = 10.0
_CLOCKS_DIFFER_S = 30

Reply = dict[str, Any]


class Exchange:
    """Orders one thing of `device`; `hint` is what was noticed while waiting in vain."""

    def __init__(self, device: Device, address: BrokerAddress, patience_s: float) -> None:
        self._device = device
        self._address = address
        self._patience_s = patience_s
        self.hint = ""

    async def order(self, name: str, args: dict[str, Any]) -> Reply:
        """The gateway's signed reply; UserError when there is none.

        A gateway that has seen a higher number, or whose clock differs, says so in its reply, and
        did nothing; then the order is given once more in its terms.
        """
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.user or None,
            password=address.password or None,
            tls_context=address.tls_context(),
            timeout=_CONNECT_S,
        )
        try:
            async with client:
                await client.subscribe(
                    [(self._device.topic + "reply", 1), (self._device.topic + "status", 1)]
                )
                seq, until = int(time.time() * 1000), int(time.time()) + VALID_S
                reply = await self._ask(client, name, args, seq, until)
                again = in_its_terms(reply, seq, until)
                return await self._ask(client, name, args, *again) if again else reply
        except aiomqtt.MqttError as error:
            raise UserError(f"broker {address}: {error}") from error

    async def _ask(
        self, client: aiomqtt.Client, name: str, args: dict[str, Any], seq: int, until: int
    ) -> Reply:
        tree = {
            "gateway": self._device.gateway,
            "seq": seq,
            "until": until,
            "command": name,
            "args": args,
        }
        await client.publish(self._device.topic + "command", sign(self._device.key, tree), qos=1)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                async for message in client.messages:
                    reply = self._read(str(message.topic), bytes(message.payload))
                    if reply is not None and reply.get("seq") == seq:
                        return reply
        raise UserError(
            f"gateway {self._device.gateway}: no reply within {self._patience_s:g} s:"
            f" {self.hint or 'is it connected, and has it a device.key?'}"
        )

    def _read(self, topic: str, payload: bytes) -> Reply | None:
        if topic.endswith("/status"):
            self._note_status(payload)
            return None
        reply = read_reply(self._device.key, payload)
        if reply is None:
            self.hint = "something replies with another key than this one: is it the device's?"
        elif reply.get("seq") is None:
            self.hint = f"it says: {reply['answer'].get('refused', '')}"
        return reply

    def _note_status(self, payload: bytes) -> None:
        """The broker's word for it, and so nothing but a hint."""
        with suppress(ValueError):
            status = json.loads(payload)
            if isinstance(status, dict) and status.get("online") is False:
                self.hint = self.hint or "the broker says that it is offline"


def in_its_terms(reply: Reply, seq: int, until: int) -> tuple[int, int] | None:
    """Number and end of validity that the gateway would have taken; None when those were good."""
    if "refused" not in reply["answer"]:
        return None
    last = reply["last"]
    ahead_s = reply["utc_s"] + VALID_S - until
    # One whose clock is not set counts from anywhere, or tells the latest time that it remembers.
    if ahead_s > _CLOCKS_DIFFER_S or (reply["clock"] != UNSET and ahead_s < -_CLOCKS_DIFFER_S):
        return max(seq, last) + 1, reply["utc_s"] + VALID_S
    return (last + 1, until) if last > seq else None
