"""QoS 1 messages in flight: packet ids, and what waits for which PUBACK."""

from __future__ import annotations

from collections import deque

from gateway.uplink.mqtt_packet import MqttError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Acked = Callable[[Any], None]


class MqttWindow:
    """At most `limit` messages, oldest first; ids count on over all sessions."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: deque[tuple[int, Acked | None, Any]] = deque((), limit)
        self.next_packet_id = 1
        self.reserved = 0  # id of a SUBSCRIBE under way

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def room(self) -> int:
        """Messages that `add` still takes."""
        return self._limit - len(self._entries)

    def take_packet_id(self) -> int:
        """The next of 1 .. 65535 that is not in use."""
        while True:
            packet_id = self.next_packet_id
            self.next_packet_id = packet_id % 65535 + 1
            if packet_id == self.reserved:
                continue
            if all(entry[0] != packet_id for entry in self._entries):
                return packet_id

    def add(self, acked: Acked | None, mark: Any) -> int:
        """The packet id of a new message; `acked(mark)` is called on its PUBACK."""
        packet_id = self.take_packet_id()
        self._entries.append((packet_id, acked, mark))
        return packet_id

    def acknowledge(self, packet_id: int) -> None:
        """A PUBACK came. Brokers answer in order (MQTT-4.6.0-2): it must be for the oldest."""
        if not self._entries or self._entries[0][0] != packet_id:
            raise MqttError("PUBACK %d is not for the oldest message in flight" % packet_id)
        _, acked, mark = self._entries.popleft()
        if acked is not None:
            acked(mark)

    def clear(self) -> None:
        """The session is over: nobody answers any more."""
        while self._entries:
            self._entries.popleft()
        self.reserved = 0
