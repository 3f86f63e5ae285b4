import unittest

from protection_bench import Bench

from gateway.outputs.release import Release
from gateway.protection import rules
from gateway.protection.latches import BY_SERVICE, RELEASED

LOOPS = [
    {"name": "reset", "number": 0, "role": "reset"},
    {"name": "smoke1", "number": 1, "role": "smoke"},
    {"name": "smoke2", "number": 2, "role": "smoke"},
    {"name": "door", "number": 3, "role": "door"},
]
ESTOP = [{"name": "estop", "number": 4, "role": "estop"}]
DELAY_MS = 10000


class Site(Bench):
    def __init__(self, loops=LOOPS):
        super().__init__(inputs=loops)
        self.release = Release(self.interlocks, rules.SMOKE, DELAY_MS, self.clock.ticks())

    def smoke_ms(self, duration_ms, armed=True):
        """Time passes; whether it is released then."""
        for _ in range(duration_ms // 50):
            self.inputs_for(50)
            self.release.step(armed, self.clock.ticks())
        return self.release.fire


class ReleaseTest(unittest.TestCase):
    def test_two_detectors_for_the_whole_delay(self):
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertFalse(site.smoke_ms(DELAY_MS - 100))
        self.assertTrue(site.smoke_ms(300))

    def test_to_the_millisecond_and_for_as_long_as_it_burns(self):
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = False
        site.inputs_for(50)
        site.release.step(False, site.clock.ticks())
        for after_ms, fire in ((DELAY_MS - 1, False), (1, True)):
            site.release.step(True, site.clock.advance(after_ms))
            self.assertEqual(site.release.fire, fire)
        for _ in range(30 * 24):
            site.release.step(True, site.clock.advance(3600000))
            self.assertTrue(site.release.fire)

    def test_what_is_released_stays_so_until_the_smoke_is_reset(self):
        """Whatever burns meanwhile: a detector, the loops' supply, the time after a stall."""
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertTrue(site.smoke_ms(DELAY_MS + 200))
        site.inputs.levels[3] = False
        self.assertTrue(site.smoke_ms(1000))
        self.assertTrue(site.smoke_ms(1000, armed=False))
        site.inputs.levels[1] = site.inputs.levels[2] = site.inputs.levels[3] = True
        self.assertTrue(site.smoke_ms(120000))
        self.assertEqual(site.interlocks.reset(BY_SERVICE), RELEASED)
        self.assertFalse(site.smoke_ms(50))
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertFalse(site.smoke_ms(DELAY_MS - 100))
        self.assertTrue(site.smoke_ms(300))

    def test_one_detector_never_does(self):
        site = Site()
        site.inputs.levels[1] = False
        self.assertFalse(site.smoke_ms(60000))

    def test_a_cause_that_goes_for_a_moment_starts_the_delay_again(self):
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = False
        site.smoke_ms(DELAY_MS - 500)
        site.inputs.levels[1] = True
        site.smoke_ms(100)
        site.inputs.levels[1] = False
        self.assertFalse(site.smoke_ms(DELAY_MS - 100))
        self.assertTrue(site.smoke_ms(300))

    def test_all_loops_open_at_once_are_a_lost_supply(self):
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = site.inputs.levels[3] = False
        self.assertFalse(site.smoke_ms(60000))
        self.assertFalse(site.decision.permit)  # for a trip it is enough
        site.inputs.levels[3] = True
        self.assertTrue(site.smoke_ms(DELAY_MS + 200))

    def test_a_loop_that_closes_on_alarm_is_healthy_while_it_is_open(self):
        site = Site(LOOPS[:3] + [dict(LOOPS[3], alarm_level=1)])
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertFalse(site.smoke_ms(60000))  # the door stands open
        site.inputs.levels[3] = False
        self.assertTrue(site.smoke_ms(DELAY_MS + 200))

    def test_where_no_other_loop_is_wired_two_detectors_must_do(self):
        site = Site(LOOPS[:3])
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertTrue(site.smoke_ms(DELAY_MS + 200))

    def test_somebody_who_pushes_the_emergency_stop_stops_no_extinguisher(self):
        site = Site(LOOPS[:3] + ESTOP)
        site.inputs.levels[1] = site.inputs.levels[2] = site.inputs.levels[4] = False
        self.assertTrue(site.smoke_ms(DELAY_MS + 200))

    def test_not_while_detectors_power_up_with_the_board(self):
        site = Site()
        site.inputs.levels[1] = site.inputs.levels[2] = False
        self.assertFalse(site.smoke_ms(60000, armed=False))
        self.assertFalse(site.smoke_ms(DELAY_MS - 100))
        self.assertTrue(site.smoke_ms(300))


if __name__ == "__main__":
    unittest.main()
