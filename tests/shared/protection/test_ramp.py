import unittest

from gateway.clock import TICKS_MASK, add
from gateway.protection.ramp import Ramp


class Drive:
    """A ramp of 3.1 A/s (1 % of 314 A) after 30 s, called every 100 ms."""

    def __init__(self, hold_ms=30000, rise_da=50, rise_pm=10, rating_da=3140, now=0):
        self.now = now
        self.ramp = Ramp(rating_da, hold_ms, rise_da, rise_pm, now)

    def run(self, target_da, duration_ms, period_ms=100):
        """What is granted at the end."""
        for _ in range(duration_ms // period_ms):
            self.now = add(self.now, period_ms)
            self.ramp.step(target_da, self.now)
        return self.ramp.granted_da

    def at(self, target_da):
        """Brought to a target, long ago."""
        self.run(target_da, 400000, 1000)
        assert self.ramp.granted_da == target_da
        return self


class RiseTest(unittest.TestCase):
    def test_starts_at_nothing_and_rises_once_a_second(self):
        drive = Drive()
        self.assertEqual(drive.ramp.step(3140, drive.now), 0)
        self.assertEqual(drive.run(3140, 900), 0)
        self.assertEqual(drive.run(3140, 100), 31)
        self.assertEqual(drive.run(3140, 900), 31)
        self.assertEqual(drive.run(3140, 8100), 310)

    def test_published_ramp_of_half_an_ampere_per_second(self):
        """Published: 0 A, 0.5 A after 1 s, 1.0 A after 1 s, 1.4 A after 0.8 s.

        Ours moves in whole seconds on purpose: a limit that changes with each call would be
        written to the rack and published each time. It is never above the published one.
        """
        drive = Drive(hold_ms=0, rise_da=5, rise_pm=1000, rating_da=1000)
        self.assertEqual(drive.ramp.step(1000, drive.now), 0)
        self.assertEqual(drive.run(1000, 1000), 5)
        self.assertEqual(drive.run(1000, 1000), 10)
        self.assertEqual(drive.run(1000, 800), 10)  # published: 14
        self.assertEqual(drive.run(1000, 200), 15)

    def test_the_second_must_be_over(self):
        drive = Drive()
        self.assertEqual(drive.run(3140, 999, 999), 0)
        self.assertEqual(drive.run(3140, 1, 1), 31)

    def test_the_smaller_rate_counts(self):
        for rise_da, rise_pm, step_da in ((50, 10, 31), (20, 10, 20), (50, 100, 50)):
            self.assertEqual(Drive(rise_da=rise_da, rise_pm=rise_pm).run(3140, 1000), step_da)

    def test_the_smallest_step_is_a_tenth_of_an_ampere(self):
        self.assertEqual(Drive(rating_da=99).run(99, 2000), 2)
        self.assertEqual(Drive(rise_da=0).run(99, 2000), 2)

    def test_never_beyond_the_target(self):
        self.assertEqual(Drive().run(40, 60000), 40)

    def test_a_higher_target_is_reached_slowly_without_a_hold(self):
        drive = Drive().at(1000)
        self.assertEqual(drive.run(2000, 900), 1000)
        self.assertEqual(drive.run(2000, 100), 1031)

    def test_a_stall_is_not_caught_up_with(self):
        drive = Drive()
        self.assertEqual(drive.run(3140, 20000, 20000), 31)
        self.assertEqual(drive.run(3140, 900), 31)


class FallTest(unittest.TestCase):
    def test_falls_at_once(self):
        drive = Drive().at(3140)
        self.assertEqual(drive.ramp.step(3139, drive.now), 3139)
        self.assertEqual(drive.ramp.step(0, drive.now), 0)

    def test_rises_again_after_the_hold_and_a_second(self):
        drive = Drive().at(3140)
        drive.ramp.step(1000, drive.now)
        self.assertEqual(drive.run(3140, 30900), 1000)
        self.assertEqual(drive.run(3140, 100), 1031)
        self.assertEqual(drive.run(3140, 1000), 1062)

    def test_each_fall_restarts_the_hold(self):
        drive = Drive().at(3140)
        drive.ramp.step(1000, drive.now)
        drive.run(3140, 29000)
        self.assertEqual(drive.ramp.step(999, drive.now), 999)
        self.assertEqual(drive.run(3140, 30900), 999)
        self.assertEqual(drive.run(3140, 100), 1030)

    def test_a_fall_during_the_rise_restarts_it_too(self):
        drive = Drive()
        self.assertEqual(drive.run(3140, 10000), 310)
        self.assertEqual(drive.run(309, 100), 309)
        self.assertEqual(drive.run(3140, 30800), 309)
        self.assertEqual(drive.run(3140, 100), 309)
        self.assertEqual(drive.run(3140, 100), 340)

    def test_a_target_that_only_loses_what_was_not_granted_is_no_fall(self):
        drive = Drive()
        drive.run(3140, 1000)
        drive.run(100, 500)
        self.assertEqual(drive.run(3140, 500), 62)

    def test_the_hold_passes_while_the_target_stays_low(self):
        drive = Drive().at(3140)
        drive.run(1000, 60000)
        self.assertEqual(drive.run(3140, 900), 1000)
        self.assertEqual(drive.run(3140, 100), 1031)


class LimitingTest(unittest.TestCase):
    def test_tells_whether_it_is_the_ramp_that_limits(self):
        drive = Drive()
        self.assertFalse(drive.ramp.limiting)
        drive.run(62, 100)
        self.assertTrue(drive.ramp.limiting)
        drive.run(62, 2000)
        self.assertFalse(drive.ramp.limiting)
        drive.ramp.step(10, drive.now)
        self.assertFalse(drive.ramp.limiting)


class LeftOutTest(unittest.TestCase):
    """Steps with the same target may be left out until a rise is due, if that is told before."""

    def leave_out(self, drive, duration_ms):
        drive.now = add(drive.now, duration_ms)
        drive.ramp.catch_up(drive.now)

    def test_time_at_the_target_is_no_part_of_the_second_before_a_rise(self):
        drive = Drive().at(1000)
        self.leave_out(drive, 700)
        self.assertEqual(drive.run(3140, 900), 1000)
        self.assertEqual(drive.run(3140, 100), 1031)

    def test_time_on_the_way_to_it_is(self):
        drive = Drive().at(1000)
        drive.run(3140, 100)
        self.assertEqual(drive.ramp.wait_ms, 900)
        self.leave_out(drive, 800)
        self.assertEqual(drive.ramp.wait_ms, 100)
        self.assertEqual(drive.run(3140, 99, 99), 1000)
        self.assertEqual(drive.run(3140, 1, 1), 1031)

    def test_the_wait_after_a_fall_goes_on(self):
        drive = Drive().at(1000)
        drive.run(500, 100)
        self.leave_out(drive, 20000)
        self.assertEqual(drive.ramp.wait_ms, 11000)
        self.leave_out(drive, 10500)
        self.assertEqual(drive.ramp.wait_ms, 1000)


class TicksTest(unittest.TestCase):
    def test_a_wrap_of_the_ticks_changes_nothing(self):
        drive = Drive(now=TICKS_MASK - 2500)
        self.assertEqual([drive.run(3140, 1000) for _ in range(4)], [31, 62, 93, 124])

    def test_weeks_at_the_target_change_nothing(self):
        drive = Drive().at(1000)
        drive.run(1000, 20 * 86400000, 43200000)
        self.assertEqual(drive.run(3140, 900), 1000)
        self.assertEqual(drive.run(3140, 100), 1031)


if __name__ == "__main__":
    unittest.main()
