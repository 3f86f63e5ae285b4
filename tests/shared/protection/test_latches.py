import unittest

from gateway.protection import rules
from gateway.protection.latches import (
    BY_OPERATOR,
    BY_SERVICE,
    NEEDS_SERVICE,
    NO_DATA,
    NOTHING_TO_RELEASE,
    RELEASED,
    STILL_HOLDS,
    Latches,
)

AUTOMATIC = rules.COMM_LOSS
WAIT = rules.CHARGE_OVERCURRENT
OPERATOR = rules.CELL_OVERVOLTAGE
SERVICE = rules.DEEP_DISCHARGE
CLEAR = bytearray(rules.RULE_COUNT)


def latches(*tripped):
    made = Latches(0, rules.RACK_RULES)
    for rule in tripped:
        made.trip(rule)
    return made


class ClassesTest(unittest.TestCase):
    def test_automatic_rules_never_latch(self):
        self.assertFalse(latches(AUTOMATIC).any_held)

    def test_only_wait_rules_release_themselves(self):
        for rule, held in ((WAIT, 0), (OPERATOR, 1), (SERVICE, 1)):
            made = latches(rule)
            self.assertEqual(made.held(rule), 1)
            made.cleared(rule)
            self.assertEqual(made.held(rule), held, rule)

    def test_a_wait_rule_releases_itself_five_times(self):
        made = latches()
        for number in range(1, 9):
            made.trip(WAIT)
            made.cleared(WAIT)
            self.assertEqual(made.held(WAIT), 0 if number <= 5 else 1, number)

    def test_one_long_trip_counts_once(self):
        made = latches()
        for _ in range(100):
            made.trip(WAIT)
        self.assertEqual(made.trips(WAIT), 1)


class ResetTest(unittest.TestCase):
    def test_results(self):
        still = bytearray(rules.RULE_COUNT)
        still[OPERATOR] = 3
        lower = bytearray(rules.RULE_COUNT)
        lower[OPERATOR] = 2
        for tripped, levels, by, fresh, result in (
            ((), CLEAR, BY_OPERATOR, True, NOTHING_TO_RELEASE),
            ((), CLEAR, BY_OPERATOR, False, NOTHING_TO_RELEASE),
            ((OPERATOR,), CLEAR, BY_OPERATOR, True, RELEASED),
            ((OPERATOR,), CLEAR, BY_SERVICE, True, RELEASED),
            ((OPERATOR,), CLEAR, BY_SERVICE, False, NO_DATA),
            ((OPERATOR,), still, BY_SERVICE, True, STILL_HOLDS),
            ((OPERATOR,), lower, BY_OPERATOR, True, RELEASED),
            ((WAIT,), still, BY_OPERATOR, True, RELEASED),
            ((SERVICE,), CLEAR, BY_OPERATOR, True, NEEDS_SERVICE),
            ((SERVICE,), CLEAR, BY_SERVICE, True, RELEASED),
            ((OPERATOR, SERVICE), CLEAR, BY_OPERATOR, True, NEEDS_SERVICE),
            ((OPERATOR, SERVICE), CLEAR, BY_SERVICE, True, RELEASED),
        ):
            made = latches(*tripped)
            with self.subTest(tripped=tripped, by=by, fresh=fresh):
                self.assertEqual(made.reset(levels, by, fresh), result)
                released = result in (RELEASED, NOTHING_TO_RELEASE)
                self.assertEqual(made.any_held, not released)

    def test_all_or_nothing(self):
        made = latches(OPERATOR, SERVICE)
        made.reset(CLEAR, BY_OPERATOR, True)
        self.assertEqual(made.names(), ["cell_overvoltage", "deep_discharge"])

    def test_the_count_of_a_wait_rule_begins_anew(self):
        made = latches()
        for _ in range(6):
            made.trip(WAIT)
            made.cleared(WAIT)
        self.assertEqual(made.reset(CLEAR, BY_OPERATOR, True), RELEASED)
        made.trip(WAIT)
        made.cleared(WAIT)
        self.assertFalse(made.any_held)


class MemoryTest(unittest.TestCase):
    def test_any_bit_that_flips_is_noticed(self):
        for copy in ("_marks", "_copies"):
            for bit in range(8):
                made = latches(WAIT, OPERATOR)
                self.assertTrue(made.sound)
                getattr(made, copy)[OPERATOR] ^= 1 << bit
                self.assertFalse(made.sound, (copy, bit))

    def test_so_is_a_wrong_number_of_those_that_hold(self):
        for wrong in (-1, 1, 2):
            made = latches(WAIT, OPERATOR)
            made._holding += wrong
            self.assertFalse(made.sound, wrong)

    def test_unknown_latches_all_hold_and_none_releases_itself(self):
        made = latches()
        made.hold_all()
        self.assertTrue(made.changed)
        made.cleared(WAIT)
        self.assertEqual(made.held(WAIT), 1)
        self.assertEqual(made.held(AUTOMATIC), 0)
        self.assertEqual(made.held(rules.TEMP_SPREAD), 0)  # it has no level 3
        self.assertEqual(made.reset(CLEAR, BY_OPERATOR, True), NEEDS_SERVICE)

    def test_what_is_kept_comes_back_and_nonsense_counts_as_held(self):
        kept = bytearray(2 * rules.RACK_RULES + 1)
        latches(WAIT, OPERATOR).keep(kept, 1)
        made = latches()
        made.restore(kept, 1)
        self.assertEqual(made.names(), ["cell_overvoltage", "charge_overcurrent"])
        self.assertEqual(made.trips(WAIT), 1)
        self.assertTrue(made.sound)
        made.restore(b"\xaa" * (2 * rules.RACK_RULES), 0)
        self.assertEqual(len(made.names()), rules.RACK_RULES)
        self.assertEqual(made.trips(WAIT), 6)

    def test_changes_are_told(self):
        made = latches()
        self.assertFalse(made.changed)
        made.trip(OPERATOR)
        self.assertTrue(made.changed)
        made.changed = False
        made.trip(OPERATOR)
        self.assertFalse(made.changed)
        made.reset(CLEAR, BY_OPERATOR, True)
        self.assertTrue(made.changed)


if __name__ == "__main__":
    unittest.main()
