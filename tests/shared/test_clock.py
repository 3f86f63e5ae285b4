import unittest

from gateway.clock import NTP, TICKS_MASK, UNSET, Clock, add, diff


class TicksTest(unittest.TestCase):
    def test_diff_is_right_across_the_wrap(self):
        self.assertEqual(diff(3, TICKS_MASK), 4)
        self.assertEqual(diff(TICKS_MASK, 3), -4)
        self.assertEqual(diff(100, 40), 60)
        self.assertEqual(diff(40, 100), -60)

    def test_diff_reaches_half_the_period_and_no_further(self):
        half = (TICKS_MASK + 1) // 2
        self.assertEqual(diff(half - 1, 0), half - 1)
        self.assertEqual(diff(half, 0), -half)

    def test_add_wraps_and_agrees_with_diff(self):
        for start in (0, 1, TICKS_MASK - 5, TICKS_MASK):
            for delta in (0, 1, 5, 6, 500, 0x1FFFFFFF):
                with self.subTest(start=start, delta=delta):
                    later = add(start, delta)
                    self.assertTrue(0 <= later <= TICKS_MASK)
                    self.assertEqual(diff(later, start), delta)


class WrappingClock(Clock):
    """Ticks as the test wants them."""

    now = TICKS_MASK - 10

    def ticks(self):
        return self.now


class UptimeTest(unittest.TestCase):
    def test_uptime_goes_on_over_the_wrap(self):
        clock = WrappingClock()
        self.assertEqual(clock.uptime_ms(), 0)
        clock.now = 9
        self.assertEqual(clock.uptime_ms(), 20)
        clock.now = 1009
        self.assertEqual(clock.uptime_ms(), 1020)

    def test_real_ticks_are_in_range(self):
        self.assertTrue(0 <= Clock().ticks() <= TICKS_MASK)


class WallClockTest(unittest.TestCase):
    def test_unset_it_is_what_the_board_says(self):
        clock = WrappingClock()
        self.assertEqual(clock.utc_quality, UNSET)
        self.assertTrue(abs(clock.utc_ms() - clock.wall_ms()) < 1000)

    def test_once_set_it_runs_on_ticks_whatever_the_board_says(self):
        clock = WrappingClock()
        clock.now = 9  # 20 ms after the start, over the wrap
        clock.set_utc(1800000000123, NTP)
        self.assertEqual((clock.utc_ms(), clock.utc_quality), (1800000000123, NTP))
        clock.now = 1009
        self.assertEqual(clock.utc_ms(), 1800000001123)
        self.assertEqual(clock.uptime_ms(), 1020)
        self.assertTrue(clock.utc_ms() != clock.wall_ms())
        clock.set_utc(1700000000000, UNSET)
        clock.now = 1010
        self.assertEqual((clock.utc_ms(), clock.utc_quality), (1700000000001, UNSET))


if __name__ == "__main__":
    unittest.main()
