"""Who is obeyed: signed, for this gateway, of now, and once."""

import asyncio
import json
import unittest

from command_bench import GATEWAY, KEY, TOPIC, CommandBench
from fake_hardware import HandClock, MemoryStorage

from gateway.clock import UNSET
from gateway.uplink.commands import REPLY_BYTES
from gateway.uplink.signed_message import LARGEST_NUMBER, LONGEST, REPLY, seal


def signed(tree):
    return seal(KEY, json.dumps(tree).encode())


class MovableClock(HandClock):
    """Whoever answers for the time server moves it."""

    moved_ms = 0

    def utc_ms(self):
        return super().utc_ms() + self.moved_ms


class ObeyedTest(unittest.TestCase):
    def test_a_good_command_is_done_recorded_and_answered(self):
        bench = CommandBench()
        (reply,) = bench.send()
        self.assertEqual(bench.orders, [{"rack": "rack01", "charge_da": 500}])
        self.assertEqual((reply["gateway"], reply["seq"]), (GATEWAY, 101))
        self.assertEqual(reply["answer"], {"done": 1})
        self.assertEqual((reply["last"], reply["utc_s"]), (101, bench.now_s()))
        self.assertEqual(len(bench.events), 1)
        self.assertTrue(bench.events[0].startswith("limit {"), bench.events)
        self.assertTrue(bench.events[0].endswith("}: done"), bench.events)
        self.assertEqual(bench.commands.status()["done"], 1)

    def test_its_number_is_on_flash_before_it_acts(self):
        bench = CommandBench()
        bench.send()
        self.assertEqual(len(bench.kept_before), 1)
        after_a_cut = CommandBench(MemoryStorage(bench.kept_before[0]))
        self.assertEqual(after_a_cut.commands.status()["last"], 101)

    def test_what_only_asks_writes_nothing(self):
        bench = CommandBench()
        bench.send(command="status", args={})
        self.assertEqual((bench.orders, bench.storage.files), ([{}], {}))

    def test_a_refusal_of_the_order_is_recorded_and_answered(self):
        bench = CommandBench(answer={"refused": "not now"})
        (reply,) = bench.send()
        self.assertEqual(reply["answer"], {"refused": "not now"})
        self.assertIn("refused: not now", bench.events[0])
        self.assertEqual(bench.commands.status()["refused"], 1)

    def test_without_a_number_on_flash_nothing_is_done(self):
        bench = CommandBench()
        bench.storage.dead = True
        (reply,) = bench.send()
        self.assertEqual(bench.orders, [])
        self.assertIn("flash", reply["answer"]["refused"])
        bench.send(command="status", args={})
        self.assertEqual(bench.orders, [{}])  # the one way to learn from afar what is wrong


