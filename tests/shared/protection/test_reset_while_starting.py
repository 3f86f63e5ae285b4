"""A BMS that measures nothing until its relay lets it start: only service may release its trip."""

import unittest

from protection_bench import Bench

from gateway.protection import rules
from gateway.protection.latches import BY_OPERATOR, BY_SERVICE, NO_DATA, RELEASED, STILL_HOLDS
from gateway.rack import data as slots


def reset(bench, by=BY_SERVICE):
    return bench.protection.reset(by, bench.clock.ticks())


class TrippedTest(unittest.TestCase):
    """The rack trips, opens, and its BMS falls back to "not started"."""

    def setUp(self):
        self.bench = Bench()
        self.bench.fresh(1000)
        self.bench.put({slots.CELL_MAX_MV: 3800})
        self.bench.fresh(5000)
        self.assertEqual(self.bench.level_of("cell_overvoltage"), 3)

    def test_service_releases_it_and_it_may_start(self):
        self.bench.starts(5000)
        self.assertFalse(self.bench.decision.permit)
        self.assertEqual(reset(self.bench), RELEASED)
        self.assertTrue(self.bench.decision.permit)
        self.assertEqual(self.bench.decision.charge_da, 0)
        self.assertEqual(self.bench.decision.discharge_da, 0)

    def test_an_operator_does_not(self):
        self.bench.starts(3600 * 1000)
        self.assertEqual(reset(self.bench, BY_OPERATOR), STILL_HOLDS)
        self.assertFalse(self.bench.decision.permit)

    def test_what_still_holds_trips_again(self):
        self.bench.starts(5000)
        self.assertEqual(reset(self.bench), RELEASED)
        self.bench.fresh(5000)
        self.assertFalse(self.bench.decision.permit)
        self.assertTrue("cell_overvoltage" in self.bench.protection.latches.names())
        self.assertEqual(reset(self.bench), STILL_HOLDS)  # it measures now

    def test_a_sign_of_life_that_is_old_is_none(self):
        self.bench.starts(5000)
        self.bench.silence(self.bench.data.stale_after_ms + 50)
        self.assertEqual(reset(self.bench), NO_DATA)

    def test_lost_communication_must_be_over(self):
        self.bench.silence(20000)
        self.bench.starts(60000)
        self.assertEqual(reset(self.bench), NO_DATA)
        self.bench.starts(20000)
        self.assertEqual(reset(self.bench), RELEASED)


class TimerTest(unittest.TestCase):
    def test_what_time_alone_judges_is_judged_while_it_starts(self):
        bench = Bench()
        bench.fresh(1000)
        bench.protection.latches.trip(rules.IMPLAUSIBLE)
        bench.protection.restored()
        bench.starts(500)
        self.assertEqual(reset(bench), STILL_HOLDS)
        bench.starts(120000)
        self.assertEqual(reset(bench), RELEASED)


class RestartedTest(unittest.TestCase):
    """The latches came from flash, or count as set, and nothing was measured since."""

    def setUp(self):
        self.bench = Bench()
        self.bench.protection.latches.hold_all()
        self.bench.protection.restored()

    def test_service_releases_them(self):
        self.bench.starts(120000)
        self.assertEqual(reset(self.bench, BY_OPERATOR), NO_DATA)
        self.assertFalse(self.bench.decision.permit)
        self.assertEqual(reset(self.bench), RELEASED)
        self.assertTrue(self.bench.decision.permit)
        self.assertFalse(self.bench.protection.latches.any_held)

    def test_silence_is_no_start(self):
        self.bench.silence(100)
        self.assertEqual(reset(self.bench), NO_DATA)

    def test_a_rack_that_measures_must_show_it(self):
        self.bench.fresh(1000)
        self.bench.starts(500)
        self.bench.fresh(500)
        self.assertEqual(self.bench.protection.levels[rules.CELL_OVERVOLTAGE], 3)
        self.assertEqual(reset(self.bench), STILL_HOLDS)


if __name__ == "__main__":
    unittest.main()
