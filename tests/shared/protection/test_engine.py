import unittest

from fake_hardware import HandClock
from sample_site import LIMITS, settings

from gateway.protection import rules
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.rack import data as rack_data
from gateway.rack.data import RackData

HEALTHY = {
    rack_data.RACK_VOLTAGE_DV: 6656,
    rack_data.CELL_MAX_MV: 3310,
    rack_data.CELL_MIN_MV: 3290,
    rack_data.TEMP_MAX_DC: 250,
    rack_data.TEMP_MIN_DC: 240,
    rack_data.CHARGE_LIMIT_DA: 1570,
    rack_data.DISCHARGE_LIMIT_DA: 1570,
}


class Bench:
    """One rack's protection fed with summaries every 500 ms."""

    def __init__(self):
        self.clock = HandClock(0x3FFFF000)
        self.data = RackData(0, "rack01", 4, 2, 1500, self.clock.ticks())
        self.changes = Changes()
        self.protection = RackProtection(self.data, settings(), self.changes)
        for slot in range(len(self.data.summary)):
            self.data.summary[slot] = 0
        self.put(HEALTHY)

    def put(self, values):
        for slot in values:
            self.data.summary[slot] = values[slot]

    def fresh(self, duration_ms):
        for _ in range(duration_ms // 500):
            self.clock.advance(500)
            self.data.acquired = self.clock.ticks()
            self.data.sequence += 1
            self.protection.step(self.clock.ticks())

    def silence(self, duration_ms):
        for _ in range(duration_ms // 50):
            self.protection.step(self.clock.advance(50))

    def level_of(self, rule):
        return self.protection.levels[rules.NAMES.index(rule)]


# rule: slot, its value for a set point
INPUTS = {
    "cell_overvoltage": (rack_data.CELL_MAX_MV, 1),
    "cell_undervoltage": (rack_data.CELL_MIN_MV, 1),
    "rack_overvoltage": (rack_data.RACK_VOLTAGE_DV, 1),
    "rack_undervoltage": (rack_data.RACK_VOLTAGE_DV, 1),
    "charge_overcurrent": (rack_data.RACK_CURRENT_DA, 1),
    "discharge_overcurrent": (rack_data.RACK_CURRENT_DA, -1),
    "overtemperature": (rack_data.TEMP_MAX_DC, 1),
    "undertemperature": (rack_data.TEMP_MIN_DC, 1),
}
CHARGE_RULES = ("cell_overvoltage", "rack_overvoltage", "charge_overcurrent", "undertemperature")
DISCHARGE_RULES = ("cell_undervoltage", "rack_undervoltage", "discharge_overcurrent")


class LevelsTest(unittest.TestCase):
    def test_every_rule_reaches_every_level_at_its_delay_and_acts(self):
        for rule in INPUTS:
            slot, sign = INPUTS[rule]
            for level in (1, 2, 3):
                set_point, _, delay_ms, _ = LIMITS[rule][level - 1]
                with self.subTest(rule=rule, level=level):
                    bench = Bench()
                    bench.fresh(1000)
                    self.assertTrue(bench.protection.permit)
                    bench.put({slot: set_point * sign})
                    bench.fresh(max(delay_ms, 500))
                    self.assertTrue(bench.level_of(rule) < level)
                    bench.fresh(500)
                    self.assertEqual(bench.level_of(rule), level)
                    self.check_action(bench.protection, rule, level)

    def check_action(self, protection, rule, level):
        charge = rule not in DISCHARGE_RULES
        discharge = rule not in CHARGE_RULES
        left = (1570, 785, 0, 0)[level]
        self.assertEqual(protection.charge_da, left if charge or level == 3 else 1570)
        self.assertEqual(protection.discharge_da, left if discharge or level == 3 else 1570)
        self.assertEqual(protection.permit, level < 3)
        self.assertEqual(protection.level, level)
        self.assertEqual(rules.name(protection.rule), rule)

    def test_healthy_rack_has_no_level_for_an_hour(self):
        bench = Bench()
        bench.fresh(3600000)
        self.assertTrue(bench.protection.permit)
        self.assertIsNone(bench.changes.take())

    def test_levels_one_and_two_clear_by_themselves(self):
        bench = Bench()
        bench.put({rack_data.CELL_MAX_MV: 3600})
        bench.fresh(6000)
        self.assertEqual(bench.protection.level, 2)
        bench.put({rack_data.CELL_MAX_MV: 3449})
        bench.fresh(6000)
        self.assertEqual(bench.protection.level, 0)
        self.assertEqual(bench.protection.charge_da, 1570)

    def test_the_limit_of_the_bms_is_not_sent_back_to_it(self):
        # A BMS that reports the limit in force would otherwise keep the lowest one for ever.
        bench = Bench()
        bench.put({rack_data.CHARGE_LIMIT_DA: 0, rack_data.DISCHARGE_LIMIT_DA: 0})
        bench.fresh(1000)
        self.assertEqual(bench.protection.charge_da, 1570)
        self.assertEqual(bench.protection.discharge_da, 1570)


class LatchTest(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.bench.put({rack_data.CELL_MAX_MV: 3700})
        self.bench.fresh(3000)
        self.assertFalse(self.bench.protection.permit)

    def test_trip_stays_when_the_condition_goes(self):
        self.bench.put({rack_data.CELL_MAX_MV: 3300})
        self.bench.fresh(60000)
        self.assertFalse(self.bench.protection.permit)
        self.assertEqual(self.bench.protection.level, 3)
        self.assertEqual(self.bench.protection.charge_da, 0)

    def test_reset_is_refused_while_the_condition_holds(self):
        self.assertFalse(self.bench.protection.reset())
        self.assertFalse(self.bench.protection.permit)

    def test_reset_is_refused_without_data(self):
        self.bench.put({rack_data.CELL_MAX_MV: 3300})
        self.bench.fresh(10000)
        self.bench.silence(1500)
        self.assertFalse(self.bench.protection.reset())

    def test_reset_releases_once_the_condition_has_cleared(self):
        self.bench.put({rack_data.CELL_MAX_MV: 3300})
        self.bench.fresh(10000)
        self.assertTrue(self.bench.protection.reset())
        self.assertTrue(self.bench.protection.permit)

    def test_latches_outlive_a_restart(self):
        bits = self.bench.protection.latch_bits()
        self.assertTrue(bits)
        after = Bench()
        after.protection.restore_latches(bits)
        self.assertFalse(after.protection.permit)
        after.put({rack_data.CELL_MAX_MV: 3640})  # below the limit, above the clear point
        after.fresh(60000)
        self.assertFalse(after.protection.permit)
        self.assertFalse(after.protection.reset())
        after.put({rack_data.CELL_MAX_MV: 3300})
        after.fresh(4500)
        self.assertFalse(after.protection.reset())
        after.fresh(1500)
        self.assertTrue(after.protection.reset())
        self.assertTrue(after.protection.permit)


class MissingDataTest(unittest.TestCase):
    def test_no_permit_before_the_first_summary(self):
        bench = Bench()
        bench.silence(500)
        self.assertFalse(bench.protection.permit)
        self.assertEqual(bench.protection.charge_da, 1570)

    def test_comm_loss_levels_come_at_their_age(self):
        bench = Bench()
        bench.fresh(5000)
        for age_ms, level in ((1450, 0), (1500, 1), (2950, 1), (3000, 2), (9950, 2), (10000, 3)):
            age_now = bench.data.age_ms(bench.clock.ticks())
            bench.silence(age_ms - age_now)
            self.assertEqual(bench.level_of("comm_loss"), level, age_ms)
        self.assertFalse(bench.protection.permit)

    def test_comm_loss_trip_ends_by_itself_after_sixty_good_seconds(self):
        bench = Bench()
        bench.fresh(1000)
        bench.silence(11000)
        bench.fresh(60000)  # the sum of silence, 10 s, goes down at half speed first
        self.assertFalse(bench.protection.permit)
        bench.fresh(20000)
        self.assertTrue(bench.protection.permit)

    def test_a_rack_that_answers_now_and_then_trips_in_bounded_time(self):
        for pause_ms in (2000, 3000, 9000):
            bench = Bench()
            bench.fresh(5000)
            bench.put({rack_data.CELL_MAX_MV: 3800})
            elapsed = 0
            while bench.protection.permit and elapsed < 120000:
                bench.silence(pause_ms)
                bench.data.acquired = bench.clock.ticks()
                bench.data.sequence += 1
                bench.protection.step(bench.clock.ticks())
                elapsed += pause_ms
            self.assertFalse(bench.protection.permit, pause_ms)
            self.assertTrue(elapsed <= 60000, (pause_ms, elapsed))

    def test_losing_any_share_of_the_answers_hides_no_violation(self):
        for lost in range(1, 12):
            bench = Bench()
            bench.fresh(5000)
            bench.put({rack_data.CELL_MAX_MV: 3700})
            elapsed = 0
            while bench.protection.permit and elapsed < 60000:
                bench.silence(500 * lost)
                bench.fresh(500)
                elapsed += 500 * (lost + 1)
            self.assertFalse(bench.protection.permit, lost)
            self.assertTrue(elapsed <= 3 * 500 * (lost + 1), (lost, elapsed))

    def test_a_gap_does_not_count_towards_clearing(self):
        bench = Bench()
        bench.put({rack_data.CELL_MAX_MV: 3600})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)
        bench.put({rack_data.CELL_MAX_MV: 3300})
        for _ in range(20):
            bench.silence(2000)
            bench.fresh(500)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)

    def test_single_missed_answers_add_up_to_nothing(self):
        bench = Bench()
        for _ in range(200):
            bench.fresh(5000)
            bench.silence(950)
        self.assertTrue(bench.protection.permit)
        self.assertEqual(bench.protection.level, 0)

    def test_silence_of_weeks_never_looks_fresh(self):
        bench = Bench()
        bench.fresh(5000)
        for _ in range(20 * 24 * 4):  # twenty days in quarters of an hour
            bench.protection.step(bench.clock.advance(900000))
            self.assertFalse(bench.protection.permit)
        self.assertEqual(bench.level_of("comm_loss"), 3)

    def test_latch_changes_are_told_until_they_are_kept(self):
        bench = Bench()
        bench.fresh(1000)
        self.assertFalse(bench.protection.latch_changed)
        bench.put({rack_data.CELL_MAX_MV: 3700})
        bench.fresh(3000)
        self.assertTrue(bench.protection.latch_changed)

    def test_silence_keeps_an_alarm_and_advances_none(self):
        bench = Bench()
        bench.fresh(1000)
        bench.put({rack_data.CELL_MAX_MV: 3700})
        bench.fresh(1000)  # 500 ms bad
        bench.silence(9000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 0)
        bench.put({rack_data.CELL_MAX_MV: 3620})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 3)


class ChangesTest(unittest.TestCase):
    def test_trip_is_told_with_rule_level_value(self):
        bench = Bench()
        bench.fresh(500)
        bench.put({rack_data.CELL_MIN_MV: 2400})
        bench.fresh(1500)
        change = bench.changes.take()
        rule = rules.NAMES.index("cell_undervoltage")
        self.assertEqual(change, (0, rule, 3, 1, 2400))

    def test_overflow_loses_the_oldest_and_counts_them(self):
        changes = Changes(4)
        for number in range(10):
            changes.put(number, 0, 1, 1, 0)
        self.assertEqual([changes.take()[0] for _ in range(4)], [6, 7, 8, 9])
        self.assertIsNone(changes.take())
        self.assertEqual(changes.lost, 6)


if __name__ == "__main__":
    unittest.main()