class TurnedAwayTest(unittest.TestCase):
    def refused(self, bench, replies, words):
        self.assertEqual(bench.orders, [])
        self.assertEqual(len(replies), 1)
        self.assertIn(words, replies[0]["answer"]["refused"])

    def test_a_message_with_any_changed_byte(self):
        bench = CommandBench()
        good = signed(bench.tree())
        for index in range(len(good)):
            bad = bytearray(good)
            bad[index] ^= 0x01
            bench.deliver(bytes(bad))
        self.assertEqual(bench.orders, [])
        self.assertEqual(bench.commands.status()["strangers"], len(good))
        self.assertEqual(len(bench.events), 1)  # flash is not for strangers
        bench.deliver(good)
        self.assertEqual(len(bench.orders), 1)

    def test_truncated_at_any_byte_empty_or_huge(self):
        bench = CommandBench()
        good = signed(bench.tree())
        for end in range(len(good)):
            bench.deliver(good[:end])
        bench.deliver(good + b" ")
        body = json.dumps(bench.tree()).encode()
        bench.deliver(seal(KEY, body + b" " * (LONGEST - 65 - len(body) + 1)))
        self.assertEqual(bench.orders, [])
        bench.deliver(seal(KEY, body + b" " * (LONGEST - 65 - len(body))))
        self.assertEqual(len(bench.orders), 1)

    def test_another_key_and_another_prefix(self):
        bench = CommandBench()
        body = json.dumps(bench.tree()).encode()
        bench.deliver(seal(bytes(32), body))
        bench.deliver(seal(KEY, body, REPLY))  # a reply is no command
        self.assertEqual(bench.orders, [])
        self.assertEqual(bench.commands.status()["strangers"], 2)

    def test_a_retained_message_however_good(self):
        bench = CommandBench()
        bench.deliver(signed(bench.tree()), retained=True)
        self.assertEqual(bench.orders, [])

    def test_a_repeated_number_and_a_lower_one_also_after_a_restart(self):
        bench = CommandBench()
        message = signed(bench.tree())
        bench.deliver(message)
        (reply,) = bench.deliver(message)
        self.assertEqual(len(bench.orders), 1)
        self.assertIn("seq 101 is not above the last one, 101", reply["answer"]["refused"])
        self.assertEqual(reply["last"], 101)
        bench.send(seq=50)
        self.assertEqual(len(bench.orders), 1)
        again = CommandBench(MemoryStorage(bench.storage.files))
        self.refused(again, again.deliver(message), "not above")
        again.send(seq=102)
        self.assertEqual(len(again.orders), 1)

    def test_a_message_that_was_held_back(self):
        bench = CommandBench()
        message = signed(bench.tree())
        bench.clock.advance(60000)
        other = signed(bench.tree())
        bench.clock.advance(1000)
        self.refused(bench, bench.deliver(message), "too late by 1 s")
        bench.deliver(other)
        self.assertEqual(len(bench.orders), 1)

    def test_a_clock_that_is_moved_back_revives_nothing(self):
        bench = CommandBench(clock=MovableClock())
        message = signed(bench.tree())
        bench.clock.advance(144000000)
        bench.commands.watch_time()  # as the application does each second
        bench.clock.moved_ms = -144000000
        self.refused(bench, bench.deliver(message), "too late by 143940 s")
        again = CommandBench(MemoryStorage(bench.storage.files), MovableClock())  # a restart
        (reply,) = again.deliver(message)
        self.refused(again, [reply], "too late by 143940 s")
        self.assertEqual(reply["utc_s"], 1800144000)  # in whose terms one would be taken
        again.clock.utc_quality = UNSET
        again.clock.advance(60000)
        self.refused(again, again.deliver(message), "too late by 143940 s")
        again.send(until=reply["utc_s"] + 60)
        self.assertEqual(len(again.orders), 1)

    def test_a_clock_that_was_never_set_says_nothing_about_the_latest_time(self):
        bench = CommandBench()
        bench.clock.utc_quality = UNSET
        bench.commands.watch_time()
        self.assertEqual(bench.storage.files, {})
        bench.clock.utc_quality = 1
        bench.commands.watch_time()
        self.assertEqual(list(bench.storage.files), ["command-time"])

    def test_a_message_that_would_be_good_for_days(self):
        bench = CommandBench()
        self.refused(bench, bench.send(until=bench.now_s() + 3601), "longer than 3600 s")
        bench.send(until=bench.now_s() + 3600)
        self.assertEqual(len(bench.orders), 1)

    def test_without_a_clock_the_number_alone_protects(self):
        bench = CommandBench(clock=HandClock())
        bench.clock.utc_quality = UNSET
        message = signed(bench.tree(until=1))
        (reply,) = bench.deliver(message)
        self.assertEqual((len(bench.orders), reply["clock"]), (1, UNSET))
        bench.deliver(message)
        self.assertEqual(len(bench.orders), 1)

    def test_another_gateway(self):
        bench = CommandBench()
        self.refused(bench, bench.send(gateway="gw-002"), "another gateway")

    def test_an_unknown_command_gets_the_list(self):
        bench = CommandBench()
        self.refused(bench, bench.send(command="close"), "there are: limit, status")

    def test_signed_nonsense_is_answered_with_what_is_wrong(self):
        body = json.dumps(CommandBench().tree()).encode()
        for text, words in (
            (b"", "not signed"),  # nothing to sign
            (b"\xff\xfe", "no JSON"),
            (b"{", ""),  # MicroPython reads an empty object
            (body + b"x", "no JSON"),
            (b"7", "needs an object"),
            (b"null", "needs an object"),
            (b'"text"', "needs an object"),
            (b"[]", "needs an object"),
            (b"[" * 900, "no brackets"),
            (b'{"a":' * 150, "no brackets"),
            (b"{}", "is missing"),
        ):
            bench = CommandBench()
            self.refused(bench, bench.deliver(seal(KEY, text)), words)

    def test_signed_commands_of_the_wrong_types(self):
        for changes, words in (
            ({"seq": None}, "seq is missing"),
            ({"seq": 0}, "seq: needs"),
            ({"seq": -1}, "seq: needs"),
            ({"seq": True}, "seq: needs"),
            ({"seq": 1.0}, "seq: needs"),
            ({"seq": "9"}, "seq: needs"),
            ({"seq": LARGEST_NUMBER + 1}, "seq: needs"),
            ({"seq": 10**200}, "seq: needs"),
            ({"until": "now"}, "until: needs"),
            ({"until": None}, "until is missing"),
            ({"command": 1}, "command: needs"),
            ({"command": "li\nmit"}, "command: needs"),
            ({"command": "x" * 65}, "command: needs"),
            ({"args": 1}, "args: needs"),
            ({"args": "rack01"}, "args: needs"),
            ({"args": {"a": True}}, "args: a: needs"),
            ({"args": {"a": 1.5}}, "args: a: needs"),
            ({"args": {"a": "b\u00e9"}}, "args: a: needs"),
            ({"args": {"\u00e9": 1}}, "args: a name is no plain text"),
            ({"args": {str(number): 1 for number in range(9)}}, "at most 8"),
            ({"args": {"a": {}}}, "no brackets"),
            ({"more": 1}, "no such entry: more"),
            ({"gateway": ["gw-001"]}, "no brackets"),
            ({"gateway": 5}, "another gateway"),
        ):
            bench = CommandBench()
            self.refused(bench, bench.send(**changes), words)

    def test_half_a_character_from_an_escape_is_no_plain_text(self):
        """Decodable on both interpreters, and on neither can it be sent on."""
        bench = CommandBench()
        body = json.dumps(bench.tree(args={"rack": "X"})).encode()
        self.refused(bench, bench.deliver(seal(KEY, body.replace(b"X", b"\\ud800"))), "plain text")


