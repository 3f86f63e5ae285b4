"""The client's sessions on real sockets against a broker that behaves as each test says."""

from __future__ import annotations

import asyncio
import unittest

from client_bench import Bench
from scripted_broker import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    accept_all,
    run,
    until,
)

from gateway.uplink.mqtt_client import DOWN, UP
from gateway.uplink.mqtt_packet import PublishFrame


class TestSession(unittest.TestCase):
    def test_connect_publish_disconnect(self):
        async def main():
            async with Bench(user="me", password="pw") as bench:
                client, acked = bench.client, []
                frame = PublishFrame("t", 16)

                async def service():
                    await client.publish(frame, frame.put(b"one"), acked.append, "first")
                    await client.publish(frame, frame.put(b"two"), acked.append, "second")
                    while len(acked) < 2:
                        await asyncio.sleep(0.01)
                    await client.disconnect()

                client.set_will("w", b"gone")
                client.add_service(service)
                bench.start()
                await bench.task
                self.assertEqual(acked, ["first", "second"])
                packets = bench.broker.packets
                self.assertEqual(
                    [p.kind for p in packets], [CONNECT, PUBLISH, PUBLISH, DISCONNECT]
                )
                body = b"\x00\x04MQTT\x04\xee\x00\x14\x00\x06gw-001"
                body += b"\x00\x01w\x00\x04gone\x00\x02me\x00\x02pw"
                self.assertEqual(packets[0].body, body)
                self.assertEqual([p.payload for p in packets[1:3]], [b"one", b"two"])
                self.assertEqual([p.packet_id for p in packets[1:3]], [1, 2])
                self.assertEqual(client.state, DOWN)
                self.assertEqual(client.reconnects, 0)
                await until(lambda: bench.broker.open == 0)

        run(main())

    def test_session_present_is_no_error(self):
        async def answer(broker, packet):
            await broker.send(b"\x20\x02\x01\x00" if packet.kind == CONNECT else b"\xd0\x00")

        async def main():
            async with Bench(answer) as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                self.assertEqual(bench.client.protocol_errors, 0)

        run(main())

    def test_pings_an_idle_link_and_keeps_it(self):
        async def main():
            async with Bench(keep_alive_s=4) as bench:
                bench.start()
                await until(lambda: len(bench.broker.of_kind(PINGREQ)) >= 5)
                self.assertEqual(bench.broker.connections, 1)
                self.assertEqual(bench.client.timeouts, 0)

        run(main())

    def test_commands_come_in_and_are_acknowledged(self):
        async def answer(broker, packet):
            await accept_all(broker, packet)
            if packet.kind == SUBSCRIBE:
                await broker.send(b"\x32\x0c\x00\x05cmd/a\x01\x02now\x30\x06\x00\x01bxyz")

        async def main():
            async with Bench(answer) as bench:
                got = []
                bench.client.subscribe(
                    (("cmd/+", 1),),
                    lambda topic, payload, retained: got.append((topic, payload, retained)),
                )
                bench.start()
                await until(lambda: bench.broker.of_kind(PUBACK) and len(got) == 2)
                self.assertEqual(got, [("cmd/a", b"now", False), ("b", b"xyz", False)])
                self.assertEqual(bench.broker.of_kind(SUBSCRIBE)[0].body[2:], b"\x00\x05cmd/+\x01")
                self.assertEqual(bench.broker.of_kind(PUBACK)[0].packet_id, 258)

        run(main())

    def test_refused_subscription_is_named_in_the_log(self):
        async def answer(broker, packet):
            if packet.kind == SUBSCRIBE:
                await broker.send(b"\x90\x03" + packet.body[:2] + b"\x80")
            else:
                await accept_all(broker, packet)

        async def main():
            async with Bench(answer) as bench:
                bench.client.subscribe((("cmd/+", 1),), lambda *message: None)
                bench.start()
                await until(lambda: bench.logged("subscription to cmd/+ refused"))
                self.assertEqual(bench.client.state, UP)

        run(main())

    def test_packet_ids_wrap_and_skip_those_in_flight(self):
        async def answer(broker, packet):
            if packet.kind != PUBLISH:
                await accept_all(broker, packet)

        async def main():
            async with Bench(answer, window=4) as bench:
                client = bench.client
                frame = PublishFrame("t", 4)

                async def service():
                    client.window.next_packet_id = 65534
                    await client.publish(frame, 0)
                    await client.publish(frame, 0)
                    client.window.next_packet_id = 65534  # as after 65533 more messages
                    await client.publish(frame, 0)
                    await client.publish(frame, 0)

                client.add_service(service)
                bench.start()
                await until(lambda: len(bench.broker.of_kind(PUBLISH)) == 4)
                packets = bench.broker.of_kind(PUBLISH)
                self.assertEqual([p.packet_id for p in packets], [65534, 65535, 1, 2])
                for packet in packets:
                    await bench.broker.ack(packet)
                await until(lambda: len(client.window) == 0)
                self.assertEqual(client.protocol_errors, 0)

        run(main())

    def test_publish_waits_while_the_window_is_full(self):
        async def answer(broker, packet):
            if packet.kind != PUBLISH:
                await accept_all(broker, packet)

        async def main():
            async with Bench(answer, window=2) as bench:
                client, sent = bench.client, []
                frame = PublishFrame("t", 4)

                async def service():
                    for index in range(4):
                        await client.publish(frame, 0)
                        sent.append(index)

                client.add_service(service)
                bench.start()
                await until(lambda: len(bench.broker.of_kind(PUBLISH)) == 2)
                await asyncio.sleep(0.1)
                self.assertEqual((sent, len(client.window), client.window.room), ([0, 1], 2, 0))
                for packet in bench.broker.of_kind(PUBLISH):
                    await bench.broker.ack(packet)
                await until(lambda: len(sent) == 4)

        run(main())

    def test_deadlines_count_from_the_last_progress(self):
        """Pubacks, then the bytes of one packet, each within its second but not all of them."""

        async def answer(broker, packet):
            if packet.kind != PUBLISH:
                await accept_all(broker, packet)
                return
            if len(broker.of_kind(PUBLISH)) < 4:
                return
            for one in broker.of_kind(PUBLISH):
                await asyncio.sleep(0.06)
                await broker.ack(one)
            for byte in b"\x30\x05\x00\x01bxy":
                await asyncio.sleep(0.06)
                await broker.send(bytes((byte,)))

        async def main():
            async with Bench(answer, reply_timeout_ms=1500, keep_alive_s=60) as bench:
                client, got = bench.client, []
                frame = PublishFrame("t", 4)

                async def service():
                    for _ in range(4):
                        await client.publish(frame, 0)

                client.subscribe((("b", 0),), lambda topic, payload, retained: got.append(payload))
                client.add_service(service)
                bench.start()
                await until(lambda: got, bench.log.lines)
                self.assertEqual(got, [b"xy"])
                self.assertEqual((client.sessions, client.timeouts), (1, 0))

        run(main())


