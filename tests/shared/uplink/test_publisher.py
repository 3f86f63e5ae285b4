"""The publisher with lanes in RAM and a broker that behaves as each test says."""

from __future__ import annotations

import asyncio
import json
import random
import unittest

from memory_source import MemorySource, parse_message
from scripted_broker import (
    CONNECT,
    DISCONNECT,
    PUBLISH,
    FastClock,
    LineLog,
    ScriptedBroker,
    accept_all,
    connect,
    run,
    until,
)

from gateway.clock import TICKS_MASK
from gateway.telemetry.records import EVENTS, FINE, MINUTE
from gateway.uplink import publisher
from gateway.uplink.mqtt_client import UP, MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import UplinkSettings

LOG = "bess/v1/plant-7/gw-001/log"
BLOCKS = "bess/v1/plant-7/gw-001/blocks"
STATUS = "bess/v1/plant-7/gw-001/status"


class Bench:
    """Lanes, publisher, client and a scripted broker."""

    def __init__(self, answer=accept_all, slow=0, dice=random, **settings):
        self.broker = ScriptedBroker(answer)
        self.appended = asyncio.Event()
        self.journal = MemorySource(self.appended)
        self.minute = MemorySource(self.appended, MINUTE, "blocks", slow)
        self.fine = MemorySource(self.appended, FINE, "blocks", slow)
        self._dice = dice
        self.log = LineLog()
        self._settings = settings
        self.client = self.publisher = self.task = None

    async def __aenter__(self):
        await self.broker.start()
        options = {
            "reconnect_base_ms": 200,
            "batch_bytes": 512,
            "linger_ms": 0,
            "backlog_delay_ms": 0,
        }
        options.update(self._settings)
        settings = UplinkSettings(
            host="127.0.0.1", port=self.broker.port, client_id="gw-001", **options
        )
        clock = FastClock()
        self.client = MqttClient(settings, connect, clock, self.log, random)
        self.publisher = Publisher(
            self.client,
            (self.journal, self.minute, self.fine),
            None,
            settings,
            clock,
            self.log,
            self._dice,
            appended=self.appended,
            site="plant-7",
            gateway="gw-001",
            boot=3,
            version='0.1 "x"',
        )
        return self

    async def __aexit__(self, kind, error, trace):
        if self.task is not None and not self.task.done():
            self.client.stop()
            await self.task
        await self.broker.stop()

    def start(self):
        self.task = asyncio.create_task(self.client.run())

    def messages(self, connection=0, topic=LOG):
        """The PUBLISH packets with records."""
        packets = self.broker.of_kind(PUBLISH, connection)
        return [packet for packet in packets if packet.topic == topic]

    def records(self, connection=0, topic=LOG):
        found = []
        for packet in self.messages(connection, topic):
            found += parse_message(packet.payload)
        return found

    def lanes(self):
        """Lane of each message with records, in order."""
        packets = self.broker.of_kind(PUBLISH)
        return [packet.payload[1] for packet in packets if packet.topic in (LOG, BLOCKS)]


async def hold_records(broker, packet):
    """Accepts everything but acknowledges no record."""
    if packet.kind != PUBLISH or packet.topic == STATUS:
        await accept_all(broker, packet)


def sequence(boot, first, last):
    return [(boot, seq) for seq in range(first, last + 1)]


