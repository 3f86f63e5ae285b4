"""Replies on a link that is slow: they go behind events and samples, but they go."""

import asyncio
import json
import unittest

from command_bench import GATEWAY, KEY, TOPIC
from fake_hardware import MemoryStorage, QuietLog
from publisher_bench import BLOCKS, LOG, STATUS, Bench, hold_records
from scripted_broker import PUBLISH, FastClock, accept_all, run, until

from gateway.clock import diff
from gateway.uplink.command_sequence import CommandSequence
from gateway.uplink.commands import Commands
from gateway.uplink.signed_message import seal

REPLY = "bess/v1/plant-7/gw-001/reply"


class StandingClock(FastClock):
    """Its ticks never move on: whoever waits by them waits for ever."""

    def ticks(self):
        return 5


class ReplyBench(Bench):
    """With commands on the same link; `order` delivers one, `acked` counts what was told."""

    clock = None

    async def __aenter__(self):
        await super().__aenter__()
        self.clock = self.clock or FastClock()
        self.acked = 0
        self.seq = 0
        self.commands = Commands(
            self.client,
            KEY,
            CommandSequence(MemoryStorage()),
            {"status": (lambda args: {"ok": 1}, False)},
            self.clock,
            lambda text: None,
            QuietLog(),
            site="plant-7",
            gateway=GATEWAY,
            acked=self.count,
        )
        return self

    def count(self, _mark):
        self.acked += 1

    def order(self):
        self.seq += 1
        tree = {
            "gateway": GATEWAY,
            "seq": self.seq,
            "until": 4000000000,
            "command": "status",
            "args": {},
        }
        self.commands.take(TOPIC, seal(KEY, json.dumps(tree).encode()), False)

    def topics(self):
        """Of everything that was published but the status."""
        packets = self.broker.of_kind(PUBLISH)
        return [packet.topic for packet in packets if packet.topic != STATUS]


class ReplyTest(unittest.TestCase):
    def test_an_event_finds_a_place_however_many_replies_wait(self):
        """No PUBACK comes for anything but the status."""

        async def main():
            async with ReplyBench(hold_records, window=4, reply_timeout_ms=60000) as bench:
                bench.start()
                await until(lambda: bench.broker.of_kind(PUBLISH) and not len(bench.client.window))
                for _ in range(3):
                    bench.order()
                await until(lambda: len(bench.topics()) == 2)
                bench.journal.append(3, 1)
                await until(lambda: len(bench.topics()) >= 3)
                self.assertEqual(bench.topics()[:3], [REPLY, REPLY, LOG])

        run(main())

    def test_a_reply_waits_its_while_behind_samples_and_then_goes(self):
        async def main():
            async with ReplyBench(hold_records, window=4, reply_timeout_ms=60000) as bench:
                bench.fine.append(3, 1, 200)
                bench.start()
                await until(lambda: len(bench.messages(topic=BLOCKS)) == 3)
                since = bench.clock.ticks()
                bench.order()
                await until(lambda: REPLY in bench.topics())
                self.assertTrue(diff(bench.clock.ticks(), since) >= 1900)

        run(main())

    def test_an_order_is_carried_out_while_replies_wait(self):
        async def main():
            bench = ReplyBench(hold_records, window=4, reply_timeout_ms=60000)
            bench.clock = StandingClock()
            async with bench:
                bench.start()
                await until(lambda: bench.broker.of_kind(PUBLISH) and not len(bench.client.window))
                for _ in range(3):
                    bench.order()
                await until(lambda: len(bench.topics()) == 2)  # the third reply waits
                bench.order()
                await until(lambda: bench.commands.done == 4)
                self.assertEqual(bench.topics(), [REPLY, REPLY])

        run(main())

    def test_a_window_of_one_has_room_for_a_reply(self):
        async def main():
            async with ReplyBench(window=1) as bench:
                bench.start()
                bench.fine.append(3, 1, 50)
                await until(lambda: bench.publisher.backlog == 0)
                bench.order()
                await until(lambda: REPLY in bench.topics())

        run(main())

    def test_whoever_waits_for_room_is_told_of_each_acknowledged_reply(self):
        async def main():
            async with ReplyBench(accept_all) as bench:
                bench.start()
                await until(lambda: bench.broker.of_kind(PUBLISH))
                for _ in range(3):
                    bench.order()
                    await asyncio.sleep(0)
                await until(lambda: bench.acked == 3)

        run(main())


if __name__ == "__main__":
    unittest.main()