class TestEnds(unittest.TestCase):
    def test_cancellation_leaves_nothing(self):
        async def main():
            async with Bench() as bench:
                ended = []

                async def service():
                    try:
                        while True:
                            await asyncio.sleep(1)
                    finally:
                        ended.append(True)

                bench.client.add_service(service)
                bench.start()
                await until(lambda: bench.client.state == UP)
                await asyncio.sleep(0.05)
                bench.task.cancel()
                cancelled = False
                try:
                    await bench.task
                except asyncio.CancelledError:
                    cancelled = True
                self.assertTrue(cancelled)
                self.assertEqual(ended, [True])
                self.assertEqual(bench.client.state, DOWN)
                self.assertEqual(bench.broker.of_kind(DISCONNECT), [])
                await until(lambda: bench.broker.open == 0)

        run(main())

    def test_drop_is_idempotent_and_the_first_reason_counts(self):
        async def main():
            async with Bench() as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                bench.client.drop("first")
                bench.client.drop("second")
                self.assertEqual(bench.client.last_reason, "first")
                await until(lambda: bench.client.sessions == 2)
                self.assertEqual(bench.client.reconnects, 1)
                self.assertTrue(bench.logged("link lost: first"))
                self.assertFalse(bench.logged("second"))

        run(main())

    def test_mistake_in_a_service_is_raised_by_run(self):
        async def main():
            async with Bench() as bench:

                async def service():
                    raise KeyError("mistake")

                bench.client.add_service(service)
                bench.start()
                raised = False
                try:
                    await bench.task
                except KeyError:
                    raised = True
                self.assertTrue(raised)
                self.assertEqual(bench.client.state, DOWN)
                await until(lambda: bench.broker.open == 0)

        run(main())

    def test_stop_while_waiting_to_reconnect(self):
        async def main():
            async with Bench(reconnect_base_ms=600000, reconnect_cap_ms=600000) as bench:
                await bench.broker.stop()
                bench.start()
                await until(lambda: bench.logged("next attempt"))
                bench.client.stop()
                await until(bench.task.done)
                await bench.task
                await bench.broker.start()

        run(main())


