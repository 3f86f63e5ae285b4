"""The publisher with lanes in RAM and a broker that behaves as each test says."""

from __future__ import annotations

import asyncio
import json
import unittest

from memory_source import parse_message
from publisher_bench import LOG, STATUS, Bench, LargestDice, hold_records, sequence
from scripted_broker import CONNECT, DISCONNECT, PUBLISH, FastClock, accept_all, run, until

from gateway.clock import TICKS_MASK
from gateway.uplink import publisher
from gateway.uplink.mqtt_client import UP


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
                bench.publisher._small = (FastClock().ticks() - 7 * 86400000) & TICKS_MASK
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

    def test_a_lane_that_waits_for_the_flash_is_not_taken_for_empty(self):
        """Its file cannot be read for a while: nothing to send, and still not all is delivered."""

        async def main():
            async with Bench() as bench:
                bench.journal.append(3, 1, 5)
                bench.journal.paused = True
                bench.start()
                await until(lambda: bench.client.state == UP)
                self.assertFalse(await bench.publisher.drain(3000))
                await bench.task
                self.assertEqual((bench.journal.backlog, bench.messages()), (5, []))

        run(main())

    def test_what_the_flash_gives_in_time_is_still_delivered(self):
        async def main():
            async with Bench() as bench:
                journal, clock = bench.journal, bench.client._clock
                journal.append(3, 1, 5)
                journal.paused = True
                bench.start()
                await until(lambda: bench.client.state == UP)
                leaving = asyncio.create_task(bench.publisher.drain(50000))
                start = clock.uptime_ms()
                await until(lambda: clock.uptime_ms() - start > 1000)
                journal.paused = False
                self.assertTrue(await leaving)
                self.assertEqual(journal.backlog, 0)
                await bench.task

        run(main())

    def test_before_the_first_attempt_there_is_nothing_to_wait_for(self):
        """A stop in the random wait of the first connect: the journal has it all."""

        async def main():
            async with Bench(dice=LargestDice(), connect_delay_ms=600000) as bench:
                clock = bench.client._clock
                bench.journal.append(3, 1, 5)
                bench.start()
                await asyncio.sleep(0.05)
                start = clock.uptime_ms()
                self.assertFalse(await bench.publisher.drain(50000))
                await bench.task
                self.assertTrue(clock.uptime_ms() - start < 25000)
                self.assertEqual((bench.broker.connections, bench.journal.backlog), (0, 5))

        run(main())


if __name__ == "__main__":
    unittest.main()
