"""Every way in which a link can fail ends with a reason, is counted, and is mended."""

from __future__ import annotations

import asyncio
import unittest

from client_bench import Bench
from scripted_broker import (
    ACCEPTED,
    CONNECT,
    PINGREQ,
    PUBLISH,
    SUBSCRIBE,
    accept_all,
    connect,
    run,
    until,
)

from gateway.uplink.mqtt_client import UP
from gateway.uplink.mqtt_packet import PublishFrame


class TestFaults(unittest.TestCase):
    def lost(self, answer, reason, counter="", messages=4, **settings):
        """The link ends with `reason`, that is counted, and a second connection is made."""

        async def main():
            async with Bench(answer, **settings) as bench:
                frame = PublishFrame("t", 40)

                async def service():
                    for _ in range(messages):
                        await bench.client.publish(frame, 40)

                bench.client.add_service(service)
                bench.start()
                await until(lambda: bench.logged("link lost: " + reason), bench.log.lines)
                counts = {
                    "": 0,
                    "protocol_errors": bench.client.protocol_errors,
                    "timeouts": bench.client.timeouts,
                }
                self.assertEqual(counts.pop(counter) > 0, counter != "", bench.log.lines)
                self.assertEqual(sum(counts.values()), 0, bench.log.lines)
                await until(lambda: bench.broker.connections >= 2)
                await until(lambda: bench.broker.open <= 1)

        run(main())

    def reply(self, data):
        """A broker that answers CONNECT with `data`."""

        async def answer(broker, packet):
            if packet.kind == CONNECT:
                await broker.send(data)

        return answer

    def test_no_connack(self):
        self.lost(self.reply(b""), "no CONNACK within 2000 ms", "timeouts", reply_timeout_ms=2000)

    def test_half_a_packet(self):
        self.lost(
            self.reply(ACCEPTED + b"\x30\x09\x00"),
            "no rest of a packet within 1000 ms",
            "timeouts",
            messages=0,
            reply_timeout_ms=1000,
        )

    def test_no_pingresp(self):
        async def answer(broker, packet):
            if packet.kind != PINGREQ:
                await accept_all(broker, packet)

        self.lost(
            answer, "no PINGRESP within 1000 ms", "timeouts", reply_timeout_ms=1000, keep_alive_s=4
        )

    def test_pings_answered_but_no_puback(self):
        async def answer(broker, packet):
            if packet.kind != PUBLISH:
                await accept_all(broker, packet)

        self.lost(
            answer, "no PUBACK within 2000 ms", "timeouts", reply_timeout_ms=2000, keep_alive_s=2
        )

    def test_no_suback(self):
        async def answer(broker, packet):
            if packet.kind != SUBSCRIBE:
                await accept_all(broker, packet)

        async def main():
            async with Bench(answer, reply_timeout_ms=1000) as bench:
                bench.client.subscribe((("cmd", 1),), lambda *message: None)
                bench.start()
                await until(lambda: bench.logged("no SUBACK within 1000 ms"))

        run(main())

    def test_socket_that_takes_nothing(self):
        release = []
        writers = []

        async def answer(broker, packet):
            await broker.send(ACCEPTED)
            while not release:  # reads nothing from now on
                await asyncio.sleep(0.01)

        async def connect_and_note(host, port):
            reader, writer = await connect(host, port)
            writers.append(writer)
            return reader, writer

        async def main():
            async with Bench(answer, connect_and_note, reply_timeout_ms=2000) as bench:
                frame = PublishFrame("t", 30000, qos=0)

                async def service():
                    while True:
                        await bench.client.publish(frame, 30000)

                bench.client.add_service(service)
                bench.start()
                try:
                    await until(lambda: bench.logged("no room to write within 2000 ms"))
                    if hasattr(writers[0], "transport"):  # CPython: closed, not just closing
                        self.assertEqual(writers[0].get_extra_info("socket").fileno(), -1)
                finally:
                    release.append(True)

        run(main())

    def test_nothing_of_a_lost_session_is_left_in_the_next(self):
        async def answer(broker, packet):
            if packet.connection > 1:
                await accept_all(broker, packet)
            elif packet.kind == CONNECT:
                await broker.send(ACCEPTED + b"\x32\x09\x00\x03a")  # half a message
            elif packet.kind == PUBLISH:
                broker.cut()  # and no PUBACK

        async def main():
            async with Bench(answer, reply_timeout_ms=1000) as bench:
                client = bench.client
                frame = PublishFrame("t", 4)

                async def service():
                    if client.sessions == 1:
                        await client.publish(frame, 0)

                client.add_service(service)
                bench.start()
                await until(lambda: client.sessions == 2, bench.log.lines)
                await asyncio.sleep(0.3)  # three times the deadline
                self.assertEqual((client.state, client.sessions), (UP, 2))
                self.assertEqual((client.timeouts, client.protocol_errors), (0, 0))
                self.assertEqual(len(client.window), 0)

        run(main())

    def test_closed_by_the_broker(self):
        async def answer(broker, packet):
            await broker.send(ACCEPTED)
            broker.cut()

        self.lost(answer, "")

    def test_puback_out_of_order(self):
        async def answer(broker, packet):
            if packet.kind == CONNECT:
                await broker.send(ACCEPTED)
            elif packet.packet_id % 2 == 0:
                await broker.ack(packet)

        reason = "PUBACK 2 is not for the oldest message in flight"
        self.lost(answer, reason, "protocol_errors")

    def test_puback_for_nothing(self):
        self.lost(self.reply(b"\x20\x02\x00\x00\x40\x02\x00\x09"), "PUBACK 9", "protocol_errors")

    def test_puback_before_connack(self):
        self.lost(self.reply(b"\x40\x02\x00\x01"), "packet type 4 out", "protocol_errors")

    def test_second_connack(self):
        self.lost(self.reply(ACCEPTED + ACCEPTED), "packet type 2 out", "protocol_errors")

    def test_suback_for_nothing(self):
        self.lost(self.reply(ACCEPTED + b"\x90\x03\x00\x01\x01"), "SUBACK 1", "protocol_errors")

    def test_packet_that_is_too_large(self):
        self.lost(
            self.reply(ACCEPTED + b"\x90\xff\x7f"), "SUBACK of 16383 bytes", "protocol_errors"
        )

    def test_not_mqtt(self):
        self.lost(self.reply(b"HTTP/1.1 400 Bad"), "PUBACK with flags 8", "protocol_errors")

    def test_nobody_listens(self):
        async def main():
            async with Bench() as bench:
                await bench.broker.stop()
                bench.start()
                refused = "link lost: ECONNREFUSED"
                await until(lambda: bench.logged(refused), bench.log.lines)
                self.assertNotEqual(bench.client.state, UP)
                await bench.broker.start(bench.broker.port)
                await until(lambda: bench.client.state == UP, bench.log.lines)

        run(main())

    def test_connect_that_never_ends(self):
        cancelled = []

        async def never(host, port):
            try:
                while True:
                    await asyncio.sleep(1)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async def main():
            async with Bench(connect=never, connect_timeout_ms=1000) as bench:
                bench.start()
                await until(lambda: bench.logged("no connection within 1000 ms"))
                self.assertEqual(cancelled, [True])

        run(main())

    def test_refusals_are_named(self):
        reasons = (
            (1, "unacceptable protocol version"),
            (2, "identifier rejected"),
            (3, "server unavailable"),
            (4, "bad user name or password"),
            (5, "not authorised"),
        )
        for code, reason in reasons:
            with self.subTest(code=code):
                # Refused credentials wait longer; nobody wants that in this test.
                self.lost(
                    self.reply(bytes((0x20, 2, 0, code))),
                    "refused by the broker: " + reason,
                    reconnect_cap_ms=200,
                )


if __name__ == "__main__":
    unittest.main()
