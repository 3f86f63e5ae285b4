"""Packets against bytes taken from the MQTT 3.1.1 standard, and the parser against noise."""

from __future__ import annotations

import unittest

from gateway.uplink import mqtt_packet
from gateway.uplink.mqtt_packet import MqttError, PublishFrame
from gateway.uplink.mqtt_parser import PacketParser

# Table 2.4 of the standard: the smallest and largest value of each size.
LENGTHS = (
    (0, b"\x00"),
    (127, b"\x7f"),
    (128, b"\x80\x01"),
    (16383, b"\xff\x7f"),
    (16384, b"\x80\x80\x01"),
    (2097151, b"\xff\xff\x7f"),
    (2097152, b"\x80\x80\x80\x01"),
    (268435455, b"\xff\xff\xff\x7f"),
)
BROKEN = (
    ("reserved type 0", b"\x00\x00"),
    ("CONNECT", b"\x10\x00"),
    ("PUBREC", b"\x50\x02\x00\x01"),
    ("UNSUBACK", b"\xb0\x02\x00\x01"),
    ("DISCONNECT", b"\xe0\x00"),
    ("CONNACK with flags", b"\x21\x02\x00\x00"),
    ("CONNACK of 3 bytes", b"\x20\x03\x00\x00\x00"),
    ("CONNACK code 6", b"\x20\x02\x00\x06"),
    ("CONNACK acknowledge flags", b"\x20\x02\x02\x00"),
    ("CONNACK refused with a session", b"\x20\x02\x01\x05"),
    ("PUBACK id 0", b"\x40\x02\x00\x00"),
    ("PUBACK of 1 byte", b"\x40\x01\x01"),
    ("SUBACK without codes", b"\x90\x02\x00\x01"),
    ("SUBACK with QoS 2", b"\x90\x03\x00\x01\x02"),
    ("SUBACK with code 3", b"\x90\x03\x00\x01\x03"),
    ("PINGRESP with a body", b"\xd0\x01\x00"),
    ("PINGRESP with flags", b"\xd2\x00"),
    ("PUBLISH of QoS 3", b"\x36\x05\x00\x01a\x00\x01"),
    ("PUBLISH of QoS 2", b"\x34\x05\x00\x01a\x00\x01"),
    ("PUBLISH of QoS 0 with DUP", b"\x38\x03\x00\x01a"),
    ("PUBLISH with id 0", b"\x32\x05\x00\x01a\x00\x00"),
    ("PUBLISH without room for its id", b"\x32\x04\x00\x01a\x00"),
    ("PUBLISH with a topic beyond its end", b"\x30\x04\x00\x03ab"),
    ("PUBLISH without a topic", b"\x30\x03\x00\x00a"),
    ("PUBLISH to a wildcard", b"\x30\x03\x00\x01#"),
    ("PUBLISH with a null in the topic", b"\x30\x03\x00\x01\x00"),
    ("PUBLISH with a topic that is not UTF-8", b"\x30\x03\x00\x01\xff"),
    ("length of five bytes", b"\x30\x80\x80\x80\x80\x01"),
    ("longer than the limit", b"\x90\xff\x01"),
)


def parse(data: bytes, limit: int = 256) -> PacketParser:
    """A parser that has taken one packet from `data`."""
    parser = PacketParser(limit)
    parser.feed(data)
    parser.next()
    return parser


