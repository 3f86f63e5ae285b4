"""Outgoing MQTT 3.1.1 packets as bytes: no I/O, no clock, no state besides the buffers.

"Chapter" numbers are those of the OASIS standard MQTT 3.1.1. What goes out is ours, so a value
that does not fit is a mistake of the program or the configuration: ValueError.
"""

from __future__ import annotations

from gateway.errors import GatewayError

# Packet types: the high half of the first byte (table 2.1).
CONNECT = 1
CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
SUBACK = 9
PINGREQ = 12
PINGRESP = 13
DISCONNECT = 14

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

MAX_LENGTH = 268435455  # four bytes of seven bits (chapter 2.2.3)
_MAX_TEXT = 65535

# Reasons of a refused CONNECT by code (table 3.1).
REFUSALS = (
    "accepted",
    "unacceptable protocol version",
    "identifier rejected",
    "server unavailable",
    "bad user name or password",
    "not authorised",
)


class MqttError(GatewayError):
    """The peer broke the protocol or refused; `MqttClient` catches it and reconnects."""


def length_size(length: int) -> int:
    """Bytes that `length` takes as a "remaining length" (chapter 2.2.3)."""
    if not 0 <= length <= MAX_LENGTH:
        raise ValueError("packet of %d bytes" % length)
    size = 1
    while length > 127:
        length >>= 7
        size += 1
    return size


def put_length(buffer: bytearray, offset: int, length: int) -> int:
    """Write `length` as a "remaining length" at `offset`; return the offset after it."""
    for _ in range(length_size(length) - 1):
        buffer[offset] = length & 127 | 128
        length >>= 7
        offset += 1
    buffer[offset] = length
    return offset + 1


def encode_connect(
    client_id: str,
    keep_alive_s: int,
    user: str = "",
    password: str = "",
    will: tuple[str, bytes, int, bool] | None = None,
    clean_session: bool = True,
) -> bytes:
    """CONNECT. `will` is (topic, payload, QoS, retain); empty user or password = not sent."""
    if password and not user:
        raise ValueError("a password needs a user name")  # MQTT-3.1.2-22
    flags = 2 if clean_session else 0
    fields = [_text(client_id)]
    if will is not None:
        topic, payload, qos, retain = will
        flags |= 4 | _checked_qos(qos) << 3 | (32 if retain else 0)
        fields += [_text(topic), _counted(payload)]
    if user:
        flags |= 128
        fields.append(_text(user))
    if password:
        flags |= 64
        fields.append(_text(password))
    if not 0 <= keep_alive_s <= 65535:
        raise ValueError("keep alive of %d s" % keep_alive_s)
    head = b"\x00\x04MQTT\x04" + bytes((flags, keep_alive_s >> 8, keep_alive_s & 255))
    return _packet(CONNECT << 4, head + b"".join(fields))


def encode_subscribe(packet_id: int, filters: tuple[tuple[str, int], ...]) -> bytes:
    """SUBSCRIBE to `filters`, each (topic filter, highest QoS 0 or 1)."""
    if not filters:
        raise ValueError("nothing to subscribe to")  # MQTT-3.8.3-3
    body = _number(packet_id)
    for topic, qos in filters:
        body += _text(topic) + bytes((_checked_qos(qos),))
    return _packet(SUBSCRIBE << 4 | 2, body)


def encode_puback(packet_id: int) -> bytes:
    """PUBACK."""
    return b"\x40\x02" + _number(packet_id)


class PublishFrame:
    """Buffer for PUBLISH packets, made once and used again; `topic` is the first of its topics.

    The payload has a fixed place behind room for the largest header, and the header is written
    right in front of it. So a packet is one piece of memory and leaves in one write: a header
    written on its own makes the payload wait for the peer's delayed acknowledgement (Nagle).
    """

    def __init__(
        self,
        topic: str,
        capacity: int,
        qos: int = 1,
        retain: bool = False,
        more: tuple[str, ...] = (),
    ) -> None:
        """`more` topics share the buffer: `address` chooses one of all by its index."""
        self._topics = (topic,) + more
        self.qos = _checked_qos(qos)
        self._first = PUBLISH << 4 | self.qos << 1 | (1 if retain else 0)
        longest = max([len(_topic_name(each)) for each in self._topics])
        self._head = 5 + longest + 2 * self.qos
        length_size(self._head + capacity)  # raises when no packet can be that large
        self._buffer = bytearray(self._head + capacity)
        self._view = memoryview(self._buffer)
        self.payload = self._view[self._head :]
        self._tail = 0  # header bytes that follow the remaining length
        self.send_to(topic)

    def address(self, index: int) -> None:
        """Send to this topic from now on: 0 = the first one, 1.. = those of `more`."""
        self.send_to(self._topics[index])

    def send_to(self, topic: str) -> None:
        """Another topic from now on, no longer than the longest that the frame was made for."""
        name = _topic_name(topic)
        if len(name) + 2 * self.qos + 5 > self._head:
            raise ValueError("topic %r is too long for its frame" % topic)
        self._tail = len(name) + 2 * self.qos
        begin = self._head - self._tail
        self._buffer[begin : begin + len(name)] = name

    def put(self, payload: bytes) -> int:
        """Copy `payload` into its place; return its length."""
        self.payload[: len(payload)] = payload
        return len(payload)

    def seal(self, length: int, packet_id: int = 0) -> memoryview:
        """The packet around the first `length` payload bytes; valid until the next change.

        The DUP flag stays clear: every connection is a clean session, in which the broker knows
        nothing of earlier attempts, so each send is a first one for it (chapter 3.3.1.1).
        """
        if not 0 <= length <= len(self.payload):
            raise ValueError("payload of %d bytes" % length)
        if self.qos:
            _number(packet_id)  # range check
            self._buffer[self._head - 2] = packet_id >> 8
            self._buffer[self._head - 1] = packet_id & 255
        remaining = self._tail + length
        start = self._head - self._tail - 1 - length_size(remaining)
        self._buffer[start] = self._first
        put_length(self._buffer, start + 1, remaining)
        return self._view[start : self._head + length]


def _topic_name(topic: str) -> bytes:
    name = _text(topic)
    if len(name) == 2 or "+" in topic or "#" in topic:
        raise ValueError("cannot publish to topic %r" % topic)
    return name


def _packet(first: int, body: bytes) -> bytes:
    head = bytearray(1 + length_size(len(body)))
    head[0] = first
    put_length(head, 1, len(body))
    return bytes(head) + body


def _text(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("text with a null character")  # MQTT-1.5.3-2
    return _counted(text.encode())


def _counted(data: bytes) -> bytes:
    if len(data) > _MAX_TEXT:
        raise ValueError("field of %d bytes" % len(data))
    return bytes((len(data) >> 8, len(data) & 255)) + data


def _number(packet_id: int) -> bytes:
    if not 1 <= packet_id <= 65535:
        raise ValueError("packet id %d" % packet_id)  # MQTT-2.3.1-1
    return bytes((packet_id >> 8, packet_id & 255))


def _checked_qos(qos: int) -> int:
    if qos not in (0, 1):
        raise ValueError("QoS %d" % qos)
    return qos
