import unittest

from protection_bench import Bench

from gateway.protection.latches import (
    BY_OPERATOR,
    BY_SERVICE,
    NEEDS_SERVICE,
    RELEASED,
    STILL_HOLDS,
)

NUMBERS = {
    "gas_low": (1, 2),
    "gas_high": (3,),
    "smoke": (4, 5),
    "estop": (6,),
    "leak": (7,),
}
OTHERS = {"door": (1,), "coolant": (2,)}


def wired(numbers):
    """Every input a loop that a healthy site keeps closed."""
    return [{"name": "reset", "number": 0, "role": "reset"}] + [
        {"name": "%s%d" % (role.replace("_", "-"), number), "number": number, "role": role}
        for role in sorted(numbers)
        for number in numbers[role]
    ]


class Site(Bench):
    """A rack behind interlocks; `alarm` opens loops by input number."""

    def __init__(self, numbers=NUMBERS):
        super().__init__(inputs=wired(numbers))
        self.fresh(1000)

    def alarm(self, *numbers):
        for number in numbers:
            self.inputs.levels[number] = False

    def healthy(self):
        self.inputs.levels = [False] + [True] * 7


class GasTest(unittest.TestCase):
    def test_levels_by_detectors(self):
        for numbers, rising, level in (
            ((), False, 0),
            ((1,), False, 1),
            ((1, 2), False, 2),
            ((3,), False, 3),
            ((1, 4), False, 3),
            ((1,), True, 3),
            ((), True, 0),
        ):
            site = Site()
            site.alarm(*numbers)
            site.inputs_for(50, rising=rising)
            self.assertEqual(site.level_of("gas"), level, numbers)
            self.assertEqual(site.decision.permit, level < 3)
            self.assertEqual(site.decision.at_once, level == 3)

    def test_the_first_threshold_warns_and_takes_no_current(self):
        site = Site()
        site.fresh(150000)
        site.alarm(1)
        site.inputs_for(100)
        self.assertEqual(site.decision.charge_da, 1570)
        self.assertEqual(site.decision.level, 1)
        site.alarm(2)
        site.inputs_for(100)
        self.assertEqual(site.decision.charge_da, 0)
        self.assertEqual(site.decision.discharge_da, 0)
        self.assertTrue(site.decision.permit)

    def test_a_gas_trip_needs_service(self):
        site = Site()
        site.alarm(3)
        site.inputs_for(100)
        self.assertEqual(site.interlocks.reset(BY_SERVICE), STILL_HOLDS)
        site.healthy()
        site.inputs_for(6000)
        self.assertFalse(site.decision.permit)
        self.assertEqual(site.interlocks.reset(BY_OPERATOR), NEEDS_SERVICE)
        self.assertEqual(site.interlocks.reset(BY_SERVICE), RELEASED)
        site.fresh(500)
        self.assertTrue(site.decision.permit)


class SmokeTest(unittest.TestCase):
    def test_one_detector_warns_then_stops_and_two_open(self):
        site = Site()
        site.alarm(4)
        site.inputs_for(100)
        self.assertEqual(site.level_of("smoke"), 1)
        site.inputs_for(10100)
        self.assertEqual(site.level_of("smoke"), 2)
        site.alarm(5)
        site.inputs_for(50)
        self.assertEqual(site.level_of("smoke"), 3)
        self.assertTrue(site.decision.at_once)

    def test_smoke_with_gas_opens(self):
        site = Site()
        site.alarm(4, 1)
        site.inputs_for(50)
        self.assertEqual((site.level_of("smoke"), site.level_of("gas")), (3, 3))


class OthersTest(unittest.TestCase):
    def test_emergency_stop_opens_at_once_until_a_person_resets(self):
        site = Site()
        site.alarm(6)
        site.inputs_for(40)
        self.assertFalse(site.decision.permit)
        self.assertTrue(site.decision.at_once)
        site.healthy()
        site.inputs_for(3000)
        self.assertFalse(site.decision.permit)
        self.assertEqual(site.interlocks.reset(BY_OPERATOR), RELEASED)

    def test_leak_stops_and_ends_by_itself(self):
        site = Site()
        site.alarm(7)
        site.inputs_for(1500)
        self.assertEqual(site.decision.charge_da, 0)
        self.assertTrue(site.decision.permit)
        site.healthy()
        site.inputs_for(6000)
        self.assertEqual(site.level_of("leak"), 0)

    def test_door_warns_only(self):
        site = Site(OTHERS)
        site.fresh(150000)
        site.alarm(1)
        site.inputs_for(2000)
        self.assertEqual(site.decision.level, 1)
        self.assertEqual(site.decision.charge_da, 1570)

    def test_lost_coolant_derates_and_stops_what_gets_hot(self):
        site = Site(OTHERS)
        site.fresh(150000)
        site.alarm(2)
        site.inputs_for(1500)
        self.assertEqual(site.decision.charge_da, 785)
        site.inputs_for(61000, hot=True)
        self.assertEqual(site.level_of("coolant"), 2)
        self.assertEqual(site.decision.charge_da, 0)

    def test_noise_on_a_loop_is_no_alarm(self):
        site = Site()
        for _ in range(200):
            site.alarm(6)
            site.inputs_for(10)
            site.healthy()
            site.inputs_for(30)
        self.assertTrue(site.decision.permit)

    def test_what_is_not_wired_never_alarms(self):
        site = Site({})
        site.alarm(1, 2, 3, 4, 5, 6, 7)
        site.inputs_for(20000)
        self.assertEqual(site.decision.level, 0)

    def test_a_loop_that_closes_on_alarm_can_be_configured(self):
        smoke = {"name": "smoke", "number": 1, "role": "smoke", "alarm_level": 1}
        site = Bench(inputs=[{"name": "reset", "number": 0, "role": "reset"}, smoke])
        site.inputs.levels[1] = False
        site.inputs_for(100)
        self.assertEqual(site.level_of("smoke"), 0)
        site.inputs.levels[1] = True
        site.inputs_for(100)
        self.assertEqual(site.level_of("smoke"), 1)

    def test_latches_outlive_a_restart(self):
        site = Site()
        site.alarm(6)
        site.inputs_for(100)
        latches = site.interlocks.latches
        kept = bytearray(2 * latches.count)
        latches.keep(kept, 0)
        after = Site()
        after.interlocks.latches.restore(kept, 0)
        after.interlocks.restored()
        after.inputs_for(500)
        self.assertFalse(after.decision.permit)
        self.assertEqual(after.interlocks.reset(BY_OPERATOR), STILL_HOLDS)
        after.inputs_for(1500)
        self.assertEqual(after.interlocks.reset(BY_OPERATOR), RELEASED)


if __name__ == "__main__":
    unittest.main()
