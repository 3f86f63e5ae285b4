"""Incoming MQTT 3.1.1 bytes to packets: no I/O, one buffer, everything from the wire checked."""

from __future__ import annotations

from gateway.uplink.mqtt_packet import (
    CONNACK,
    PINGRESP,
    PUBACK,
    PUBLISH,
    REFUSALS,
    SUBACK,
    MqttError,
)

# What a broker may send us: type -> (name, fewest and most bytes after the fixed header;
# -1 = limited by the buffer only). The rest answers what we never ask (QoS 2, UNSUBSCRIBE) or is
# a client's business.
_SHAPES = {
    CONNACK: ("CONNACK", 2, 2),
    PUBLISH: ("PUBLISH", 3, -1),
    PUBACK: ("PUBACK", 2, 2),
    SUBACK: ("SUBACK", 3, -1),
    PINGRESP: ("PINGRESP", 0, 0),
}
_FAILED = 0x80  # SUBACK code of a refused subscription


class PacketParser:
    """Takes bytes as they come and hands out one checked packet at a time.

    `limit` bounds a whole incoming packet and is the size of the only buffer. A PUBLISH beyond it
    comes with an empty payload: somebody may have left one on our topic for good, and the link
    must outlive it. After MqttError the stream cannot be trusted any more: `reset` belongs to a
    new connection.
    """

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray(limit)
        self._view = memoryview(self._buffer)
        self._body = {
            CONNACK: self._connack,
            PUBLISH: self._publish,
            PUBACK: self._puback,
            SUBACK: self._suback,
        }
        self.reset()

    def reset(self) -> None:
        """Forget all bytes and fields."""
        self._start = 0  # first byte not yet handed out
        self._end = 0  # after the last byte received
        self._skip = 0  # bytes that are to come and that nobody wants
        # Fields of the packet `next` returned; each type sets its own only.
        self.packet_id = 0  # PUBLISH of QoS 1, PUBACK, SUBACK
        self.session_present = False  # CONNACK
        self.code = 0  # CONNACK: index into REFUSALS
        self.granted = b""  # SUBACK: QoS per filter, 0x80 = refused
        self.topic = ""  # PUBLISH
        self.payload = self._view[:0]  # PUBLISH; valid until the next `room`
        self.qos = 0  # PUBLISH
        self.retain = False  # PUBLISH

    def room(self) -> int:
        """Bytes that `feed` takes now: at least 1 while `next` returns 0."""
        if self._start:
            count = self._end - self._start
            self._view[:count] = bytes(self._view[self._start : self._end])
            self._start = 0
            self._end = count
        return len(self._buffer) - self._end

    def feed(self, data: bytes) -> None:
        """Append `data` from the wire, at most `room` bytes."""
        if self._skip:
            unwanted = min(self._skip, len(data))
            self._skip -= unwanted
            data = data[unwanted:]
        end = self._end + len(data)
        if end > len(self._buffer):
            raise ValueError("fed more than there is room for")
        self._view[self._end : end] = data
        self._end = end

    def partial(self) -> bool:
        """True when a packet has begun and is not complete."""
        return self._end > self._start or self._skip > 0

    def next(self) -> int:
        """Type of the next complete packet, its fields set; 0 = more bytes needed.

        Raises MqttError as soon as the bytes cannot become a packet we accept.
        """
        if self._start == self._end:
            return 0
        first = self._buffer[self._start]
        kind = first >> 4
        if kind not in _SHAPES:
            raise MqttError("unexpected packet type %d" % kind)
        if kind != PUBLISH and first & 15:
            raise MqttError("%s with flags %d" % (_SHAPES[kind][0], first & 15))
        head, length = self._length(_SHAPES[kind])
        if kind == PUBLISH and head + length > len(self._buffer):
            return self._cut_short(first & 15, head, length)
        if head == 0 or self._end - self._start < head + length:
            return 0
        begin = self._start + head
        self._start = begin + length
        if kind in self._body:
            self._body[kind](first & 15, begin, begin + length)
        return kind

    def _cut_short(self, flags: int, head: int, length: int) -> int:
        """Take the header of a PUBLISH that is too large, and skip the rest."""
        begin = self._start + head
        if begin + 2 > self._end:
            return 0
        fields = 2 + self._number(begin) + (2 if flags & 6 else 0)
        if fields > length or head + fields > len(self._buffer):
            raise MqttError("PUBLISH of %d bytes with a topic that is too large" % length)
        if begin + fields > self._end:
            return 0
        self._publish(flags, begin, begin + fields)
        self._skip = head + length - (self._end - self._start)
        self._start = self._end = 0
        return PUBLISH

    def _length(self, shape: tuple[str, int, int]) -> tuple[int, int]:
        """(bytes of the fixed header, bytes after it); (0, 0) = more bytes needed."""
        name, fewest, most = shape
        length = 0
        for index in range(1, 5):
            if self._start + index >= self._end:
                return 0, 0
            byte = self._buffer[self._start + index]
            length |= (byte & 127) << 7 * (index - 1)
            if byte < 128:
                if length < fewest or length > most >= 0:
                    raise MqttError("%s of %d bytes" % (name, length))
                if shape is not _SHAPES[PUBLISH] and 1 + index + length > len(self._buffer):
                    raise MqttError("%s of %d bytes is too large" % (name, length))
                return 1 + index, length
        raise MqttError("length of more than four bytes")

    def _number(self, offset: int) -> int:
        return self._buffer[offset] << 8 | self._buffer[offset + 1]

    def _packet_id(self, offset: int) -> int:
        packet_id = self._number(offset)
        if packet_id == 0:
            raise MqttError("packet id 0")
        return packet_id

    def _connack(self, flags: int, begin: int, end: int) -> None:
        acknowledge, code = self._buffer[begin], self._buffer[begin + 1]
        if acknowledge > 1 or code >= len(REFUSALS) or (acknowledge and code):
            raise MqttError("CONNACK %d, %d" % (acknowledge, code))
        self.session_present = acknowledge == 1
        self.code = code

    def _puback(self, flags: int, begin: int, end: int) -> None:
        self.packet_id = self._packet_id(begin)

    def _suback(self, flags: int, begin: int, end: int) -> None:
        self.packet_id = self._packet_id(begin)
        self.granted = bytes(self._view[begin + 2 : end])
        for code in self.granted:
            if code > 1 and code != _FAILED:  # we never ask for QoS 2
                raise MqttError("SUBACK code %d" % code)

    def _publish(self, flags: int, begin: int, end: int) -> None:
        self.qos = flags >> 1 & 3
        self.retain = flags & 1 == 1
        if self.qos > 1 or (self.qos == 0 and flags & 8):
            raise MqttError("PUBLISH with flags %d" % flags)
        offset = begin + 2 + self._number(begin)
        rest = offset + 2 * self.qos
        if rest > end:
            raise MqttError("PUBLISH shorter than its header")
        self.topic = self._name(begin + 2, offset)
        if self.qos:
            self.packet_id = self._packet_id(offset)
        self.payload = self._view[rest:end]

    def _name(self, begin: int, end: int) -> str:
        try:
            name = str(self._view[begin:end], "utf-8")
        except UnicodeError:
            name = ""
        if not name or "\0" in name or "+" in name or "#" in name:
            raise MqttError("PUBLISH with a bad topic")
        return name
