import unittest

from peak_bench import PeakBench

CAPACITY_DAH = 3140
# Milliseconds to a full bucket at currents in 0.01 C, and back to empty at shares of the
# continuous current, per continuous C-rate: calculated from the definition.
TABLE = (
    # continuous, ((current, ms), ...), ((share of the continuous current in %, ms), ...)
    (
        50,
        (
            (110, 117000), (120, 94500), (125, 85700), (150, 56200), (175, 40000),
            (200, 30000), (250, 18750),
        ),
        ((0, 450000), (50, 600000)),
    ),
    (
        100,
        (
            (110, 428600), (120, 204500), (125, 160000), (150, 72000), (175, 43600),
            (200, 30000), (250, 17140),
        ),
        ((0, 90000), (50, 120000)),
    ),
)  # fmt: skip


def amperes(centi_c, capacity_dah=CAPACITY_DAH):
    return capacity_dah * centi_c // 100


def time_to(budget, fill, current_da, elapsed_ms=100):
    """Milliseconds at a constant current until the fill is there."""
    spent_ms = 0
    for _ in range(40000):
        spent_ms += elapsed_ms
        if budget.step(current_da, True, elapsed_ms) == fill:
            return spent_ms
    return -1


def full(continuous_da, capacity_dah=CAPACITY_DAH):
    budget = PeakBench(continuous_da, capacity_dah)
    budget.step(32000, True, 10000)
    return budget


