"""A message too large to be taken costs itself and not the connection.

Retained on a topic that the gateway subscribes to it would otherwise end every session for ever.
"""

import unittest

from client_bench import Bench
from scripted_broker import PINGREQ, PUBACK, SUBSCRIBE, accept_all, run, until

from gateway.uplink.mqtt_packet import PINGRESP, PUBLISH, MqttError, put_length
from gateway.uplink.mqtt_parser import PacketParser

PINGRESP_PACKET = b"\xd0\x00"
TOPIC = b"a/command"


def publish(payload, qos=1, packet_id=7, topic=TOPIC):
    body = bytes((len(topic) >> 8, len(topic) & 255)) + topic
    if qos:
        body += bytes((packet_id >> 8, packet_id & 255))
    body += payload
    head = bytearray(5)
    end = put_length(head, 1, len(body))
    head[0] = PUBLISH << 4 | qos << 1
    return bytes(head[:end]) + body


def read_all(parser, data, piece):
    """(kind, packet id, payload) of every packet, with at most `piece` bytes at a time."""
    found = []
    at = 0
    while True:
        kind = parser.next()
        if kind:
            found.append((kind, parser.packet_id, bytes(parser.payload)))
            continue
        if at == len(data):
            return found
        count = min(piece, parser.room(), len(data) - at)
        parser.feed(data[at : at + count])
        at += count


class ParserTest(unittest.TestCase):
    def test_it_is_told_without_its_payload_and_the_stream_goes_on(self):
        small = publish(b"small", packet_id=9)
        for size in (60, 64, 100, 129, 5000, 20000):
            for qos in (0, 1):
                for piece in (1, 7, 64):
                    parser = PacketParser(64)
                    data = publish(b"x" * size, qos) + small + PINGRESP_PACKET
                    found = read_all(parser, data, piece)
                    self.assertEqual([each[0] for each in found], [PUBLISH, PUBLISH, PINGRESP])
                    self.assertEqual(found[0][1:], (7 if qos else 0, b""))
                    self.assertEqual(found[1][1:], (9, b"small"))
                    self.assertFalse(parser.partial())

    def test_what_just_fits_is_whole(self):
        frame = publish(b"y" * (64 - 2 - 2 - len(TOPIC) - 2))
        self.assertEqual(len(frame), 64)
        found = read_all(PacketParser(64), frame, 64)
        self.assertEqual(len(found[0][2]), 49)
        found = read_all(PacketParser(63), frame, 64)
        self.assertEqual(found, [(PUBLISH, 7, b"")])

    def test_it_is_partial_until_its_last_byte(self):
        parser = PacketParser(64)
        data = publish(b"x" * 500)
        read_all(parser, data[:-1], 64)
        self.assertTrue(parser.partial())
        parser.feed(data[-1:])
        self.assertFalse(parser.partial())
        parser.feed(data[:-1][:64])
        parser.next()
        parser.reset()  # a new connection begins with a new packet
        self.assertEqual(read_all(parser, PINGRESP_PACKET, 2)[0][0], PINGRESP)

    def test_a_topic_that_is_too_large_itself_ends_the_stream(self):
        for topic in (b"t" * 60, b"t" * 3000):
            with self.assertRaises(MqttError):
                read_all(PacketParser(64), publish(b"x" * 100, topic=topic), 64)

    def test_its_header_is_checked_as_any_other(self):
        for frame in (
            publish(b"x" * 100, packet_id=0),
            publish(b"x" * 100, topic=b"a/#"),
            b"\x34" + publish(b"x" * 100)[1:],
        ):
            with self.assertRaises(MqttError):
                read_all(PacketParser(64), frame, 64)


class ClientTest(unittest.TestCase):
    def test_the_session_outlives_it_and_it_is_acknowledged(self):
        async def answer(broker, packet):
            await accept_all(broker, packet)
            if packet.kind == SUBSCRIBE:
                await broker.send(publish(b"x" * 9000))
                await broker.send(publish(b"good", packet_id=8))

        async def main():
            taken = []
            async with Bench(answer) as bench:
                bench.client.subscribe(
                    (("a/command", 1),), lambda topic, payload, retain: taken.append(payload)
                )
                bench.start()
                await until(lambda: len(bench.broker.of_kind(PUBACK)) == 2, "both acknowledged")
                await until(lambda: bench.broker.of_kind(PINGREQ), "a ping")
                self.assertEqual(bench.client.reconnects, 0)
                self.assertEqual(taken, [b"", b"good"])

        run(main())


if __name__ == "__main__":
    unittest.main()