class TestDelivery(unittest.TestCase):
    def test_all_records_in_order_each_released_once(self):
        async def main():
            async with Bench() as bench:
                bench.journal.append(3, 1, 100)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                self.assertEqual(bench.records(), sequence(3, 1, 100))
                released = bench.journal.released
                self.assertEqual(released, sorted(set(released)))
                self.assertEqual(released[-1], (3, 100))
                bench.journal.append(3, 101)
                await until(lambda: bench.journal.cursor == (3, 101))
                flags = [packet.flags for packet in bench.messages()]
                self.assertEqual(set(flags), {2})  # QoS 1, not retained, DUP clear

        run(main())

    def test_boots_are_not_mixed(self):
        async def main():
            async with Bench() as bench:
                bench.journal.append(2, 5, 3)
                bench.journal.append(3, 1, 2)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                self.assertEqual(bench.records(), sequence(2, 5, 7) + sequence(3, 1, 2))
                self.assertEqual(bench.journal.released, [(2, 7), (3, 2)])

        run(main())

    def test_nothing_is_released_without_puback_and_the_window_holds(self):
        async def main():
            async with Bench(hold_records, window=3) as bench:
                bench.journal.append(3, 1, 100)
                bench.start()
                await until(lambda: len(bench.messages()) == 3)
                await asyncio.sleep(0.1)
                self.assertEqual(len(bench.messages()), 3)
                self.assertEqual(bench.journal.released, [])
                first = bench.messages()[0]
                await bench.broker.ack(first)
                await until(lambda: len(bench.messages()) == 4)
                self.assertEqual(bench.journal.released, [parse_message(first.payload)[-1]])

        run(main())

    def test_small_messages_wait_for_company(self):
        async def main():
            async with Bench(linger_ms=2000, batch_bytes=4096) as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                for seq in range(1, 41):  # 40 records in a quarter of real second or more
                    bench.journal.append(3, seq)
                    await asyncio.sleep(0.005)
                await until(lambda: bench.journal.backlog == 0)
                self.assertEqual(bench.records(), sequence(3, 1, 40))
                self.assertLessEqual(len(bench.messages()), 6)
                # The first one does not wait: there was nothing to wait for.
                self.assertEqual(parse_message(bench.messages()[0].payload), [(3, 1)])

        run(main())

    def test_full_messages_do_not_wait(self):
        async def main():
            async with Bench(linger_ms=100000) as bench:
                bench.journal.append(3, 1, 12 * 25)
                bench.start()
                await until(lambda: bench.journal.cursor >= (3, 288))
                self.assertEqual(bench.records()[:288], sequence(3, 1, 288))

        run(main())

    def test_message_after_days_of_silence_does_not_wait_for_more_days(self):
        async def main():
            async with Bench() as bench:
                bench.start()
                bench.journal.append(3, 1)
                await until(lambda: bench.journal.cursor == (3, 1))
                # Seven days: ticks that look as if they were still to come.
                bench.publisher._small[0] = (FastClock().ticks() - 7 * 86400000) & TICKS_MASK
                bench.journal.append(3, 2)
                await until(lambda: bench.journal.cursor == (3, 2))

        run(main())

    def test_puback_makes_it_look_again_without_waiting_for_the_clock(self):
        async def main():
            async with Bench(window=1) as bench:
                bench.journal.append(3, 1, 100)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)

        wake_ms = publisher._WAKE_MS
        publisher._WAKE_MS = 10000000
        try:
            run(main())
        finally:
            publisher._WAKE_MS = wake_ms

    def test_record_that_nobody_announced_is_found_by_the_clock(self):
        async def main():
            async with Bench() as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                await asyncio.sleep(0.05)
                bench.journal.records.append((3, 1))
                await until(lambda: bench.journal.cursor == (3, 1))

        run(main())


class TestReconnect(unittest.TestCase):
    def test_sends_again_from_the_cursor_as_new_messages(self):
        async def answer(broker, packet):
            records = [p for p in broker.of_kind(PUBLISH, packet.connection) if p.topic == LOG]
            if packet.connection > 1 or packet.topic != LOG or len(records) == 1:
                await accept_all(broker, packet)
            elif len(records) == 4:
                broker.cut()  # the broker has 2, 3 and 4, but we never hear of it

        async def main():
            async with Bench(answer, window=4) as bench:
                bench.journal.append(3, 1, 60)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                first, again = bench.messages(1), bench.messages(2)
                seen = parse_message(first[0].payload)[-1]
                self.assertEqual(bench.records(1), sequence(3, 1, len(bench.records(1))))
                self.assertEqual(bench.records(2), sequence(3, seen[1] + 1, 60))
                ids = [packet.packet_id for packet in bench.broker.of_kind(PUBLISH)]
                self.assertEqual(ids, sorted(set(ids)))  # no id of the lost session again
                self.assertEqual({packet.flags for packet in again}, {2})
                self.assertEqual(bench.client.reconnects, 1)

        run(main())

    def test_wrong_puback_releases_nothing(self):
        async def answer(broker, packet):
            if packet.connection > 1 or packet.topic != LOG:
                await accept_all(broker, packet)
            elif len(broker.of_kind(PUBLISH, 1)) == 3:  # status, then two with records
                await broker.ack(packet)

        async def main():
            async with Bench(answer) as bench:
                bench.journal.append(3, 1, 40)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                self.assertEqual(bench.client.protocol_errors, 1)
                self.assertEqual(bench.records(2), sequence(3, 1, 40))  # all of them again

        run(main())

    def test_journal_that_fails_to_read_is_named_and_tried_again(self):
        async def main():
            async with Bench() as bench:
                bench.journal.append(3, 1, 5)
                bench.journal.fail_reads = 2
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                self.assertIn("journal: EIO", bench.log.lines)
                self.assertEqual(bench.client.sessions, 3)
                self.assertEqual(bench.records(), sequence(3, 1, 5))

        run(main())


