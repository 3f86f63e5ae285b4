"""What a decision tells beside the permit: at the start, of equal levels, of stops."""

import unittest

from decider import Decider
from protection_bench import Bench

from gateway.config.rules import CHARGE, DIRECTION, DISCHARGE, NAME, REACTIONS, RULES, STOP
from gateway.protection import rules
from gateway.protection.decision import limiter
from gateway.protection.rules import RULE_COUNT
from gateway.rack import data as slots

RATING_DA = 1570


class StartTest(unittest.TestCase):
    def test_before_the_first_step_nothing_is_allowed_and_nothing_is_wrong(self):
        bench = Bench()
        decision = bench.decision
        for current_da in (
            decision.permit, decision.charge_da, decision.discharge_da,
            decision.charge_limit_da, decision.discharge_limit_da,
            decision.charge_bound_da, decision.discharge_bound_da,
        ):  # fmt: skip
            self.assertEqual(current_da, 0)
        for wrong in (
            decision.at_once, decision.tripped, decision.data_lost, decision.level,
            decision.stopped,
        ):  # fmt: skip
            self.assertEqual(wrong, 0)
        self.assertEqual(decision.rule, rules.NO_RULE)
        self.assertEqual(limiters(bench), ("start", "start"))

    def test_without_data_it_is_the_start_that_limits(self):
        bench = Bench()
        bench.silence(1000)
        decision = bench.decision
        self.assertEqual((decision.level, decision.rule), (0, rules.NO_RULE))
        self.assertEqual(limiters(bench), ("start", "start"))
        self.assertEqual((decision.charge_bound_da, decision.discharge_bound_da), (0, 0))

    def test_a_bms_that_starts_anew_limits_to_nothing(self):
        bench = Bench()
        bench.fresh(150000)
        bench.data.take_sign_of_life(bench.clock.advance(500), True)
        bench.protection.step(bench.clock.ticks())
        self.assertTrue(bench.decision.permit)
        self.assertEqual(granted(bench), (0, 0))
        self.assertEqual(limiters(bench), ("start", "start"))


class CapTest(unittest.TestCase):
    def test_each_direction_is_held_within_its_own_rating(self):
        decision = Bench(charge_current_da=1513, discharge_current_da=1571).decision
        for ordered in ((1514, 1572), (30000, 30000), (1513, 1571)):
            decision.cap(*ordered)
            self.assertEqual((decision.charge_cap_da, decision.discharge_cap_da), (1513, 1571))
        decision.cap(1512, 1570)
        self.assertEqual((decision.charge_cap_da, decision.discharge_cap_da), (1512, 1570))


class LevelTest(unittest.TestCase):
    def test_of_equal_levels_the_first_rule_is_told(self):
        decider = Decider()
        for rule in (rules.VOLTAGE_SPREAD, rules.CELL_UNDERVOLTAGE, rules.ESTOP):
            decider.set_level(rule, 3)
        decider.permit()
        self.assertEqual(decider.decision.rule, rules.CELL_UNDERVOLTAGE)

    def test_a_higher_level_of_a_later_rule_is_told(self):
        decider = Decider()
        decider.set_level(rules.CELL_UNDERVOLTAGE, 1)
        decider.set_level(rules.VOLTAGE_SPREAD, 2)
        decider.permit()
        self.assertEqual(
            (decider.decision.rule, decider.decision.level), (rules.VOLTAGE_SPREAD, 2)
        )


class StopTest(unittest.TestCase):
    def test_each_stop_is_one_of_its_direction(self):
        for rule in range(RULE_COUNT):
            for level in (1, 2, 3):
                decider = Decider()
                decider.set_level(rule, level)
                decider.permit()
                stops = RULES[rule][REACTIONS][level - 1] == STOP
                decision = decider.decision
                expected = RULES[rule][DIRECTION] if stops else 0
                self.assertEqual(decision.stopped, expected, (RULES[rule][NAME], level))

    def test_a_stop_of_one_direction_ends_none_of_the_other(self):
        for order in (
            (rules.CELL_OVERVOLTAGE, rules.CELL_UNDERVOLTAGE),
            (rules.CELL_UNDERVOLTAGE, rules.CHARGE_OVERTEMPERATURE),
        ):
            decider = Decider()
            for rule in order:
                decider.set_level(rule, 2)
            decider.permit()
            decision = decider.decision
            self.assertEqual(decision.stopped, CHARGE | DISCHARGE)


def granted(bench):
    """Charge and discharge current, 0.1 A."""
    return bench.decision.charge_da, bench.decision.discharge_da


def limiters(bench):
    """Names of what limits charge and discharge."""
    return limiter(bench.decision.charge_by), limiter(bench.decision.discharge_by)


