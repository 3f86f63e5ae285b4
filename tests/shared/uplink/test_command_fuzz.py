"""Signed nonsense made of JSON's own pieces: each interpreter has a reader of its own for it."""

import json
import random
import unittest

from command_bench import KEY, CommandBench

from gateway.uplink.signed_message import MessageError, read_command, seal

PIECES = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u12", b"\\ud800", b"null", b"true",
    b"nan", b"-", b"0", b"1e9", b"1e999", b"9" * 30, b"0.5", b".", b" ", b"\n", b"\0", b"\xff",
    b"\xc3\xa9", b'"gateway"', b'"gw-001"', b'"seq"', b'"until"', b'"command"', b'"limit"',
    b'"args"',
)  # fmt: skip
ROUNDS = 1500


class FuzzTest(unittest.TestCase):
    def test_pieces_in_any_order_are_refused_with_a_reason(self):
        random.seed(3)
        for _ in range(ROUNDS):
            count = random.getrandbits(5)
            body = b"".join([PIECES[random.getrandbits(16) % len(PIECES)] for _ in range(count)])
            with self.assertRaises(MessageError):
                read_command(body, "gw-001")

    def test_a_good_command_with_pieces_put_in_acts_only_when_it_still_is_one(self):
        random.seed(4)
        acted = 0
        for _ in range(ROUNDS):
            bench = CommandBench()
            body = json.dumps(bench.tree(args={"rack": "rack01"})).encode()
            start = random.getrandbits(16) % len(body)
            end = min(len(body), start + random.getrandbits(2))
            piece = PIECES[random.getrandbits(16) % len(PIECES)]
            replies = bench.deliver(seal(KEY, body[:start] + piece + body[end:]))
            self.assertEqual(len(replies), 1)
            acted += len(bench.orders)
            for args in bench.orders:  # whatever was taken is plain and can be sent on
                json.dumps(args).encode()
                self.assertTrue(len(args) <= 8)
                for name in args:
                    self.assertTrue(isinstance(name, str) and name.encode() is not None)
                    self.assertTrue(args[name] is None or isinstance(args[name], (int, str)))
        self.assertTrue(0 < acted < ROUNDS // 2, acted)


if __name__ == "__main__":
    unittest.main()