class TestStatus(unittest.TestCase):
    def test_online_first_and_offline_as_will(self):
        async def main():
            async with Bench() as bench:
                bench.start()
                await until(lambda: bench.broker.of_kind(PUBLISH))
                hello = bench.broker.of_kind(CONNECT)[0]
                self.assertEqual(hello.body[7], 0x2E)  # clean session; will of QoS 1, retained
                offline = b'{"online":false}'
                will = bytes((0, len(STATUS))) + STATUS.encode() + bytes((0, len(offline)))
                self.assertEqual(hello.body[18:], will + offline)
                status = bench.broker.of_kind(PUBLISH)[0]
                self.assertEqual((status.topic, status.flags), (STATUS, 3))
                expected = {"online": True, "boot": 3, "version": '0.1 "x"'}
                self.assertEqual(json.loads(status.payload), expected)

        run(main())


class LargestDice:
    """Always the longest delay."""

    def getrandbits(self, bits):
        return (1 << bits) - 1


class TestLanes(unittest.TestCase):
    def test_events_first_then_the_lanes_in_their_order(self):
        async def main():
            async with Bench() as bench:
                bench.fine.append(3, 1, 30)
                bench.minute.append(3, 1, 30)
                bench.journal.append(3, 1, 30)
                bench.start()
                await until(lambda: bench.publisher.backlog == 0)
                lanes = bench.lanes()
                order = [EVENTS] * 3 + [MINUTE] * 3 + [FINE] * 3
                self.assertEqual(lanes, order)
                self.assertEqual(bench.records(), sequence(3, 1, 30))
                self.assertEqual(bench.records(topic=BLOCKS), 2 * sequence(3, 1, 30))
                for source in (bench.journal, bench.minute, bench.fine):
                    self.assertEqual(source.cursor, (3, 30))

        run(main())

    def test_event_passes_samples_that_are_held_up(self):
        """No PUBACK comes: one place of the window is left for an event."""

        async def main():
            async with Bench(hold_records, window=4, reply_timeout_ms=60000) as bench:
                bench.fine.append(3, 1, 200)
                bench.start()
                await until(lambda: len(bench.messages(topic=BLOCKS)) == 3)
                bench.journal.append(3, 1)
                await until(lambda: bench.messages(topic=LOG))
                await asyncio.sleep(0.1)
                self.assertEqual(len(bench.messages(topic=BLOCKS)), 3)

        run(main())

    def test_half_built_message_stays_whole_while_events_pass(self):
        async def main():
            async with Bench(slow=3) as bench:
                bench.fine.append(3, 1, 100)
                bench.start()
                for seq in range(1, 31):
                    bench.journal.append(3, seq)
                    bench.minute.append(3, seq)
                    await asyncio.sleep(0.002)
                await until(lambda: bench.publisher.backlog == 0)
                self.assertEqual(bench.records(), sequence(3, 1, 30))
                fine = [p for p in bench.messages(topic=BLOCKS) if p.payload[1] == FINE]
                found = []
                for packet in fine:
                    found += parse_message(packet.payload)
                self.assertEqual(found, sequence(3, 1, 100))

        run(main())

    def test_half_built_message_that_may_not_go_on_costs_nothing(self):
        """Another service takes the place in the window: no turning round until there is one."""

        async def main():
            async with Bench(hold_records, slow=3, window=3, reply_timeout_ms=60000) as bench:
                calls = []
                fine = bench.fine
                take_next = fine.next

                def count(buffer):
                    length = take_next(buffer)
                    calls.append(length)
                    if fine.busy:  # the window fills up before it goes on
                        while bench.client.window.room:
                            bench.client.window.add(None, None)
                    return length

                fine.next = count
                passes = []
                look = bench.publisher._build_next

                def look_and_count():
                    passes.append(len(calls))
                    return look()

                bench.publisher._build_next = look_and_count
                fine.append(3, 1, 5)
                bench.start()
                await until(lambda: calls)
                await asyncio.sleep(0.3)  # three seconds of the fast clock, 15 looks
                self.assertEqual(calls, [0])
                self.assertLess(len(passes), 40)

        run(main())

    def test_a_lane_that_gives_another_topic_is_obeyed(self):
        async def main():
            async with Bench() as bench:
                bench.fine.append(3, 1, 5)
                bench.start()
                await until(lambda: bench.fine.backlog == 0)
                bench.fine.topic = "log"  # a gap, say
                bench.fine.append(3, 6, 1)
                await until(lambda: bench.fine.backlog == 0)
                self.assertEqual(bench.records(topic=BLOCKS), sequence(3, 1, 5))
                self.assertEqual(bench.records(topic=LOG), sequence(3, 6, 6))

        run(main())


