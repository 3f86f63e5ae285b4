import unittest

from gateway.modbus.reply_time import ReplyTime


class ReplyTimeTest(unittest.TestCase):
    def test_before_the_first_answer_the_deadline_is_the_highest(self):
        reply_time = ReplyTime(50, 1000)
        self.assertEqual(reply_time.timeout_ms, 1000)
        self.assertEqual(reply_time.latency_ms, 250)

    def test_first_answer_counts_in_full(self):
        reply_time = ReplyTime(50, 1000)
        reply_time.observe(30)
        self.assertEqual((reply_time.latency_ms, reply_time.timeout_ms), (30, 120))

    def test_deadline_follows_the_latency_within_its_bounds(self):
        reply_time = ReplyTime(50, 1000)
        for latency_ms, timeout_ms in ((5, 50), (100, 400), (900, 1000), (20, 80)):
            for _ in range(100):
                reply_time.observe(latency_ms)
            with self.subTest(latency_ms=latency_ms):
                self.assertTrue(abs(reply_time.latency_ms - latency_ms) <= 1)
                self.assertTrue(abs(reply_time.timeout_ms - timeout_ms) <= 4)

    def test_one_slow_answer_moves_it_by_an_eighth(self):
        reply_time = ReplyTime(1, 1000)
        reply_time.observe(16)
        reply_time.observe(96)
        self.assertEqual(reply_time.latency_ms, 26)

    def test_each_miss_doubles_up_to_the_highest(self):
        reply_time = ReplyTime(50, 1000)
        reply_time.observe(0)
        deadlines = []
        for _ in range(6):
            reply_time.missed()
            deadlines.append(reply_time.timeout_ms)
        self.assertEqual(deadlines, [100, 200, 400, 800, 1000, 1000])

    def test_a_miss_never_forgets_a_slow_unit(self):
        reply_time = ReplyTime(50, 300)
        reply_time.observe(250)
        reply_time.missed()
        self.assertEqual(reply_time.latency_ms, 250)

    def test_after_a_long_silence_it_is_quick_again(self):
        reply_time = ReplyTime(50, 1000)
        reply_time.observe(10)
        for _ in range(100):
            reply_time.missed()
        for _ in range(40):
            reply_time.observe(10)
        self.assertEqual(reply_time.timeout_ms, 50)

    def test_a_fixed_deadline_stays_whatever_comes(self):
        probe_time = ReplyTime(60, 60, 15)  # of all units of a line
        for latency_ms in (0, 59, 500):
            probe_time.observe(latency_ms)
            self.assertEqual(probe_time.timeout_ms, 60)
            probe_time.missed()
            self.assertEqual(probe_time.timeout_ms, 60)

    def test_impossible_latencies_are_bounded(self):
        reply_time = ReplyTime(50, 1000)
        reply_time.observe(-5)
        self.assertEqual(reply_time.latency_ms, 0)
        for _ in range(100):
            reply_time.observe(1 << 29)
        self.assertEqual(reply_time.latency_ms, 1000)

    def test_bounds_must_make_a_range(self):
        for lowest_ms, highest_ms in ((0, 10), (20, 10), (-1, 10)):
            with self.assertRaises(ValueError):
                ReplyTime(lowest_ms, highest_ms)


if __name__ == "__main__":
    unittest.main()
