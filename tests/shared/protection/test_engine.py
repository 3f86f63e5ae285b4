import unittest

from protection_bench import Bench
from sample_site import LIMITS

from gateway.protection import rules
from gateway.protection.changes import UNKNOWN
from gateway.protection.engine import FLOW_STEP
from gateway.protection.latches import (
    BY_OPERATOR,
    BY_SERVICE,
    NEEDS_SERVICE,
    NO_DATA,
    RELEASED,
    STILL_HOLDS,
)
from gateway.rack import data as slots
from gateway.rack.data import ABSENT

COLD = {slots.TEMP_MAX_DC: -60, slots.TEMP_MIN_DC: -60}
# rule: (slot of its reading, sign, readings that must be there as well)
INPUTS = {
    "cell_overvoltage": (slots.CELL_MAX_MV, 1, {}),
    "cell_undervoltage": (slots.CELL_MIN_MV, 1, {}),
    "deep_discharge": (slots.CELL_MIN_MV, 1, {}),
    "rack_overvoltage": (slots.RACK_VOLTAGE_DV, 1, {}),
    "rack_undervoltage": (slots.RACK_VOLTAGE_DV, 1, {}),
    "charge_overcurrent": (slots.RACK_CURRENT_DA, 1, {}),
    "discharge_overcurrent": (slots.RACK_CURRENT_DA, -1, {}),
    "charge_peak_current": (slots.RACK_CURRENT_DA, 1, {}),
    "discharge_peak_current": (slots.RACK_CURRENT_DA, -1, {}),
    "charge_overtemperature": (slots.TEMP_MAX_DC, 1, {}),
    "charge_undertemperature": (slots.TEMP_MIN_DC, 1, {}),
    "discharge_overtemperature": (slots.TEMP_MAX_DC, 1, {}),
    "discharge_undertemperature": (slots.TEMP_MIN_DC, 1, {}),
    "insulation": (slots.INSULATION_KOHM, 1, {}),
}


def bench_at(rule, value):
    """A healthy second, then `value` on the reading of a rule."""
    slot, sign, others = INPUTS[rule]
    bench = Bench()
    bench.fresh(1000)
    bench.put(others)
    bench.put({slot: value * sign})
    return bench


class LevelsTest(unittest.TestCase):
    def test_every_rule_reaches_every_level_at_its_delay(self):
        for rule in INPUTS:
            for level in (1, 2, 3):
                if LIMITS[rule][level - 1] is None:
                    continue
                set_point, _, delay_ms, _ = LIMITS[rule][level - 1]
                with self.subTest(rule=rule, level=level):
                    bench = bench_at(rule, set_point)
                    bench.fresh(max(delay_ms, 500))
                    self.assertTrue(bench.level_of(rule) < level)
                    bench.fresh(500)
                    self.assertEqual(bench.level_of(rule), level)
                    self.assertEqual(bench.decision.permit, level < 3)

    def test_nothing_happens_one_unit_before_a_set_point(self):
        for rule in INPUTS:
            levels = [limit for limit in LIMITS[rule] if limit is not None]
            side = rules.RULES[rules.NAMES.index(rule)][1]
            with self.subTest(rule=rule):
                bench = bench_at(rule, levels[0][0] - side)
                bench.fresh(30000)
                self.assertEqual(bench.level_of(rule), 0)

    def test_healthy_rack_has_no_level_for_an_hour(self):
        bench = Bench()
        bench.fresh(3600000)
        self.assertTrue(bench.decision.permit)
        self.assertIsNone(bench.changes.take())
        self.assertEqual(bench.decision.charge_da, 1570)

    def test_levels_one_and_two_clear_by_themselves_and_the_current_comes_back_slowly(self):
        bench = Bench()
        bench.fresh(150000)
        bench.put({slots.CELL_MAX_MV: 3600})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)
        self.assertEqual(bench.decision.charge_da, 0)
        bench.put({slots.CELL_MAX_MV: 3310})
        bench.fresh(20000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 0)
        self.assertEqual(bench.decision.charge_da, 0)
        bench.fresh(40000)
        self.assertTrue(0 < bench.decision.charge_da <= 15 * 40)
        bench.fresh(120000)
        self.assertEqual(bench.decision.charge_da, 1570)

    def test_the_limit_of_the_bms_is_published_but_not_sent_back_to_it(self):
        # A BMS that reports the limit in force would otherwise keep the lowest one for ever.
        bench = Bench()
        bench.put({slots.CHARGE_LIMIT_DA: 0, slots.DISCHARGE_LIMIT_DA: 100})
        bench.fresh(150000)
        self.assertEqual(bench.decision.charge_da, 1570)
        self.assertEqual(bench.decision.charge_limit_da, 0)
        self.assertEqual(bench.decision.discharge_limit_da, 100)
        self.assertEqual(bench.decision.charge_by, rules.BY_BMS)

    def test_a_limit_of_the_bms_that_gets_lost_does_not_raise_ours(self):
        bench = Bench()
        bench.put({slots.CHARGE_LIMIT_DA: 300})
        bench.fresh(150000)
        bench.put({slots.CHARGE_LIMIT_DA: ABSENT})
        bench.fresh(500)
        self.assertEqual(bench.decision.charge_limit_da, 300)
        bench.fresh(2000)
        self.assertEqual(bench.decision.charge_limit_da, 0)
        self.assertTrue(bench.decision.permit)

    def test_each_step_adds_its_whole_flow(self):
        bench = Bench()
        before = bench.protection.flow
        bench.fresh(500)
        self.assertEqual(bench.protection.flow, before + FLOW_STEP)


