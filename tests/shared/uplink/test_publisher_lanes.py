"""Several lanes and their order, and when a backlog of samples may go."""

from __future__ import annotations

import asyncio
import unittest

from memory_source import parse_message
from publisher_bench import BLOCKS, LOG, Bench, LargestDice, hold_records, sequence
from scripted_broker import run, until

from gateway.clock import Clock
from gateway.telemetry.records import EVENTS, FINE, MINUTE
from gateway.uplink.mqtt_client import UP


class StepClock(Clock):
    """Goes when the test says so."""

    now = 0

    def ticks(self):
        return self.now


class OpenGate:
    """Samples may always go."""

    def watch(self, inflow_bytes):
        pass

    def is_open(self):
        return True


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

    def test_a_turn_builds_until_its_time_is_over(self):
        """One call a turn left a backlog waiting for the bus; each call takes 1 ms here."""

        async def main():
            async with Bench(slow=5) as bench:
                clock = bench.publisher._clock = StepClock()
                bench.publisher._gate = OpenGate()
                take_next = bench.fine.next
                calls = []

                def next_in_1_ms(buffer):
                    clock.now += 1
                    calls.append(clock.now)
                    return take_next(buffer)

                bench.fine.next = next_in_1_ms
                bench.fine.append(3, 1, 1)
                turns = []
                length = 0
                while not length:
                    before = len(calls)
                    number, length = bench.publisher._build()
                    turns.append(len(calls) - before)
                self.assertEqual((number, turns), (2, [2, 2, 2]))
                self.assertEqual(bench.publisher._build(), (0, 0))  # no turning round for nothing
                self.assertEqual(len(calls), 7)

        run(main())

    def test_event_goes_in_between_while_samples_are_being_built(self):
        """In the very turn, when it comes between two calls of a busy source."""

        async def main():
            async with Bench(slow=1000) as bench:
                bench.publisher._clock = StepClock()  # stands still: the turn has no end
                bench.publisher._gate = OpenGate()
                take_next = bench.fine.next
                calls = []

                def next_and_event(buffer):
                    calls.append(1)
                    if len(calls) == 10:
                        bench.journal.append(3, 1)
                    return take_next(buffer)

                bench.fine.next = next_and_event
                bench.fine.append(3, 1, 1)
                number, length = bench.publisher._build()
                self.assertEqual((number, len(calls)), (0, 10))
                self.assertEqual(parse_message(bench.publisher._events.payload[:length]), [(3, 1)])
                self.assertEqual(bench.publisher._build()[0], 2)
                self.assertEqual(len(calls), 1001)

        run(main())

    def test_events_that_are_being_built_go_on_before_samples(self):
        async def main():
            async with Bench() as bench:
                bench.journal.slow = 40
                bench.journal.append(3, 1, 30)
                bench.fine.append(3, 1, 30)
                bench.start()
                await until(lambda: bench.publisher.backlog == 0)
                self.assertEqual(bench.lanes(), [EVENTS] * 3 + [FINE] * 3)
                self.assertEqual(bench.records(), sequence(3, 1, 30))

        run(main())

    def test_blocks_that_are_not_full_wait_for_nothing(self):
        """They grow no further: a pause behind each was most of the time of a drain."""

        async def main():
            async with Bench(linger_ms=1000000, batch_bytes=4096) as bench:
                for boot in range(1, 7):  # a message each
                    bench.minute.append(boot, 1)
                bench.start()
                await until(lambda: bench.minute.backlog == 0)
                self.assertEqual(len(bench.messages(topic=BLOCKS)), 6)

        run(main())

    def test_samples_go_on_while_events_wait_for_company(self):
        """A PUBACK makes room for samples: nobody may sleep over it."""

        async def main():
            async with Bench(linger_ms=1000000, window=2) as bench:
                bench.journal.append(3, 1)
                bench.fine.append(3, 1, 100)
                bench.start()
                await until(lambda: bench.fine.backlog == 0)
                bench.journal.append(3, 2)
                bench.fine.append(3, 101, 100)
                await until(lambda: bench.fine.backlog == 0)
                self.assertEqual(bench.records(topic=BLOCKS), sequence(3, 1, 200))
                self.assertEqual(bench.records(), [(3, 1)])  # and this one still waits

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


if __name__ == "__main__":
    unittest.main()