class TestEncoders(unittest.TestCase):
    def test_length(self) -> None:
        for length, expected in LENGTHS:
            with self.subTest(length=length):
                buffer = bytearray(6)
                end = mqtt_packet.put_length(buffer, 1, length)
                self.assertEqual(bytes(buffer[1:end]), expected)
                self.assertEqual(mqtt_packet.length_size(length), len(expected))

    def test_length_out_of_range(self) -> None:
        for length in (-1, 268435456):
            with self.assertRaises(ValueError):
                mqtt_packet.length_size(length)

    def test_connect_plain(self) -> None:
        expected = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x0f\x00\x02gw"
        self.assertEqual(mqtt_packet.encode_connect("gw", 15), expected)

    def test_connect_without_clean_session(self) -> None:
        self.assertEqual(mqtt_packet.encode_connect("gw", 15, clean_session=False)[9], 0)

    def test_connect_with_everything(self) -> None:
        packet = mqtt_packet.encode_connect("g", 300, "me", "pw", ("t", b"\x00\xff", 1, True))
        body = (
            b"\x00\x04MQTT\x04\xee\x01\x2c\x00\x01g\x00\x01t\x00\x02\x00\xff\x00\x02me\x00\x02pw"
        )
        self.assertEqual(packet, bytes((0x10, len(body))) + body)

    def test_connect_refuses_nonsense(self) -> None:
        with self.assertRaises(ValueError):
            mqtt_packet.encode_connect("gw", 15, password="pw")
        with self.assertRaises(ValueError):
            mqtt_packet.encode_connect("gw", 65536)
        with self.assertRaises(ValueError):
            mqtt_packet.encode_connect("a\0b", 15)
        with self.assertRaises(ValueError):
            mqtt_packet.encode_connect("gw", 15, will=("t", b"", 2, False))

    def test_subscribe(self) -> None:
        packet = mqtt_packet.encode_subscribe(10, (("a/+", 1), ("b", 0)))
        self.assertEqual(packet, b"\x82\x0c\x00\x0a\x00\x03a/+\x01\x00\x01b\x00")

    def test_puback(self) -> None:
        self.assertEqual(mqtt_packet.encode_puback(65535), b"\x40\x02\xff\xff")
        for packet_id in (0, 65536):
            with self.assertRaises(ValueError):
                mqtt_packet.encode_puback(packet_id)

    def test_publish_is_one_piece_of_memory(self) -> None:
        frame = PublishFrame("a/b", 300)
        packet = frame.seal(frame.put(b"xyz"), 258)
        self.assertEqual(bytes(packet), b"\x32\x0a\x00\x03a/b\x01\x02xyz")

    def test_publish_of_every_header_size(self) -> None:
        frame = PublishFrame("t", 20000)
        for length in (0, 121, 122, 123, 16377, 16378, 16379, 20000):
            with self.subTest(length=length):
                packet = bytes(frame.seal(length, 7))
                size = mqtt_packet.length_size(length + 5)
                self.assertEqual(len(packet), 1 + size + 5 + length)
                self.assertEqual(packet[0], 0x32)
                self.assertEqual(packet[1 + size : 6 + size], b"\x00\x01t\x00\x07")

    def test_a_frame_takes_other_topics_up_to_the_longest_it_was_made_for(self) -> None:
        frame = PublishFrame("a/long", 4)
        for topic in ("b", "a/long", "c/four"):
            frame.send_to(topic)
            name = topic.encode()
            head = bytes((0x32, 5 + len(name), 0, len(name)))
            self.assertEqual(bytes(frame.seal(frame.put(b"x"), 258)), head + name + b"\x01\x02x")
        for topic in ("a/longer", "a/#", ""):
            with self.assertRaises(ValueError):
                frame.send_to(topic)

    def test_publish_flags(self) -> None:
        frame = PublishFrame("t", 4, qos=0, retain=True)
        self.assertEqual(bytes(frame.seal(frame.put(b"x"))), b"\x31\x04\x00\x01tx")
        frame = PublishFrame("t", 4, qos=1, retain=True)
        self.assertEqual(frame.seal(0, 1)[0], 0x33)

    def test_publish_refuses_nonsense(self) -> None:
        for topic in ("", "a/#", "+/b", "a\0"):
            with self.assertRaises(ValueError):
                PublishFrame(topic, 4)
        frame = PublishFrame("t", 4)
        for length, packet_id in ((5, 1), (-1, 1), (1, 0), (1, 65536)):
            with self.assertRaises(ValueError):
                frame.seal(length, packet_id)


