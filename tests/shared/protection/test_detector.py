import unittest

from detector_bench import DetectorBench


class Bank:
    """One detector fed by hand: 3650/3450 mV, 1000 ms to set, 2000 ms to clear."""

    def __init__(self, side=1, delay_ms=1000):
        set_point, clear_point = (3650, 3450) if side > 0 else (2500, 2800)
        self.bench = DetectorBench(set_point, clear_point, delay_ms, 2000, side)

    def feed(self, values, elapsed_ms=500):
        return self.bench.feed(values, elapsed_ms)


class SetTest(unittest.TestCase):
    def test_trips_when_bad_samples_span_the_delay(self):
        bank = Bank()
        self.assertFalse(bank.feed([3300, 3650, 3650]))
        self.assertTrue(bank.feed([3650]))

    def test_the_set_point_itself_is_bad_and_one_below_is_not(self):
        self.assertTrue(Bank().feed([3650] * 3))
        self.assertFalse(Bank().feed([3649] * 100))
        self.assertTrue(Bank(side=-1).feed([2500] * 3))
        self.assertFalse(Bank(side=-1).feed([2501] * 100))

    def test_a_few_ms_of_jitter_cost_no_further_sample(self):
        for elapsed_ms, trips in ((500, True), (499, True), (498, True), (497, False)):
            bank = Bank()
            self.assertEqual(bank.feed([3650] * 3, elapsed_ms), trips, elapsed_ms)

    def test_one_sample_never_trips_however_long_it_stands(self):
        bank = Bank()
        self.assertFalse(bank.feed([3700], 60000))
        self.assertFalse(bank.feed([3300], 500))

    def test_zero_delay_needs_no_second_sample(self):
        self.assertTrue(Bank(delay_ms=0).feed([3700]))

    def test_stale_time_neither_advances_nor_resets(self):
        bank = Bank()
        bank.feed([3700, 3700])  # 500 ms bad
        self.assertFalse(bank.feed([3700], 0))  # none of the time before it was fresh
        self.assertTrue(bank.feed([3700]))

    def test_duty_above_a_third_trips_below_it_never(self):
        self.assertTrue(Bank().feed([3700, 3300] * 20))
        self.assertTrue(Bank().feed([3700, 3700, 3300, 3300, 3300] * 40))
        self.assertFalse(Bank().feed([3700, 3300, 3300] * 1000))
        self.assertFalse(Bank().feed([3700, 3300, 3300, 3300] * 1000))

    def test_the_band_keeps_the_last_verdict(self):
        self.assertTrue(Bank().feed([3650, 3500, 3500]))
        self.assertFalse(Bank().feed([3300, 3600, 3600, 3600]))


class ClearTest(unittest.TestCase):
    def setUp(self):
        self.bank = Bank()
        self.assertTrue(self.bank.feed([3700] * 3))

    def test_clears_after_the_whole_clear_delay(self):
        self.assertTrue(self.bank.feed([3450] * 4))
        self.assertFalse(self.bank.feed([3450]))

    def test_a_sample_in_the_band_starts_the_clear_delay_again(self):
        self.assertTrue(self.bank.feed([3450] * 4 + [3451] + [3450] * 4))
        self.assertFalse(self.bank.feed([3450]))

    def test_the_time_since_a_sample_in_the_band_does_not_count(self):
        self.assertTrue(self.bank.feed([3450, 3451]))
        self.assertTrue(self.bank.feed([3450], 2000))
        self.assertFalse(self.bank.feed([3450], 2000))

    def test_after_clearing_it_trips_anew_with_the_full_delay(self):
        self.bank.feed([3300] * 5)
        self.assertFalse(self.bank.feed([3700, 3700]))
        self.assertTrue(self.bank.feed([3700]))

    def test_a_gap_does_not_clear(self):
        for _ in range(50):
            self.bank.bench.step(3300, 500, True)
        self.assertTrue(self.bank.bench.active)


if __name__ == "__main__":
    unittest.main()
