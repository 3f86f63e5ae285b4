"""What a bank of detectors tells beside its verdicts, and the last millisecond of each delay."""

import unittest

from gateway.config.limits import Limit
from gateway.protection.detector import Detectors
from gateway.protection.thresholds import Thresholds

SET, CLEAR = 3650, 3450


def bank(count=3, delay_ms=1000, clear_ms=2000):
    """Detectors that are all the same."""
    limit = Limit(SET, CLEAR, delay_ms, clear_ms)
    return Detectors(Thresholds([(limit, 1)] * count))


def feed(detectors, number, values, elapsed_ms=500, gap=False):
    """Whether the last value changed its verdict."""
    changed = False
    for value in values:
        changed = detectors.step(number, value, SET, CLEAR, elapsed_ms, 0 if gap else elapsed_ms)
    return changed


def active(detectors, count):
    """Of each whether it is."""
    return [detectors.is_active(number) for number in range(count)]


class RemainingTest(unittest.TestCase):
    def test_it_counts_down_to_nothing(self):
        detectors = bank()
        self.assertEqual(detectors.remaining_ms(1), 995)  # 5 ms are the resolution of time
        feed(detectors, 1, [3700])
        self.assertEqual(detectors.remaining_ms(1), 995)
        feed(detectors, 1, [3700], 400)
        self.assertEqual(detectors.remaining_ms(1), 595)
        feed(detectors, 1, [3700], 601)
        self.assertEqual(detectors.remaining_ms(1), 0)

    def test_what_was_counted_stays_until_it_begins_to_clear(self):
        detectors = bank()
        self.assertEqual(detectors.counted_ms(1), 0)
        feed(detectors, 1, [3700, 3700], 600)
        self.assertEqual(detectors.counted_ms(1), 600)
        feed(detectors, 1, [3700, 3700, CLEAR + 1], 600)
        self.assertEqual((detectors.is_active(1), detectors.counted_ms(1)), (True, 1200))
        feed(detectors, 1, [3300], 600)
        self.assertEqual((detectors.is_active(1), detectors.counted_ms(1)), (True, 0))
        feed(detectors, 1, [3300] * 4, 600)
        self.assertEqual((detectors.is_active(1), detectors.counted_ms(1)), (False, 0))

    def test_half_a_millisecond_counts_as_one(self):
        detectors = bank()
        feed(detectors, 0, [3700, 3700], 100)
        feed(detectors, 0, [3300], 0)
        feed(detectors, 0, [3300], 1)
        self.assertEqual(detectors.remaining_ms(0), 896)

    def test_nothing_remains_of_no_delay(self):
        self.assertEqual(bank(delay_ms=0).remaining_ms(0), 0)

    def test_what_is_left_over_is_running_until_the_last_half_millisecond(self):
        detectors = bank()
        feed(detectors, 0, [3700, 3300], 10)  # 20 half milliseconds
        for _ in range(19):
            feed(detectors, 0, [3300], 1)
            self.assertTrue(detectors.is_running(0))
        feed(detectors, 0, [3300], 1)
        self.assertFalse(detectors.is_running(0))
        self.assertEqual(detectors.remaining_ms(0), 995)


class IdleTest(unittest.TestCase):
    def test_all_are_idle_at_first_and_after_clearing(self):
        detectors = bank()
        self.assertTrue(detectors.are_idle(0, 3))
        feed(detectors, 1, [3700] * 3)
        self.assertFalse(detectors.are_idle(0, 3))
        feed(detectors, 1, [3300] * 5)
        self.assertTrue(detectors.are_idle(0, 3))

    def test_others_outside_of_the_range_do_not_count(self):
        detectors = bank()
        feed(detectors, 0, [3700])
        feed(detectors, 2, [3700])
        self.assertTrue(detectors.are_idle(1, 2))
        self.assertFalse(detectors.are_idle(0, 1))
        self.assertFalse(detectors.are_idle(2, 3))

    def test_a_count_that_is_left_is_not_idle(self):
        detectors = bank()
        feed(detectors, 0, [3700, 3300], 10)  # good now, but the bad time before still counts
        self.assertFalse(detectors.are_idle(0, 1))
        feed(detectors, 0, [3300], 20)
        self.assertTrue(detectors.are_idle(0, 1))

    def test_one_bad_sample_without_time_is_not_idle_afterwards(self):
        detectors = bank()
        feed(detectors, 0, [3700], 0)
        feed(detectors, 0, [3300], 0)
        self.assertFalse(detectors.are_idle(0, 1))  # the second bad sample would be the second

    def test_what_is_about_to_clear_is_not_idle(self):
        detectors = bank()
        detectors.force(1)
        feed(detectors, 1, [3300])
        self.assertFalse(detectors.are_idle(0, 3))