class CurveTest(unittest.TestCase):
    """Each curve limits its own direction by its own reading, and is told by its name."""

    CASES = (
        ("charge_by_cell_max_mv", {slots.CELL_MAX_MV: 3500}, (1018, 1571)),
        ("charge_by_temp_min_dc", {slots.TEMP_MIN_DC: 60}, (907, 1571)),
        ("charge_by_temp_max_dc", {slots.TEMP_MAX_DC: 420}, (1210, 1571)),
        ("discharge_by_cell_min_mv", {slots.CELL_MIN_MV: 2910}, (1513, 227)),
        ("discharge_by_temp_min_dc", {slots.TEMP_MIN_DC: 5}, (None, 953)),
        ("discharge_by_temp_max_dc", {slots.TEMP_MAX_DC: 450}, (None, 1358)),
    )

    def test_one_by_one(self):
        bench = Bench(charge_current_da=1513, discharge_current_da=1571)
        bench.put({slots.CHARGE_LIMIT_DA: 2000, slots.DISCHARGE_LIMIT_DA: 2000})
        bench.fresh(150000)
        self.assertEqual(granted(bench), (1513, 1571))
        for number in range(len(self.CASES)):
            name, readings, expected = self.CASES[number]
            bench.fresh(500)
            before = dict(bench.readings)
            bench.put(readings)
            bench.fresh(500)
            decision = bench.decision
            place = 0 if number < 3 else 1
            by = (decision.charge_by, decision.discharge_by)[place]
            self.assertEqual((by, limiter(by)), (rules.BY_CURVE + number, name))
            self.assertEqual(granted(bench)[place], expected[place], name)
            if expected[1 - place] is not None:
                self.assertEqual(granted(bench)[1 - place], expected[1 - place], name)
                self.assertEqual(limiters(bench)[1 - place], "", name)
            for current_da in granted(bench):
                self.assertTrue(isinstance(current_da, int))
            bench.put(before)
            bench.fresh(240000)

    def test_of_two_that_leave_the_same_the_first_is_told(self):
        bench = Bench()
        bench.put({slots.CELL_MAX_MV: 3650, slots.TEMP_MAX_DC: 550, slots.CELL_MIN_MV: 2800})
        bench.fresh(500)
        self.assertEqual(limiters(bench), ("charge_by_cell_max_mv", "discharge_by_cell_min_mv"))

    def test_the_ramp_is_told_in_the_direction_that_it_limits(self):
        bench = Bench()
        bench.fresh(150000)
        bench.put({slots.CELL_MAX_MV: 3600})
        bench.fresh(500)
        bench.put({slots.CELL_MAX_MV: 3310})
        bench.fresh(5000)
        self.assertEqual(limiters(bench), ("ramp", ""))
        bench.fresh(150000)
        bench.put({slots.CELL_MIN_MV: 2950})
        bench.fresh(500)
        bench.put({slots.CELL_MIN_MV: 3290})
        bench.fresh(5000)
        self.assertEqual(limiters(bench), ("", "ramp"))


class CurrentTest(unittest.TestCase):
    def full(self):
        """A rack that is granted all of its rating."""
        bench = Bench()
        bench.fresh(150000)
        self.assertEqual(granted(bench), (RATING_DA, RATING_DA))
        return bench

    def test_after_a_drop_nothing_is_granted_until_the_ramp_lets_it_rise(self):
        bench = self.full()
        bench.decision.drop(bench.clock.ticks())
        self.assertEqual(granted(bench), (0, 0))
        bench.fresh(30000)
        self.assertEqual(granted(bench), (0, 0))
        bench.fresh(2000)
        self.assertTrue(0 < min(granted(bench)) <= 3 * RATING_DA // 100)

    def test_level_one_leaves_half_and_the_other_direction_whole(self):
        bench = self.full()
        bench.put({slots.CELL_MAX_MV: 3449, slots.RACK_CURRENT_DA: 1700})
        bench.fresh(12000)  # charge over-current
        self.assertEqual(granted(bench), (RATING_DA // 2, RATING_DA))
        self.assertEqual(limiter(bench.decision.charge_by), "charge_overcurrent")
        self.assertEqual(limiter(bench.decision.discharge_by), "")

    def test_a_limit_of_the_bms_at_the_granted_current_limits_nothing(self):
        bench = self.full()
        for slot in (slots.CHARGE_LIMIT_DA, slots.DISCHARGE_LIMIT_DA):
            bench.put({slot: RATING_DA})
        bench.fresh(500)
        decision = bench.decision
        self.assertEqual(limiters(bench), ("", ""))
        self.assertEqual(
            (decision.charge_limit_da, decision.discharge_limit_da), (RATING_DA, RATING_DA)
        )
        bench.put({slots.CHARGE_LIMIT_DA: RATING_DA - 1})
        bench.fresh(500)
        self.assertEqual(limiters(bench), ("bms", ""))
        bench.put({slots.CHARGE_LIMIT_DA: RATING_DA, slots.DISCHARGE_LIMIT_DA: RATING_DA - 1})
        bench.fresh(500)
        self.assertEqual(limiters(bench), ("", "bms"))
        self.assertEqual(
            (decision.charge_limit_da, decision.discharge_limit_da), (RATING_DA, RATING_DA - 1)
        )
        self.assertEqual(
            (decision.charge_bound_da, decision.discharge_bound_da), (RATING_DA, RATING_DA - 1)
        )
        self.assertEqual(granted(bench), (RATING_DA, RATING_DA))


if __name__ == "__main__":
    unittest.main()
