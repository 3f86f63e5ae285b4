"""When a contactor is late, when a precharge has failed: the last millisecond of each time."""

import unittest

from fake_hardware import HandClock

from gateway.protection.contactor_watch import ContactorWatch
from gateway.rack.data import ABSENT, CONTACTOR_CLOSED, CONTACTOR_OPEN, CONTACTOR_UNKNOWN

PRECHARGING = 2
LONGEST_TRY_MS, FORGET_MS, MOST_TRIES = 15000, 60000, 100
HOUR_MS = 3600000


class Bench:
    """A contactor that reads closed and carries no current."""

    def __init__(self, start=0x3FFFF000):
        self.clock = HandClock(start)
        self.watch = ContactorWatch()
        self.watch.order(False, start)
        self.watch.take(CONTACTOR_CLOSED, False)

    def see(self, after_ms, state, flowing=False):
        """A fresh summary; (milliseconds of mismatch, failed tries)."""
        self.clock.advance(after_ms)
        self.watch.take(state, flowing)
        return self.judged()

    def judged(self, fresh=True):
        now = self.clock.ticks()
        return self.watch.mismatch_ms(fresh, now), self.watch.failed_tries(fresh, now)

    def order(self, ordered):
        self.watch.order(ordered, self.clock.ticks())


class OrderTest(unittest.TestCase):
    def test_the_second_summary_after_the_order_tells(self):
        bench = Bench()
        bench.order(True)
        self.assertEqual(bench.judged()[0], ABSENT)
        self.assertEqual(bench.see(300, CONTACTOR_CLOSED)[0], ABSENT)
        self.assertEqual(bench.see(300, CONTACTOR_CLOSED)[0], 600)
        self.assertEqual(bench.judged(fresh=False)[0], ABSENT)
        self.assertEqual(bench.judged()[0], 600)

    def test_an_order_that_is_repeated_is_one_order(self):
        bench = Bench()
        for _ in range(4):
            bench.order(True)
            found = bench.see(250, CONTACTOR_CLOSED)
        self.assertEqual(found[0], 1000)

    def test_a_new_order_counts_anew(self):
        bench = Bench()
        bench.order(True)
        bench.see(500, CONTACTOR_CLOSED)
        bench.see(500, CONTACTOR_CLOSED)
        bench.order(False)
        self.assertEqual(bench.judged()[0], 0)
        bench.order(True)
        self.assertEqual(bench.see(100, CONTACTOR_CLOSED)[0], ABSENT)
        self.assertEqual(bench.see(100, CONTACTOR_CLOSED)[0], 200)

    def test_closed_or_a_current_is_no_obedience_and_nothing_else_is_held_against_it(self):
        for state, flowing, expected_ms in (
            (CONTACTOR_CLOSED, False, 800),
            (CONTACTOR_OPEN, True, 800),
            (PRECHARGING, True, 800),
            (CONTACTOR_OPEN, False, 0),
            (PRECHARGING, False, 0),
            (CONTACTOR_UNKNOWN, False, 0),
        ):
            bench = Bench()
            bench.order(True)
            bench.see(400, state, flowing)
            self.assertEqual(bench.see(400, state, flowing)[0], expected_ms, (state, flowing))

    def test_it_counts_from_the_last_moment_in_which_it_was_obeyed(self):
        bench = Bench()
        bench.order(True)
        bench.see(400, CONTACTOR_OPEN)
        bench.see(400, CONTACTOR_OPEN)
        self.assertEqual(bench.see(400, CONTACTOR_CLOSED)[0], 400)

    def test_a_mismatch_of_weeks_is_one_still(self):
        bench = Bench()
        bench.order(True)
        bench.see(500, CONTACTOR_CLOSED)
        for _ in range(30 * 24):
            self.assertTrue(bench.see(HOUR_MS, CONTACTOR_CLOSED)[0] >= HOUR_MS // 4)


class OddTest(unittest.TestCase):
    def test_without_an_order_a_current_through_an_open_contactor_counts(self):
        bench = Bench()
        self.assertEqual(bench.judged()[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 100)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 200)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, False)[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_UNKNOWN, True)[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN, True)[0], 100)

    def test_weeks_of_it_are_no_new_beginning(self):
        bench = Bench()
        bench.see(100, CONTACTOR_OPEN, True)
        for _ in range(30 * 24):
            self.assertTrue(bench.see(HOUR_MS, CONTACTOR_OPEN, True)[0] >= HOUR_MS // 4)


class PrechargeTest(unittest.TestCase):
    def test_nothing_is_known_before_the_first_summary(self):
        watch = ContactorWatch()
        self.assertEqual(watch.failed_tries(False, 100), 0)
        self.assertEqual(watch.mismatch_ms(False, 100), ABSENT)

    def test_the_longest_try_is_not_over_and_one_millisecond_more_is(self):
        bench = Bench()
        bench.see(0, PRECHARGING)
        self.assertEqual(bench.see(LONGEST_TRY_MS, PRECHARGING)[1], 0)
        self.assertEqual(bench.see(1, PRECHARGING)[1], 1)
        self.assertEqual(bench.see(LONGEST_TRY_MS, PRECHARGING)[1], 1)
        self.assertEqual(bench.see(1, PRECHARGING)[1], 2)

    def test_a_try_that_closes_is_none_and_forgets_the_others(self):
        bench = Bench()
        for _ in range(2):
            bench.see(100, PRECHARGING)
            bench.see(100, CONTACTOR_OPEN)
        self.assertEqual(bench.see(100, PRECHARGING)[1], 2)
        self.assertEqual(bench.see(LONGEST_TRY_MS, CONTACTOR_CLOSED)[1], 0)
        self.assertEqual(bench.see(100, PRECHARGING)[1], 0)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN)[1], 1)

    def test_failed_ones_are_forgotten_after_a_minute_without_another_one(self):
        bench = Bench()
        bench.see(100, PRECHARGING)
        self.assertEqual(bench.see(500, CONTACTOR_OPEN)[1], 1)
        self.assertEqual(bench.see(FORGET_MS, CONTACTOR_OPEN)[1], 1)
        self.assertEqual(bench.see(1, CONTACTOR_OPEN)[1], 0)

    def test_while_one_goes_on_nothing_is_forgotten(self):
        bench = Bench()
        bench.see(100, PRECHARGING)
        bench.see(500, CONTACTOR_OPEN)
        bench.see(FORGET_MS, PRECHARGING)
        self.assertEqual(bench.see(100, PRECHARGING)[1], 1)
        self.assertEqual(bench.see(100, CONTACTOR_OPEN)[1], 2)
        self.assertEqual(bench.see(FORGET_MS, CONTACTOR_OPEN)[1], 2)

    def test_old_data_change_nothing(self):
        bench = Bench()
        bench.see(100, PRECHARGING)
        bench.see(500, CONTACTOR_OPEN)
        bench.clock.advance(2 * FORGET_MS)
        self.assertEqual(bench.judged(fresh=False)[1], 1)
        self.assertEqual(bench.judged()[1], 0)

    def test_the_counter_has_an_end(self):
        bench = Bench()
        for _ in range(MOST_TRIES + 5):
            bench.see(100, PRECHARGING)
            tries = bench.see(100, CONTACTOR_OPEN)[1]
        self.assertEqual(tries, MOST_TRIES)

    def test_eight_days_of_silence_are_a_long_time(self):
        bench = Bench()
        bench.see(100, PRECHARGING)
        bench.see(100, CONTACTOR_OPEN)
        for _ in range(8 * 24):  # longer than ticks compare
            bench.clock.advance(HOUR_MS)
            self.assertEqual(bench.judged(fresh=False)[1], 1)
        self.assertEqual(bench.judged()[1], 0)


if __name__ == "__main__":
    unittest.main()
