import unittest

from gateway.protection.rates import VoltageRate


def rates(spreads_mv, elapsed_ms=500):
    """What is read with each of these samples."""
    rate = VoltageRate()
    return [rate.step(spread_mv, elapsed_ms) for spread_mv in spreads_mv]


class VoltageRateTest(unittest.TestCase):
    def test_a_lasting_rise_reads_as_its_rate(self):
        self.assertEqual(rates((0, 50, 100, 150, 200, 250)), [0, 0, 100, 100, 100, 100])
        self.assertEqual(rates((0, 1000, 2000), 1000), [0, 1000, 1000])

    def test_a_spread_that_stays_or_shrinks_is_no_rate(self):
        self.assertEqual(rates((300, 300, 300, 20, 20, 19, 10)), [0] * 7)

    def test_the_slowest_growth_is_one_of_a_millivolt(self):
        self.assertEqual(rates((300, 300, 301, 301, 301)), [0, 0, 1, 1, 0])

    def test_a_jump_is_in_one_window_only(self):
        found = rates((7, 7, 7, 157, 157, 157, 157, 157))
        self.assertEqual(found, [0, 0, 0, 0, 150, 150, 0, 0])

    def test_a_slow_poll_is_a_window_of_its_own(self):
        self.assertEqual(rates((0, 200, 200), 2500), [0, 80, 0])

    def test_fast_samples_make_no_shorter_window(self):
        self.assertEqual(rates(range(0, 88, 8), 100), [0] * 10 + [80])

    def test_the_first_sample_is_no_jump(self):
        self.assertEqual(rates((1000,), 60000), [0])

    def test_two_samples_of_one_moment_are_in_one_window(self):
        rate = VoltageRate()
        self.assertEqual([rate.step(0, 0), rate.step(100, 0), rate.step(100, 1000)], [0, 0, 100])


if __name__ == "__main__":
    unittest.main()
