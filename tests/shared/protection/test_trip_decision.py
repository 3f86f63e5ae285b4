"""The trip decision, condition by condition: each one alone turns the result, whatever it is.

`permit` is true when there are data (or the BMS is only just starting) and no rule opens: neither
by its detectors at level 3 nor by its latch. For modified condition and decision coverage each
condition is shown against the same state without it; every pair of conditions is tried as well.
"""

import unittest

from decider import Decider

from gateway.config.rules import AT_ONCE, AUTOMATIC, LATCH, NAME, OPEN, REACTIONS, RULES, SERVICE
from gateway.protection.rules import RACK_RULES, RULE_COUNT

OPENING = [rule for rule in range(RULE_COUNT) if RULES[rule][REACTIONS][2] >= OPEN]
LATCHING = [rule for rule in OPENING if RULES[rule][LATCH] != AUTOMATIC]


class ConditionTest(unittest.TestCase):
    def test_nothing_wrong_and_data_give_the_permit(self):
        self.assertTrue(Decider().permit())

    def test_each_level_three_alone_takes_the_permit_and_its_end_gives_it_back(self):
        decider = Decider()
        for rule in OPENING:
            decider.set_level(rule, 3)
            self.assertFalse(decider.permit(), RULES[rule][NAME])
            self.assertFalse(decider.decision.tripped)
            decider.set_level(rule, 0)
            self.assertTrue(decider.permit(), RULES[rule][NAME])

    def test_each_latch_alone_takes_the_permit_and_its_release_gives_it_back(self):
        decider = Decider()
        for rule in LATCHING:
            decider.set_latch(rule, True)
            self.assertFalse(decider.permit(), RULES[rule][NAME])
            self.assertTrue(decider.decision.tripped)
            decider.set_latch(rule, False)
            self.assertTrue(decider.permit(), RULES[rule][NAME])
            self.assertFalse(decider.decision.tripped)

    def test_a_rule_that_ends_by_itself_cannot_be_latched(self):
        decider = Decider()
        for rule in range(RULE_COUNT):
            if rule not in LATCHING and RULES[rule][LATCH] == AUTOMATIC:
                latches = decider.latches if rule < RACK_RULES else decider.interlocks.latches
                latches.trip(rule)
        self.assertTrue(decider.permit())

    def test_levels_one_and_two_of_all_rules_together_take_no_permit(self):
        for level in (1, 2):
            decider = Decider()
            for rule in range(RULE_COUNT):
                if RULES[rule][REACTIONS][level - 1]:
                    decider.set_level(rule, level)
            self.assertTrue(decider.permit())
            self.assertEqual(decider.decision.level, level)

    def test_without_data_only_a_start_gives_the_permit(self):
        for has_data, starting, expected in (
            (False, False, False), (True, False, True), (False, True, True), (True, True, True),
        ):  # fmt: skip
            decider = Decider()
            decider.has_data = has_data
            if starting:
                decider.start()
            self.assertEqual(decider.permit(), expected, (has_data, starting))

    def test_a_start_hides_no_trip(self):
        for rule in OPENING:
            for has_data in (False, True):
                decider = Decider()
                decider.has_data = has_data
                decider.start()
                decider.set_level(rule, 3)
                self.assertFalse(decider.permit(), RULES[rule][NAME])
        for rule in LATCHING:
            decider = Decider()
            decider.has_data = False
            decider.start()
            decider.set_latch(rule, True)
            self.assertFalse(decider.permit(), RULES[rule][NAME])

    def test_no_pair_of_conditions_masks_another(self):
        decider = Decider()
        for first in OPENING:
            decider.set_level(first, 3)
            for second in OPENING:
                if second == first:
                    continue
                decider.set_level(second, 3)
                self.assertFalse(decider.permit(), (first, second))
                decider.set_level(second, 0)
                self.assertFalse(decider.permit(), (first, second))
            decider.set_level(first, 0)
        self.assertTrue(decider.permit())

    def test_a_level_below_three_hides_no_latch_of_the_same_rule(self):
        for rule in LATCHING:
            for level in (0, 1, 2, 3):
                decider = Decider()
                decider.set_latch(rule, True)
                decider.set_level(rule, level)
                self.assertFalse(decider.permit(), (RULES[rule][NAME], level))
                self.assertEqual(decider.decision.level, 3)


class WayOfOpeningTest(unittest.TestCase):
    def test_only_what_must_not_wait_opens_at_once(self):
        for rule in OPENING:
            decider = Decider()
            decider.set_level(rule, 3)
            decider.permit()
            self.assertEqual(
                decider.decision.at_once, RULES[rule][REACTIONS][2] == AT_ONCE, RULES[rule][NAME]
            )
        decider = Decider()
        for rule in OPENING:
            decider.set_level(rule, 3)
        decider.permit()
        self.assertTrue(decider.decision.at_once)

    def test_data_are_lost_only_when_nothing_else_opens(self):
        automatic = [rule for rule in OPENING if RULES[rule][LATCH] == AUTOMATIC]
        for rule in OPENING:
            decider = Decider()
            decider.set_level(rule, 3)
            decider.permit()
            self.assertEqual(decider.decision.data_lost, rule in automatic, RULES[rule][NAME])
            decider.set_level(automatic[0], 3)
            decider.permit()
            self.assertEqual(decider.decision.data_lost, rule in automatic, RULES[rule][NAME])

    def test_both_currents_are_zero_whatever_opens(self):
        for rule in OPENING:
            decider = Decider()
            decider.set_level(rule, 3)
            decider.decision.make(True, 60000)
            decider.decision.make(True, 120000)
            currents = (decider.decision.charge_da, decider.decision.discharge_da)
            self.assertEqual(currents, (0, 0), RULES[rule][NAME])

    def test_service_latches_are_those_of_the_table(self):
        names = [RULES[rule][NAME] for rule in LATCHING if RULES[rule][LATCH] == SERVICE]
        self.assertEqual(
            names,
            ["deep_discharge", "implausible", "bad_cells", "contactor_mismatch", "gas", "smoke"],
        )


if __name__ == "__main__":
    unittest.main()
