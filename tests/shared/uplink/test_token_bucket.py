"""How fast a backlog may go, with time in hand."""

from __future__ import annotations

import unittest

from gateway.clock import TICKS_MASK, add
from gateway.uplink.token_bucket import FLOOR_BYTES_PER_S, MESSAGES_PER_S, TokenBucket


class HandClock:
    def __init__(self, now):
        self.now = now

    def ticks(self):
        return self.now


class Line:
    """A bucket, bytes that come in, and a backlog without end."""

    def __init__(self, factor, start=TICKS_MASK - 5000):
        self.clock = HandClock(start)
        self.bucket = TokenBucket(factor, self.clock)
        self.inflow = 0

    def run(self, seconds, inflow_per_s, message):
        """Bytes and messages sent in so many seconds, looked at every 10 ms."""
        sent = count = 0
        for _ in range(seconds * 100):
            self.clock.now = add(self.clock.now, 10)
            self.inflow += inflow_per_s // 100
            self.bucket.watch(self.inflow)
            while self.bucket.may_send():
                self.bucket.spend(message)
                sent += message
                count += 1
        return sent, count


class TestTokenBucket(unittest.TestCase):
    def test_floor_when_nothing_comes_in(self):
        sent, _ = Line(4).run(100, 0, 1000)
        self.assertAlmostEqual(sent, 100 * FLOOR_BYTES_PER_S, delta=2000)

    def test_multiple_of_what_comes_in(self):
        line = Line(4)
        line.run(600, 10000, 4000)  # until the rate has settled
        sent, _ = line.run(100, 10000, 4000)
        expected = 100 * (4 * 10000 + FLOOR_BYTES_PER_S)
        self.assertAlmostEqual(sent, expected, delta=expected // 50)

    def test_rate_is_there_after_some_seconds(self):
        """Not after the minute over which the inflow is averaged: an outage is over by then."""
        line = Line(20)
        line.run(3, 10000, 4000)
        sent, _ = line.run(10, 10000, 4000)
        self.assertAlmostEqual(sent, 10 * (20 * 10000 + FLOOR_BYTES_PER_S), delta=sent // 20)

    def test_an_outage_does_not_lower_it(self):
        """Nothing goes live meanwhile: that is no inflow of the site."""
        line = Line(20)
        line.clock.now = add(line.clock.now, 50000)  # from the start to the first session
        line.bucket.begin()
        line.run(3, 10000, 4000)
        self.assertGreater(line.bucket.rate, 190000)
        line.run(100, 10000, 4000)
        line.clock.now = add(line.clock.now, 50000)
        line.bucket.begin()
        line.run(3, 10000, 4000)
        self.assertGreater(line.bucket.rate, 190000)

    def test_lumps_are_averaged_over_a_minute(self):
        line = Line(4)
        sent = 0
        for _ in range(30):
            line.inflow += 60 * 10000
            sent += line.run(60, 0, 4000)[0]
        expected = 30 * 60 * (4 * 10000 + FLOOR_BYTES_PER_S)
        self.assertAlmostEqual(sent, expected, delta=expected // 4)

    def test_a_change_has_its_weight_after_two_minutes(self):
        line = Line(4)
        line.run(300, 1000, 4000)
        line.run(120, 10000, 4000)
        self.assertGreater(line.bucket.rate, 8 * 4 * 1000)
        self.assertLessEqual(line.bucket.rate, 4 * 10000 + FLOOR_BYTES_PER_S)

    def test_always_more_than_what_comes_in(self):
        """Also with factor 1 and with lumps once a minute: no backlog grows for ever."""
        line = Line(1)
        sent = 0
        for _ in range(60):
            line.inflow += 60 * 20000  # a lump
            sent += line.run(60, 0, 4000)[0]
        self.assertGreater(sent, line.inflow)

    def test_small_messages_are_bounded_in_number(self):
        line = Line(1000)
        line.run(300, 10000, 4000)
        _, count = line.run(10, 10000, 20)
        self.assertLessEqual(count, 10 * MESSAGES_PER_S + MESSAGES_PER_S)
        self.assertGreaterEqual(count, 9 * MESSAGES_PER_S)

    def test_a_message_larger_than_a_second_goes_on_credit(self):
        bucket = TokenBucket(4, clock := HandClock(0))
        clock.now = 1000
        self.assertTrue(bucket.may_send())
        bucket.spend(3 * FLOOR_BYTES_PER_S)
        waited = 0
        while not bucket.may_send():
            clock.now += 100
            waited += 100
        self.assertEqual(waited, 2100)

    def test_no_more_than_a_second_is_saved_up(self):
        bucket = TokenBucket(4, clock := HandClock(0))
        clock.now = 500000000
        sent = 0
        while bucket.may_send():
            bucket.spend(100)
            sent += 100
        self.assertLessEqual(sent, FLOOR_BYTES_PER_S + 100)

    def test_days_without_a_look_are_no_rate(self):
        line = Line(4)
        line.run(120, 1000, 500)
        rate = line.bucket.rate
        line.clock.now = add(line.clock.now, 7 * 86400000)  # looks as if it were before
        line.inflow += 1000000000
        line.bucket.watch(line.inflow)
        self.assertEqual(line.bucket.rate, rate)


if __name__ == "__main__":
    unittest.main()