class TestParser(unittest.TestCase):
    def test_connack(self) -> None:
        parser = parse(b"\x20\x02\x01\x00")
        self.assertTrue(parser.session_present)
        self.assertEqual(parser.code, 0)
        self.assertEqual(parse(b"\x20\x02\x00\x05").code, 5)

    def test_puback(self) -> None:
        self.assertEqual(parse(b"\x40\x02\xff\xfe").packet_id, 65534)

    def test_suback(self) -> None:
        parser = parse(b"\x90\x05\x00\x0a\x01\x80\x00")
        self.assertEqual((parser.packet_id, parser.granted), (10, b"\x01\x80\x00"))

    def test_publish(self) -> None:
        parser = parse(b"\x3b\x09\x00\x03a/b\x01\x02xy")
        self.assertEqual((parser.topic, parser.packet_id), ("a/b", 258))
        self.assertEqual((parser.qos, parser.retain), (1, True))
        self.assertEqual(bytes(parser.payload), b"xy")

    def test_empty_publish_of_qos_0(self) -> None:
        parser = parse(b"\x30\x03\x00\x01a")
        self.assertEqual((parser.topic, parser.qos, bytes(parser.payload)), ("a", 0, b""))

    def test_broken(self) -> None:
        for name, data in BROKEN:
            with self.subTest(name=name), self.assertRaises(MqttError):
                parse(data)

    def test_refuses_before_the_body_has_come(self) -> None:
        with self.assertRaises(MqttError):
            parse(b"\x20\x03")
        with self.assertRaises(MqttError):
            parse(b"\x10")

    def test_packet_as_large_as_the_limit(self) -> None:
        frame = PublishFrame("t", 600)
        for length in range(240, 260):
            packet = bytes(frame.seal(length, 1))
            with self.subTest(length=length):
                if len(packet) <= 256:
                    self.assertEqual(len(parse(packet).payload), length)
                else:
                    self.assertEqual(len(parse(packet[:256]).payload), 0)

    def test_never_takes_more_than_its_room(self) -> None:
        parser = PacketParser(16)
        with self.assertRaises(ValueError):
            parser.feed(bytes(17))

    def test_byte_by_byte_through_a_small_buffer(self) -> None:
        stream = b"\x20\x02\x00\x00" + b"\x32\x0a\x00\x03a/b\x01\x02xyz" * 5 + b"\xd0\x00"
        parser = PacketParser(16)
        kinds = []
        for index in range(len(stream)):
            self.assertGreater(parser.room(), 0)
            parser.feed(stream[index : index + 1])
            kind = parser.next()
            if kind:
                kinds.append(kind)
                self.assertFalse(parser.partial())
        self.assertEqual(kinds, [2] + [3] * 5 + [13])

    def test_reset_forgets(self) -> None:
        parser = PacketParser(16)
        parser.feed(b"\x32\x0a\x00")
        self.assertEqual(parser.next(), 0)
        self.assertTrue(parser.partial())
        parser.reset()
        self.assertFalse(parser.partial())
        parser.feed(b"\xd0\x00")
        self.assertEqual(parser.next(), mqtt_packet.PINGRESP)


class Random:
    """A small generator that gives the same numbers on every interpreter."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, bound: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % bound

    def bytes(self, count: int) -> bytes:
        return bytes([self.below(256) for _ in range(count)])


GOOD = (
    b"\x20\x02\x00\x00",
    b"\x40\x02\x12\x34",
    b"\x90\x04\x00\x0a\x01\x80",
    b"\xd0\x00",
    b"\x30\x05\x00\x01axy",
    b"\x33\x09\x00\x03a/b\x01\x02xy",
    b"\x32\x85\x01\x00\x03a/b\x01\x02" + bytes(126),
)


def take_all(data: bytes, random: Random) -> tuple[list[tuple[object, ...]], bool]:
    """What a parser makes of `data` fed in pieces: the packets, and whether it broke off."""
    parser = PacketParser(160)
    found: list[tuple[object, ...]] = []
    offset = 0
    while True:
        try:
            kind = parser.next()
        except MqttError:
            return found, True
        if kind == mqtt_packet.PUBLISH:
            found.append((kind, parser.topic, parser.qos, parser.retain, bytes(parser.payload)))
        elif kind:
            found.append((kind, parser.packet_id, parser.code, parser.granted))
        elif offset == len(data):
            return found, False
        else:
            room = parser.room()
            if room < 1:
                raise AssertionError("no room while a packet is not complete")
            piece = data[offset : offset + 1 + random.below(room)]
            parser.feed(piece)
            offset += len(piece)


class TestNoise(unittest.TestCase):
    """Any bytes give packets, "more bytes needed" or MqttError, and nothing else."""

    def test_noise(self) -> None:
        random = Random(1)
        broken = 0
        for _ in range(1500):
            broken += take_all(random.bytes(random.below(60)), random)[1]
        self.assertGreater(broken, 1000)

    def test_damaged_streams(self) -> None:
        random = Random(2)
        broken = whole = 0
        for _ in range(1500):
            data = bytearray(b"".join([GOOD[random.below(len(GOOD))] for _ in range(4)]))
            for _ in range(random.below(3)):
                data[random.below(len(data))] = random.below(256)
            outcome = take_all(bytes(data), random)[1]
            broken += outcome
            whole += not outcome
        self.assertGreater(broken, 300)
        self.assertGreater(whole, 300)

    def test_pieces_do_not_matter(self) -> None:
        random = Random(3)
        for _ in range(300):
            data = b"".join([GOOD[random.below(len(GOOD))] for _ in range(5)])
            first, broken = take_all(data, random)
            self.assertFalse(broken)
            self.assertEqual(len(first), 5)
            self.assertEqual(take_all(data, random)[0], first)

    def test_cut_streams_wait_for_more(self) -> None:
        random = Random(4)
        for packet in GOOD:
            for length in range(len(packet)):
                self.assertEqual(take_all(packet[:length], random), ([], False))


if __name__ == "__main__":
    unittest.main()