class LatchTest(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.bench.put({slots.CELL_MAX_MV: 3700})
        self.bench.fresh(3000)
        self.assertFalse(self.bench.decision.permit)

    def reset(self, by=BY_OPERATOR):
        return self.bench.protection.reset(by, self.bench.clock.ticks())

    def test_trip_stays_when_the_condition_goes(self):
        self.bench.put({slots.CELL_MAX_MV: 3300})
        self.bench.fresh(60000)
        self.assertFalse(self.bench.decision.permit)
        self.assertEqual(self.bench.decision.level, 3)
        self.assertEqual(self.bench.decision.charge_da, 0)

    def test_reset_is_refused_while_the_condition_holds(self):
        self.assertEqual(self.reset(), STILL_HOLDS)
        self.assertFalse(self.bench.decision.permit)

    def test_reset_is_refused_without_data(self):
        self.bench.put({slots.CELL_MAX_MV: 3300})
        self.bench.fresh(10000)
        self.bench.silence(1500)
        self.assertEqual(self.reset(), NO_DATA)

    def test_reset_releases_once_the_condition_has_cleared(self):
        self.bench.put({slots.CELL_MAX_MV: 3300})
        self.bench.fresh(10000)
        self.assertEqual(self.reset(), RELEASED)
        self.assertTrue(self.bench.decision.permit)

    def test_latches_outlive_a_restart(self):
        kept = bytearray(2 * rules.RACK_RULES)
        self.bench.protection.latches.keep(kept, 0)
        after = Bench()
        after.protection.latches.restore(kept, 0)
        after.protection.restored()
        after.put({slots.CELL_MAX_MV: 3640})  # below the limit, above the clear point
        after.fresh(60000)
        self.assertFalse(after.decision.permit)
        now = after.clock.ticks()
        self.assertEqual(after.protection.reset(BY_OPERATOR, now), STILL_HOLDS)
        after.put({slots.CELL_MAX_MV: 3300})
        after.fresh(4500)
        now = after.clock.ticks()
        self.assertEqual(after.protection.reset(BY_OPERATOR, now), STILL_HOLDS)
        after.fresh(1500)
        now = after.clock.ticks()
        self.assertEqual(after.protection.reset(BY_OPERATOR, now), RELEASED)
        self.assertTrue(after.decision.permit)

    def test_deep_discharge_needs_service(self):
        bench = Bench()
        bench.put({slots.CELL_MIN_MV: 1980, slots.TEMP_MAX_DC: -100, slots.TEMP_MIN_DC: -100})
        bench.fresh(12000)
        bench.put({slots.CELL_MIN_MV: 3290, slots.TEMP_MAX_DC: 250, slots.TEMP_MIN_DC: 240})
        bench.fresh(20000)
        now = bench.clock.ticks()
        self.assertEqual(bench.protection.reset(BY_OPERATOR, now), NEEDS_SERVICE)
        self.assertFalse(bench.decision.permit)
        self.assertEqual(bench.protection.reset(BY_SERVICE, now), RELEASED)
        self.assertTrue(bench.decision.permit)

    def test_overcurrent_is_released_five_times_and_then_locks(self):
        bench = Bench()
        for trip in range(1, 7):
            bench.put({slots.RACK_CURRENT_DA: 2000})
            bench.fresh(11000)
            self.assertFalse(bench.decision.permit)
            bench.put({slots.RACK_CURRENT_DA: 0})
            bench.fresh(59000)
            self.assertFalse(bench.decision.permit)
            bench.fresh(2000)
            self.assertEqual(bench.decision.permit, trip <= 5, trip)
        now = bench.clock.ticks()
        self.assertEqual(bench.protection.reset(BY_OPERATOR, now), RELEASED)
        self.assertEqual(bench.protection.latches.trips(rules.CHARGE_OVERCURRENT), 0)


class ChangesTest(unittest.TestCase):
    def test_trip_is_told_with_rule_level_value(self):
        bench = Bench()
        bench.fresh(500)
        bench.put({slots.CELL_MIN_MV: 2400})
        bench.fresh(1500)
        change = bench.changes.take()
        rule = rules.NAMES.index("cell_undervoltage")
        self.assertEqual(change, (0, rule, 3, 1, 2400))

    def test_what_was_counted_before_a_trip_is_known_long_after(self):
        bench = Bench()
        rule = rules.CELL_UNDERVOLTAGE
        bench.fresh(500)
        self.assertEqual(bench.protection.counted_ms(rule), UNKNOWN)
        bench.put({slots.CELL_MIN_MV: 2400})
        bench.fresh(2100, 700)
        bench.put({slots.CELL_MIN_MV: 3300})
        bench.fresh(60000)
        self.assertEqual(bench.level_of("cell_undervoltage"), 0)
        self.assertEqual(bench.protection.counted_ms(rule), 1400)
        self.assertEqual(bench.protection.counted_ms(rules.DEEP_DISCHARGE), UNKNOWN)


if __name__ == "__main__":
    unittest.main()
