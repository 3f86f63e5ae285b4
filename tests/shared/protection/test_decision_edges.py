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
        decision = Bench().decision
        for granted in (
            decision.permit, decision.charge_da, decision.discharge_da,
            decision.charge_limit_da, decision.discharge_limit_da,
            decision.charge_bound_da, decision.discharge_bound_da,
        ):  # fmt: skip
            self.assertEqual(granted, 0)
        for wrong in (
            decision.at_once, decision.tripped, decision.data_lost, decision.level,
            decision.charge_stopped, decision.discharge_stopped,
        ):  # fmt: skip
            self.assertEqual(wrong, 0)
        self.assertEqual(decision.rule, rules.NO_RULE)
        self.assertEqual((limiter(decision.charge_by), limiter(decision.discharge_by)), (
            "start", "start"))  # fmt: skip


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
                for stopped, direction in (
                    (decision.charge_stopped, CHARGE),
                    (decision.discharge_stopped, DISCHARGE),
                ):
                    expected = stops and RULES[rule][DIRECTION] & direction != 0
                    self.assertEqual(stopped, expected, (RULES[rule][NAME], level, direction))

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
            self.assertEqual((decision.charge_stopped, decision.discharge_stopped), (True, True))


class CurrentTest(unittest.TestCase):
    def full(self):
        """A rack that is granted all of its rating."""
        bench = Bench()
        bench.fresh(150000)
        self.assertEqual(self.granted(bench), (RATING_DA, RATING_DA))
        return bench

    def granted(self, bench):
        return bench.decision.charge_da, bench.decision.discharge_da

    def test_after_a_drop_nothing_is_granted_until_the_ramp_lets_it_rise(self):
        bench = self.full()
        bench.decision.drop(bench.clock.ticks())
        self.assertEqual(self.granted(bench), (0, 0))
        bench.fresh(30000)
        self.assertEqual(self.granted(bench), (0, 0))
        bench.fresh(2000)
        self.assertTrue(0 < min(self.granted(bench)) <= 3 * RATING_DA // 100)

    def test_level_one_leaves_half_and_the_other_direction_whole(self):
        bench = self.full()
        bench.put({slots.CELL_MAX_MV: 3449, slots.RACK_CURRENT_DA: 1700})
        bench.fresh(12000)  # charge over-current
        self.assertEqual(self.granted(bench), (RATING_DA // 2, RATING_DA))
        self.assertEqual(limiter(bench.decision.charge_by), "charge_overcurrent")
        self.assertEqual(limiter(bench.decision.discharge_by), "")

    def test_a_limit_of_the_bms_at_the_granted_current_limits_nothing(self):
        bench = self.full()
        for slot in (slots.CHARGE_LIMIT_DA, slots.DISCHARGE_LIMIT_DA):
            bench.put({slot: RATING_DA})
        bench.fresh(500)
        decision = bench.decision
        self.assertEqual((limiter(decision.charge_by), limiter(decision.discharge_by)), ("", ""))
        bench.put({slots.CHARGE_LIMIT_DA: RATING_DA - 1})
        bench.fresh(500)
        self.assertEqual((limiter(decision.charge_by), limiter(decision.discharge_by)), (
            "bms", ""))  # fmt: skip
        bench.put({slots.CHARGE_LIMIT_DA: RATING_DA, slots.DISCHARGE_LIMIT_DA: RATING_DA - 1})
        bench.fresh(500)
        self.assertEqual((limiter(decision.charge_by), limiter(decision.discharge_by)), (
            "", "bms"))  # fmt: skip
        self.assertEqual(
            (decision.charge_limit_da, decision.discharge_limit_da), (RATING_DA, RATING_DA - 1)
        )
        self.assertEqual(
            (decision.charge_bound_da, decision.discharge_bound_da), (RATING_DA, RATING_DA - 1)
        )
        self.assertEqual(self.granted(bench), (RATING_DA, RATING_DA))


if __name__ == "__main__":
    unittest.main()