class TestBacklog(unittest.TestCase):
    def test_samples_begin_late_and_events_at_once(self):
        async def main():
            async with Bench(dice=LargestDice(), backlog_delay_ms=4000) as bench:
                bench.journal.append(3, 1, 5)
                bench.fine.append(3, 1, 5)
                bench.start()
                await until(lambda: bench.journal.backlog == 0)
                await asyncio.sleep(0.1)
                self.assertEqual(bench.messages(topic=BLOCKS), [])
                self.assertEqual(bench.publisher.waiting, "delay")
                await until(lambda: bench.fine.backlog == 0)
                self.assertEqual(bench.publisher.waiting, "")

        run(main())

    def test_delay_goes_on_over_a_lost_session(self):
        """A link that never lasts as long as the delay must not keep the backlog for ever."""

        async def main():
            async with Bench(
                dice=LargestDice(), backlog_delay_ms=8000, reconnect_base_ms=10, stable_ms=10
            ) as bench:
                bench.fine.append(3, 1, 5)
                bench.start()
                for number in range(1, 8):
                    await until(lambda count=number: bench.client.sessions == count)
                    await asyncio.sleep(0.2)
                    if bench.fine.backlog == 0:
                        break
                    bench.client.drop("again")
                self.assertEqual(bench.fine.backlog, 0)
                self.assertGreaterEqual(bench.client.sessions, 3)

        run(main())

    def test_rate_is_bounded_and_it_ends(self):
        """40 kB that nobody adds to: at the floor of 4 kB/s, ten seconds of the fast clock."""

        async def main():
            async with Bench() as bench:
                clock = bench.client._clock
                bench.fine.append(3, 1, 1000)
                bench.fine.appended_bytes = 0  # from before this start
                bench.start()
                start = clock.uptime_ms()
                waited = False
                while bench.fine.backlog:
                    waited = waited or bench.publisher.waiting == "rate"
                    await asyncio.sleep(0.01)
                took_ms = clock.uptime_ms() - start
                self.assertTrue(waited)
                # a second's worth may be saved up, and the last message may be on credit
                self.assertGreater(took_ms, 40000 * 1000 // 4096 - 1300)
                self.assertEqual(bench.records(topic=BLOCKS), sequence(3, 1, 1000))

        run(main())

    def test_leaving_asks_neither_rate_nor_delay(self):
        async def main():
            async with Bench(dice=LargestDice(), backlog_delay_ms=600000) as bench:
                bench.fine.append(3, 1, 1500)
                bench.start()
                await until(lambda: bench.client.state == UP)
                self.assertTrue(await bench.publisher.drain(100000))
                self.assertEqual(bench.records(topic=BLOCKS), sequence(3, 1, 1500))
                await bench.task

        run(main())


class TestDrain(unittest.TestCase):
    def test_delivers_says_goodbye_and_stops(self):
        async def main():
            async with Bench() as bench:
                bench.journal.append(3, 1, 300)
                bench.start()
                self.assertTrue(await bench.publisher.drain(50000))
                await bench.task
                self.assertEqual(bench.journal.backlog, 0)
                self.assertEqual(bench.records(), sequence(3, 1, 300))
                last = bench.broker.packets[-2:]
                self.assertEqual([packet.kind for packet in last], [PUBLISH, DISCONNECT])
                self.assertEqual((last[0].topic, last[0].flags), (STATUS, 3))
                self.assertEqual(last[0].payload, b'{"online":false}')
                await until(lambda: bench.broker.open == 0)

        run(main())

    def test_deadline_without_pubacks(self):
        async def main():
            async with Bench(hold_records, reply_timeout_ms=60000) as bench:
                bench.journal.append(3, 1, 5)
                bench.start()
                await until(lambda: bench.messages())
                self.assertFalse(await bench.publisher.drain(4000))
                await bench.task
                self.assertEqual(bench.journal.backlog, 5)
                # It still leaves politely.
                last = bench.broker.packets[-2:]
                self.assertEqual([packet.kind for packet in last], [PUBLISH, DISCONNECT])
                self.assertEqual(last[0].payload, b'{"online":false}')

        run(main())

    def test_deadline_without_a_broker(self):
        async def main():
            async with Bench() as bench:
                await bench.broker.stop()
                bench.journal.append(3, 1, 5)
                bench.start()
                await asyncio.sleep(0.05)
                self.assertFalse(await bench.publisher.drain(2000))
                await bench.task
                self.assertEqual(bench.journal.backlog, 5)
                await bench.broker.start()

        run(main())


if __name__ == "__main__":
    unittest.main()
