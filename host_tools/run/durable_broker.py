"""amqtt's broker with sessions that survive SIGKILL.

amqtt acknowledges a message as soon as it is in a queue in memory, so a kill loses what was
acknowledged and not yet passed on, and forgets who had subscribed. (Its own session plug-in
stores subscriptions but no message that is on its way, and text only.) Here a message is on disk
before its PUBACK, and leaves it on the PUBACK of its subscriber. Written for the pinned amqtt:
it overrides methods that are not all public.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import amqtt.broker
from amqtt.broker import Broker
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import INCOMING, OutgoingApplicationMessage, Session

from host_tools.run.session_store import SessionStore

_REFUSED = 0x80  # return code of a subscription


class OpenDoor(BaseAuthPlugin):  # type: ignore[misc]
    """Lets everyone in, by name: amqtt keeps nothing for clients that count as anonymous."""

    async def authenticate(self, *, session: Session) -> bool:
        """Yes."""
        return True


class DurableBroker(Broker):  # type: ignore[misc]
    """A broker on `host`:`port` that keeps durable sessions in the file `path`."""

    def __init__(self, host: str, port: int, path: Path) -> None:
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
                "plugins": {f"{__name__}.{OpenDoor.__name__}": {}},
            }
        )
        self._store = SessionStore(path)
        # amqtt makes its handlers from this name; there is no other way to give it a better one.
        amqtt.broker.BrokerProtocolHandler = _handler_class(self._store)

    async def _start_listeners(self) -> None:
        """Restore the sessions before anyone can publish."""
        for client, topic_filter, qos in self._store.subscriptions():
            if client not in self._sessions:
                handler, session = self.create_offline_session(client)
                session.clean_session = False
                self._sessions[client] = (session, handler)
            await super().add_subscription((topic_filter, qos), self._sessions[client][0])
        await super()._start_listeners()

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Subscribe, and note it before the client hears of it."""
        code: int = await super().add_subscription(subscription, session)
        if code != _REFUSED and not session.clean_session:
            self._store.subscribe(session.client_id, subscription[0], code)
        return code

    async def _delete_session(self, client_id: str) -> None:
        self._store.remove(client_id)
        await super()._delete_session(client_id)

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """A client has connected: send what it has not acknowledged before anything new."""
        while not session.retained_messages.empty():
            session.retained_messages.get_nowait()  # the store has these, and more
        await self._get_handler(session).catch_up()


def _handler_class(store: SessionStore) -> type:
    class Handler(BrokerProtocolHandler):  # type: ignore[misc]
        """Keeps an incoming message before PUBACK goes out, forgets it when PUBACK came in."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._caught_up = asyncio.Event()

        async def catch_up(self) -> None:
            """Send all that the client has not acknowledged, in order; new messages wait."""
            messages = [
                OutgoingApplicationMessage(self.session.next_packet_id, topic, 1, payload, False)
                for topic, payload in store.undelivered(self.session.client_id)
            ]
            # A message that fails is still in the store: the link is lost again.
            await asyncio.gather(*map(self._deliver, messages), return_exceptions=True)
            self._caught_up.set()

        async def _handle_qos1_message_flow(self, app_message: Any) -> None:
            if app_message.direction == INCOMING:
                store.keep(app_message.topic, bytes(app_message.data))
                await super()._handle_qos1_message_flow(app_message)
            else:
                await self._caught_up.wait()
                await self._deliver(app_message)

        async def _deliver(self, message: OutgoingApplicationMessage) -> None:
            client = self.session.client_id
            await super()._handle_qos1_message_flow(message)
            store.forget(client, message.topic, bytes(message.data))

    return Handler
