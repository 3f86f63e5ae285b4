"""Latches: their words, their ends, and what each change tells."""

import unittest

from gateway.protection import latches as words
from gateway.protection import rules
from gateway.protection.latches import AUTOMATIC_RELEASES, BY_OPERATOR, RELEASED, Latches

WAIT = rules.CHARGE_OVERCURRENT
OPERATOR = rules.CELL_OVERVOLTAGE


class WordsTest(unittest.TestCase):
    def test_results_and_identities_have_their_names(self):
        results = (
            (words.RELEASED, "released"),
            (words.NOTHING_TO_RELEASE, "nothing to release"),
            (words.NO_DATA, "no data"),
            (words.STILL_HOLDS, "its condition still holds"),
            (words.NEEDS_SERVICE, "needs service"),
        )
        self.assertEqual([number for number, _ in results], list(range(len(results))))
        self.assertEqual(words.RESET_RESULTS, tuple([name for _, name in results]))
        self.assertEqual(
            (words.IDENTITIES[words.BY_OPERATOR], words.IDENTITIES[words.BY_SERVICE]),
            ("the operator", "service"),
        )


class SiteTest(unittest.TestCase):
    """Latches whose first rule is not the first of all."""

    def setUp(self):
        self.latches = Latches(rules.RACK_RULES, rules.RULE_COUNT - rules.RACK_RULES)

    def test_a_rule_is_held_in_its_own_place(self):
        self.latches.trip(rules.SMOKE)
        self.assertEqual(self.latches.names(), ["smoke"])
        self.assertEqual([self.latches.held(rule) for rule in (rules.GAS, rules.SMOKE)], [0, 1])
        self.assertEqual(self.latches.trips(rules.SMOKE), 0)
        self.assertTrue(self.latches.sound)

    def test_all_that_can_be_held(self):
        self.latches.hold_all()
        self.assertEqual(self.latches.names(), ["gas", "smoke", "estop"])

    def test_rules_without_a_latch_are_not_held(self):
        for rule in (rules.DOOR, rules.LEAK, rules.COOLANT):
            self.latches.trip(rule)
        self.assertFalse(self.latches.any_held)
        self.assertFalse(self.latches.changed)


class ChangedTest(unittest.TestCase):
    def setUp(self):
        self.latches = Latches(0, rules.RACK_RULES)

    def changed(self):
        """Since the last call."""
        changed = self.latches.changed
        self.latches.changed = False
        return changed

    def test_a_release_by_itself_and_each_trip_that_counts_tell(self):
        for trips in range(1, AUTOMATIC_RELEASES + 2):
            self.latches.trip(WAIT)
            self.assertTrue(self.changed())
            self.assertEqual(self.latches.trips(WAIT), trips)
            self.latches.cleared(WAIT)
            self.assertEqual(self.changed(), trips <= AUTOMATIC_RELEASES)

    def test_a_count_that_is_taken_back_tells(self):
        for rule in (WAIT, WAIT, OPERATOR):
            self.latches.trip(rule)
            self.latches.cleared(rule)
        self.changed()
        levels = bytearray(rules.RACK_RULES)
        self.assertEqual(self.latches.reset(levels, BY_OPERATOR, True), RELEASED)
        self.assertTrue(self.changed())
        self.assertEqual(self.latches.trips(WAIT), 0)
        self.assertTrue(self.latches.sound)

    def test_what_comes_from_flash_is_there_already(self):
        kept = bytearray(2 * rules.RACK_RULES)
        self.latches.trip(WAIT)
        self.latches.keep(kept, 0)
        other = Latches(0, rules.RACK_RULES)
        other.restore(kept, 0)
        self.assertFalse(other.changed)
        self.assertEqual((other.held(WAIT), other.trips(WAIT)), (1, 1))
        other.cleared(WAIT)
        self.assertEqual(other.held(WAIT), 0)

    def test_after_a_loss_none_releases_itself(self):
        self.latches.hold_all()
        self.assertTrue(self.changed())
        self.assertEqual(self.latches.trips(WAIT), AUTOMATIC_RELEASES + 1)
        self.latches.hold_all()
        self.assertFalse(self.changed())


if __name__ == "__main__":
    unittest.main()