class LargestDice:
    """Always the longest pause; the `first` one is that, when it is given."""

    first = None

    def getrandbits(self, bits):
        first, self.first = self.first, None
        return (1 << bits) - 1 if first is None else first


class TestFirstConnect(unittest.TestCase):
    def test_a_fleet_whose_power_comes_back_does_not_connect_at_one_moment(self):
        """Largest chance: not before the end of the bound; what waits is not counted as lost."""

        async def main():
            async with Bench(dice=LargestDice(), connect_delay_ms=3000) as bench:
                clock = bench.client._clock
                start = clock.uptime_ms()
                bench.start()
                await until(lambda: bench.client.state == UP)
                self.assertGreaterEqual(clock.uptime_ms() - start, 2999)
                self.assertEqual(bench.broker.connections, 1)
                self.assertFalse(bench.logged("link lost"))

        run(main())

    def test_only_the_first_one_waits(self):
        async def main():
            dice = LargestDice()
            async with Bench(dice=dice, connect_delay_ms=600000, reconnect_base_ms=10) as bench:
                dice.first = 0
                bench.start()
                await until(lambda: bench.client.state == UP)
                bench.client.drop("again")
                await until(lambda: bench.client.sessions == 2)

        run(main())

    def test_stop_ends_it(self):
        async def main():
            async with Bench(dice=LargestDice(), connect_delay_ms=600000) as bench:
                bench.start()
                await asyncio.sleep(0.05)
                bench.client.stop()
                await bench.task
                self.assertEqual(bench.broker.connections, 0)

        run(main())


class TestPauses(unittest.TestCase):
    def pauses(self, bench):
        """Pauses announced in the log, in ms."""
        lost = [line for line in bench.log.lines if "next attempt in" in line]
        return [int(line.split(" in ")[1].split()[0]) for line in lost]

    def test_only_a_session_that_lasts_makes_the_pause_short_again(self):
        async def main():
            async with Bench(dice=LargestDice(), reconnect_base_ms=500, stable_ms=2000) as bench:
                client = bench.client
                bench.start()
                for _ in range(3):
                    await until(lambda: client.state == UP)
                    client.drop("cut at once")
                    await until(lambda: client.state != UP)
                await until(lambda: client.state == UP)
                await asyncio.sleep(0.3)
                client.drop("cut after a while")
                await until(lambda: len(self.pauses(bench)) == 4)
                self.assertEqual(self.pauses(bench), [499, 999, 1999, 499])

        run(main())

    def test_refused_credentials_pause_longer(self):
        async def main(code, pause_ms):
            async def answer(broker, packet):
                await broker.send(bytes((0x20, 2, 0, code)))

            async with Bench(answer, dice=LargestDice(), reconnect_base_ms=100) as bench:
                bench.start()
                await until(lambda: self.pauses(bench))
                self.assertEqual(self.pauses(bench)[0], pause_ms)

        for code, pause_ms in ((2, 99), (3, 99), (4, 799), (5, 799)):
            run(main(code, pause_ms))


if __name__ == "__main__":
    unittest.main()