class QuietTest(unittest.TestCase):
    def test_refused_messages_are_recorded_once_a_minute_with_their_number(self):
        bench = CommandBench()
        for _ in range(100):
            bench.deliver(b"x" * 100)
            bench.send(seq=1, command="other")
            bench.clock.advance(500)
        self.assertEqual(len(bench.events), 1)
        bench.clock.advance(10000)
        bench.deliver(b"x" * 100)
        self.assertEqual(len(bench.events), 2)
        self.assertIn("(and 199 before it)", bench.events[1])
        self.assertEqual(bench.commands.status()["strangers"], 101)

    def test_a_good_command_is_recorded_however_many_strangers_there_are(self):
        bench = CommandBench()
        bench.deliver(b"x" * 100)
        for _ in range(3):
            bench.send()
        self.assertEqual(len(bench.events), 4)

    def test_a_message_that_is_sent_again_and_again_is_answered_once_a_minute(self):
        bench = CommandBench()
        message = signed(bench.tree())
        self.assertEqual(len(bench.deliver(message)), 1)
        replies = []
        for _ in range(240):
            replies += bench.deliver(message)
            bench.clock.advance(500)
        self.assertEqual(len(replies), 2)
        status = bench.commands.status()
        self.assertEqual((status["refused"], status["replies_withheld"]), (240, 238))
        self.assertEqual(len(bench.send()), 1)  # the next good one as ever

    def test_many_recorded_messages_get_sixteen_answers_a_minute_and_a_good_one_its_own(self):
        bench = CommandBench()
        bench.send(seq=1000)
        replies = []
        for seq in range(1, 101):
            replies += bench.send(seq=seq)
        self.assertEqual([reply["seq"] for reply in replies], list(range(1, 17)))
        self.assertEqual(len(bench.send(seq=1001)), 1)
        bench.clock.advance(60000)
        self.assertEqual(len(bench.send(seq=50)), 1)

    def test_a_stranger_gets_an_answer_once_a_minute_and_a_signer_always(self):
        bench = CommandBench()
        self.assertEqual(bench.deliver(b"x" * 100)[0]["seq"], None)
        self.assertEqual(bench.deliver(b"x" * 100), [])
        self.assertEqual(len(bench.send(seq=1, command="other")), 1)

    def test_replies_that_nobody_fetches_push_out_the_oldest(self):
        bench = CommandBench()
        for _ in range(6):
            bench.commands.take(TOPIC, signed(bench.tree()), False)
            bench.work_off()
        self.assertEqual([reply["seq"] for reply in bench.replies()], [103, 104, 105, 106])
        self.assertEqual(bench.commands.replies_lost, 2)

    def test_more_orders_than_may_wait_are_refused_and_none_is_taken_twice(self):
        bench = CommandBench()
        messages = [signed(bench.tree()) for _ in range(5)]
        for message in messages:
            bench.commands.take(TOPIC, message, False)
            bench.commands.take(TOPIC, message, False)
        self.assertEqual(bench.orders, [])
        bench.work_off()
        self.assertEqual(len(bench.orders), 4)
        bench.deliver(messages[4])
        self.assertEqual(len(bench.orders), 5)

    def test_an_order_of_a_session_that_was_lost_is_not_done_in_the_next(self):
        bench = CommandBench()
        bench.commands.take(TOPIC, signed(bench.tree()), False)

        async def next_session():
            serving = asyncio.create_task(bench.commands.serve())
            for _ in range(5):
                await asyncio.sleep(0)
            serving.cancel()
            try:
                await serving
            except asyncio.CancelledError:
                pass

        asyncio.run(next_session())
        bench.work_off()
        self.assertEqual((bench.orders, bench.replies()), ([], []))
        bench.send()
        self.assertEqual(len(bench.orders), 1)

    def test_an_answer_beyond_the_frame_says_so(self):
        bench = CommandBench(answer={"log": "x" * REPLY_BYTES})
        (reply,) = bench.send()
        self.assertIn("too long", reply["answer"]["done"])

    def test_the_text_of_an_event_is_bounded(self):
        bench = CommandBench()
        bench.send(args={"name%d" % number: "x" * 64 for number in range(8)})
        self.assertEqual(len(bench.orders), 1)
        self.assertTrue(len(bench.events[0]) <= 160, bench.events[0])


if __name__ == "__main__":
    unittest.main()