class TableTest(unittest.TestCase):
    def assert_close(self, measured_ms, expected_ms, what):
        self.assertTrue(
            abs(measured_ms - expected_ms) * 100 <= expected_ms, (what, measured_ms, expected_ms)
        )

    def test_times_to_a_full_bucket_are_within_one_percent(self):
        for capacity_dah in (2800, 3140, 5880, 12000):
            for continuous, fills, _ in TABLE:
                for current, expected_ms in fills:
                    budget = PeakBench(amperes(continuous, capacity_dah), capacity_dah)
                    measured_ms = time_to(budget, 1000, amperes(current, capacity_dah))
                    self.assert_close(measured_ms, expected_ms, (capacity_dah, current))

    def test_times_back_to_an_empty_bucket_are_within_one_percent(self):
        for continuous, _, drains in TABLE:
            continuous_da = amperes(continuous)
            for percent, expected_ms in drains:
                budget = full(continuous_da)
                measured_ms = time_to(budget, 0, continuous_da * percent // 100)
                self.assert_close(measured_ms, expected_ms, (continuous, percent))

    def test_slow_samples_give_the_same_times(self):
        for elapsed_ms in (10, 500, 1500):
            budget = PeakBench(3140, CAPACITY_DAH)
            self.assertEqual(time_to(budget, 1000, 6280, elapsed_ms), 30000)


class FillTest(unittest.TestCase):
    def test_starts_empty_and_ends_full(self):
        budget = PeakBench(3140, CAPACITY_DAH)
        self.assertEqual(budget.step(6280, True, 0), 0)
        self.assertEqual(budget.step(30000, True, 10000), 1000)
        self.assertEqual(budget.step(30000, True, 10000), 1000)

    def test_the_continuous_current_moves_nothing(self):
        budget = PeakBench(3140, CAPACITY_DAH)
        for _ in range(10):
            budget.step(6280, True, 1500)
        half = budget.step(3140, True, 0)
        self.assertEqual(half, 500)
        for _ in range(1000):
            self.assertEqual(budget.step(3140, True, 10000), half)

    def test_a_second_of_rest_does_not_give_back_29_seconds_of_peak(self):
        budget = PeakBench(3140, CAPACITY_DAH)
        for _ in range(29):
            self.assertTrue(budget.step(6280, True, 1000) < 1000)
        budget.step(0, True, 1000)
        self.assertTrue(budget.step(6280, True, 1000) < 1000)
        self.assertEqual(budget.step(6280, True, 1000), 1000)

    def test_full_is_no_fuller_for_a_larger_current(self):
        budget = full(3140)
        self.assertEqual(budget.step(30000, True, 10000), 1000)
        self.assertTrue(abs(time_to(budget, 0, 0) - 90000) <= 900)

    def test_a_current_the_other_way_counts_as_rest(self):
        one, other = full(3140), full(3140)
        self.assertEqual(one.step(-3000, True, 10000), other.step(0, True, 10000))

    def test_silence_counts_for_ten_seconds_only(self):
        rested = full(3140)
        self.assertEqual(rested.step(0, True, 3600000), full(3140).step(0, True, 10000))
        loaded = PeakBench(3140, CAPACITY_DAH)
        self.assertEqual(loaded.step(6280, True, 3600000), 333)

    def test_ten_seconds_are_the_most_whatever_flows(self):
        for current_da in range(3200, 4200):
            longest, longer = PeakBench(3140, CAPACITY_DAH), PeakBench(3140, CAPACITY_DAH)
            self.assertEqual(
                longest.step(current_da, True, 10000), longer.step(current_da, True, 10001)
            )

    def test_it_is_as_fine_as_small_integers_let_it_be(self):
        # Each 10 s take 225 * 10000 of 491520000, and 5 * 10000 of 541620000: rounded up.
        for continuous_da, capacity_dah, current_da, steps, expected in (
            (224, 144, 225, 26, 119),
            (1570, 3140, 1573, 110, 10),
        ):
            budget = PeakBench(continuous_da, capacity_dah)
            for _ in range(steps):
                found = budget.step(current_da, True, 10000)
            self.assertEqual(found, expected, current_da)


class SmallestTest(unittest.TestCase):
    """Of 1 da and 1 dah: each ms at x da takes x^2 - 1 of 90000, and 90 show."""

    def setUp(self):
        self.budget = PeakBench(1, 1)

    def fill_to_the_last(self):
        self.budget.step(2, True, 27)
        self.assertEqual(self.budget.step(3, True, 1), 0)  # 89
        self.assertEqual(self.budget.step(2, True, 1), 1)

    def test_it_begins_with_nothing(self):
        self.fill_to_the_last()

    def test_what_is_drained_whole_begins_anew(self):
        self.budget.step(3, True, 9999)
        for _ in range(10):
            found = self.budget.step(0, True, 10000)
        self.assertEqual(found, 0)
        self.fill_to_the_last()

    def test_the_last_of_it_is_taken_one_by_one(self):
        self.budget.step(3, True, 10000)
        self.assertEqual(self.budget.step(2, True, 3333), 999)  # 89999
        self.assertEqual(self.budget.step(2, True, 1), 1000)

    def test_the_last_of_it_drains_one_by_one(self):
        self.budget.step(2, True, 27)
        self.budget.step(3, True, 1)
        self.budget.step(-5, True, 50)
        self.assertEqual(self.budget.step(2, True, 16), 0)  # 39 and 48
        self.assertEqual(self.budget.step(2, True, 1), 1)


class NoPeakTest(unittest.TestCase):
    def test_any_current_above_105_percent_reads_as_full(self):
        budget = PeakBench(3140, CAPACITY_DAH)
        self.assertEqual(budget.step(3297, False, 500), 0)
        self.assertEqual(budget.step(3298, False, 500), 1000)
        self.assertEqual(budget.step(3298, True, 500), 1)

    def test_what_was_used_up_before_still_shows(self):
        budget = PeakBench(3140, CAPACITY_DAH)
        for _ in range(20):
            budget.step(6280, True, 1000)
        self.assertEqual(budget.step(3140, False, 1000), 666)


class RefusalTest(unittest.TestCase):
    def test_what_has_no_peak_is_refused(self):
        for continuous_da, capacity_dah in ((6280, 3140), (6281, 3140), (0, 3140), (100, 16384)):
            with self.assertRaises(ValueError) as caught:
                PeakBench(continuous_da, capacity_dah)
            self.assertEqual(
                str(caught.exception),
                "no peak budget: %d da of %d dah" % (continuous_da, capacity_dah),
            )

    def test_the_narrowest_budget_still_takes_thirty_seconds(self):
        for continuous_da, capacity_dah in ((6279, 3140), (1, 16383), (32765, 16383), (1, 1)):
            budget = PeakBench(continuous_da, capacity_dah)
            measured_ms = time_to(budget, 1000, 2 * capacity_dah, 1000)
            self.assertTrue(29000 <= measured_ms <= 30000, (continuous_da, measured_ms))


if __name__ == "__main__":
    unittest.main()
