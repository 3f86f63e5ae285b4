"""Messages of a shared subscription, acknowledged when their rows are stored and not before.

The session outlives the connection and the process: the broker keeps what was not acknowledged,
and what comes meanwhile, for the client id. So each worker has an id of its own and keeps it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from host_tools.ingest.broker_address import BrokerAddress

STREAMS = ("log", "blocks")
# how long a broker keeps the session of a worker that is away; brokers may allow less
SESSION_S = 7 * 24 * 3600
_KEEP_ALIVE_S = 30
_SLOWEST_RETRY_S = 30
_FAILURE = 0x80


@dataclass(frozen=True, slots=True)
class Message:
    """`session` counts the connections: packet ids of an earlier one mean nothing any more."""

    topic: str
    payload: bytes
    packet_id: int
    session: int


class Subscriber:
    """A client in a thread of its own, which connects again for ever.

    At most `window` messages are under way, so memory is bounded by the broker.
    """

    def __init__(self, address: BrokerAddress, client_id: str, group: str, window: int) -> None:
        self._address = address
        self._filters = [f"$share/{group}/bess/v1/+/+/{stream}" for stream in STREAMS]
        self._window = window
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._session = 0
        self._at_session = threading.Lock()  # an acknowledgement goes to its own session
        self._leaving = False
        self.connects = 0
        self.ignored = 0  # messages of QoS 0: nothing bounds them, nobody sends them again
        # why nothing comes, "" while connected and subscribed
        self.trouble = f"connecting to {address}"
        self._client = self._new_client(client_id)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._client.connect_async(
            self._address.host,
            self._address.port,
            keepalive=_KEEP_ALIVE_S,
            clean_start=False,
            properties=_properties(
                PacketTypes.CONNECT,
                SessionExpiryInterval=SESSION_S,
                ReceiveMaximum=self._window,
            ),
        )
        self._client.loop_start()

    def stop(self, leave: bool = False) -> None:
        """Disconnect; `leave` ends the session, too, and the broker forgets the worker."""
        properties = None
        if leave:
            properties = _properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0)
        self._client.disconnect(properties=properties)
        self._client.loop_stop()

    def leave_group(self) -> None:
        """No new messages from now on; those that the broker holds already still come."""
        self._leaving = True
        if self._client.is_connected():
            self._client.unsubscribe(self._filters)

    def get(self, timeout_s: float) -> Message | None:
        """The next message, None when none came in time."""
        while True:
            try:
                message = self._messages.get(timeout=timeout_s)
            except queue.Empty:
                return None
            if message.session == self._session:
                return message  # otherwise it comes again, or went to another worker

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that these are stored; those of an earlier connection come again."""
        for message in messages:
            with self._at_session:
                if message.session == self._session:
                    self._client.ack(message.packet_id, 1)

    def _new_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        context = self._address.tls_context()
        if context is not None:
            client.tls_set_context(context)
        client.reconnect_delay_set(1, _SLOWEST_RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, properties: Any
    ) -> None:
        if code.is_failure:
            self.trouble = f"broker {self._address} refuses: {code}"
            return
        self.connects += 1
        if getattr(properties, "SharedSubscriptionAvailable", 1) == 0:
            self.trouble = f"broker {self._address} has no shared subscriptions: use another"
        elif self._leaving:
            client.unsubscribe(self._filters)
            self.trouble = ""
        else:
            self.trouble = f"subscribing at {self._address}"
            client.subscribe([(name, SubscribeOptions(qos=1)) for name in self._filters])

    def _on_connect_fail(self, _client: mqtt.Client, _data: Any) -> None:
        self.trouble = f"broker {self._address} does not answer"

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        with self._at_session:
            self._session += 1
        if not self.trouble:
            self.trouble = f"connection to {self._address} lost: {code}"

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: Any,
        _packet_id: int,
        codes: list[ReasonCode],
        _properties: Any,
    ) -> None:
        refused = [str(code) for code in codes if code.value >= _FAILURE or code.value == 0]
        self.trouble = f"broker refuses the subscription: {refused[0]}" if refused else ""

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.qos == 0:  # no packet id; brokers disconnect who acknowledges one
            self.ignored += 1
            return
        self._messages.put(
            Message(message.topic, bytes(message.payload), message.mid, self._session)
        )


def _properties(packet_type: int, **values: int) -> Properties:
    """MQTT 5 properties of a packet, by their names in the specification."""
    properties: Properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