class ForceTest(unittest.TestCase):
    def test_time_is_cleared_by_the_millisecond(self):
        detectors = bank()
        detectors.force(0)
        feed(detectors, 0, [3300], 0)
        self.assertFalse(feed(detectors, 0, [3300], 1))
        self.assertFalse(feed(detectors, 0, [3300], 1998))
        self.assertTrue(feed(detectors, 0, [3300], 1))

    def test_the_whole_clear_delay_must_pass(self):
        detectors = bank()
        detectors.force(1)
        self.assertEqual(active(detectors, 3), [False, True, False])
        self.assertFalse(feed(detectors, 1, [3300], 60000))
        self.assertFalse(feed(detectors, 1, [3300], 1999))
        self.assertTrue(feed(detectors, 1, [3300], 1))
        self.assertEqual(active(detectors, 3), [False] * 3)

    def test_a_gap_while_clearing_adds_no_time_at_all(self):
        detectors = bank()
        detectors.force(0)
        feed(detectors, 0, [3300], 500)
        for _ in range(10):
            feed(detectors, 0, [3300], 500, True)
        self.assertFalse(feed(detectors, 0, [3300], 1999))
        self.assertTrue(feed(detectors, 0, [3300], 1))


class ReleaseTest(unittest.TestCase):
    def test_it_is_as_at_the_start_and_its_neighbours_are_not_touched(self):
        detectors = bank(4)
        for number in range(4):
            feed(detectors, number, [3700] * 3)
        detectors.release(1, 3)
        self.assertEqual(active(detectors, 4), [True, False, False, True])
        self.assertTrue(detectors.are_idle(1, 3))
        self.assertEqual(detectors.remaining_ms(1), 995)
        self.assertFalse(feed(detectors, 2, [3700], 60000))  # the first sample after the start
        self.assertTrue(feed(detectors, 2, [3700], 1000))

    def test_what_counts_is_forgotten_too(self):
        detectors = bank()
        feed(detectors, 0, [3700, 3700], 900)
        detectors.release(0, 1)
        self.assertFalse(detectors.is_running(0))
        self.assertTrue(detectors.are_idle(0, 1))


class CountTest(unittest.TestCase):
    def test_only_a_change_is_told(self):
        detectors = bank(delay_ms=100)
        told = []
        for value in (3300, 3700, 3700, 3700, 3700, 3300, 3500, 3300, 3300):
            told.append(feed(detectors, 0, [value], 60))
        self.assertEqual(told, [False, False, False, True, False, False, False, False, False])

    def test_every_millisecond_counts_whole(self):
        detectors = bank(delay_ms=10)
        feed(detectors, 0, [3700])
        told = [feed(detectors, 0, [3700], 1) for _ in range(5)]
        self.assertEqual(told, [False, False, False, False, True])

    def test_what_was_counted_is_told_in_whole_milliseconds(self):
        detectors = bank()
        feed(detectors, 0, [3700, 3700], 100)
        feed(detectors, 0, [3300], 0)
        feed(detectors, 0, [3300], 1)
        counted_ms = detectors.counted_ms(0)
        self.assertEqual(counted_ms, 99)
        self.assertTrue(isinstance(counted_ms, int))

    def test_bad_time_that_good_time_takes_away_to_the_last_needs_two_samples_anew(self):
        detectors = bank(delay_ms=100)
        feed(detectors, 0, [3700, 3700], 20)  # 40 half milliseconds, two samples
        feed(detectors, 0, [3300], 0)
        feed(detectors, 0, [3300], 40)
        self.assertFalse(feed(detectors, 0, [3700], 0))
        self.assertTrue(feed(detectors, 0, [3700], 100))

    def test_one_half_millisecond_that_is_left_keeps_the_samples(self):
        detectors = bank(delay_ms=10)
        feed(detectors, 0, [3700, 3700, 3300], 2)  # 8 half milliseconds
        feed(detectors, 0, [3300], 7)
        self.assertFalse(detectors.are_idle(0, 1))
        self.assertEqual(detectors.remaining_ms(0), 5)  # 10 - 1 half milliseconds, rounded up


if __name__ == "__main__":
    unittest.main()
