"""The protection of a rack at its beginnings and ends: first samples, scans, resets, silence."""

import unittest

from protection_bench import Bench

from gateway.config.rules import NONE, REACTIONS
from gateway.protection import rules
from gateway.protection.engine import FLOW_STEP
from gateway.protection.latches import BY_OPERATOR, BY_SERVICE, NO_DATA, RELEASED, STILL_HOLDS
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import ABSENT, TEMP_ABSENT

SCAN_STALE_MS = 120000


def value(bench, rule):
    return bench.protection.quantities.values[rule]


class FirstTest(unittest.TestCase):
    def test_before_the_first_scan_there_is_nothing_to_judge(self):
        bench = Bench()
        for _ in range(3):
            bench.fresh(500)
            for rule in (rules.TEMP_RISE, rules.TEMP_RISE_HOT, rules.BAD_CELLS):
                self.assertEqual(value(bench, rule), ABSENT, rules.name(rule))
        bench.scan_temps([250, 250])
        bench.scan_cells([3300] * 4)
        for rule in (rules.TEMP_RISE, rules.TEMP_RISE_HOT, rules.BAD_CELLS):
            self.assertEqual(value(bench, rule), 0, rules.name(rule))

    def test_before_the_first_summary_nothing_runs_and_points_are_the_warm_ones(self):
        protection = Bench().protection
        self.assertFalse(protection.running)
        warm = protection.thresholds.set_points[
            protection.thresholds.first[rules.CELL_UNDERVOLTAGE]
        ]
        self.assertEqual(protection.points(rules.CELL_UNDERVOLTAGE, 1)[0], warm)

    def test_time_before_the_first_summary_counts_for_nothing(self):
        bench = Bench()
        bench.put({slots.RACK_CURRENT_DA: 32767})
        bench.clock.advance(1400)
        bench.answer()
        self.assertEqual(value(bench, rules.CHARGE_PEAK_BUDGET), 0)
        # The budget is of 30 s at 2C; such a current takes 29 ms of it in one.
        bench.fresh(1, 1)
        self.assertEqual(value(bench, rules.CHARGE_PEAK_BUDGET), 0)
        bench.fresh(1, 1)
        self.assertEqual(value(bench, rules.CHARGE_PEAK_BUDGET), 1)

    def test_every_level_of_the_rack_rules_has_a_detector_and_no_other_has(self):
        points = SharedSettings(Bench().settings).thresholds
        self.assertEqual(len(points.sides), rules.RACK_RULES)
        reactions = [rules.RULES[rule][REACTIONS] for rule in range(rules.RACK_RULES)]
        for rule in range(rules.RACK_RULES):
            for level in (1, 2, 3):
                there = points.number(rule, level) >= 0
                self.assertEqual(there, reactions[rule][level - 1] != NONE, (rule, level))
        self.assertEqual(len(points.levels), sum([3 - each.count(NONE) for each in reactions]))


class UnjudgedTest(unittest.TestCase):
    def test_service_releases_the_detectors_of_what_cannot_be_judged_and_no_others(self):
        bench = Bench()
        bench.fresh(500)
        protection = bench.protection
        points = protection.thresholds
        rule = rules.BAD_CELLS  # no scan yet
        self.assertEqual(value(bench, rule), ABSENT)
        protection.latches.trip(rule)
        protection.restored()
        for number in range(len(points.levels)):
            protection.detectors.force(number)
        self.assertEqual(protection.reset(BY_SERVICE, bench.clock.ticks()), RELEASED)
        own = range(points.first[rule], points.first[rule + 1])
        for number in range(len(points.levels)):
            self.assertEqual(protection.detectors.is_active(number), number not in own, number)


class FlowTest(unittest.TestCase):
    def test_each_step_adds_its_constant(self):
        bench = Bench()
        for _ in range(3):
            before = bench.protection.flow
            bench.protection.step(bench.clock.advance(50))
            self.assertEqual(bench.protection.flow - before, FLOW_STEP)

    def test_it_stays_a_small_integer(self):
        bench = Bench()
        bench.protection.flow = 0x1FFFFFFF
        bench.protection.step(bench.clock.advance(50))
        self.assertEqual(bench.protection.flow, FLOW_STEP - 1)


class SilenceTest(unittest.TestCase):
    def step(self, bench, after_ms):
        bench.protection.step(bench.clock.advance(after_ms))
        return value(bench, rules.COMM_LOSS)

    def test_stale_time_counts_whole_and_fresh_time_half(self):
        bench = Bench()
        self.assertEqual(self.step(bench, 2000), 2000)
        bench.clock.advance(501)
        bench.answer()
        self.assertEqual(value(bench, rules.COMM_LOSS), 1749)
        self.assertEqual(self.step(bench, 100), 1699)
        self.assertEqual(self.step(bench, 1400), 1500)  # its age, which is more than is left
        self.assertEqual(self.step(bench, 1), 1501)

    def test_data_of_the_oldest_age_are_not_stale_yet(self):
        bench = Bench()
        bench.fresh(500)
        self.assertEqual(self.step(bench, 1500), 1500)
        bench.fresh(500)
        self.assertEqual(value(bench, rules.COMM_LOSS), 0)
        self.step(bench, 1501)
        bench.fresh(500)
        self.assertEqual(value(bench, rules.COMM_LOSS), 1501 - 250)

    def test_a_good_time_before_leaves_nothing_behind(self):
        bench = Bench()
        bench.fresh(5000)
        self.step(bench, 2000)
        bench.clock.advance(501)
        bench.answer()
        self.assertEqual(value(bench, rules.COMM_LOSS), 1749)

    def test_the_sum_stops_at_what_level_three_needs(self):
        bench = Bench()
        self.step(bench, 100000)
        bench.fresh(500)
        self.assertEqual(value(bench, rules.COMM_LOSS), 10000 - 250)


class ScanTest(unittest.TestCase):
    def test_a_scan_of_the_oldest_age_is_none_that_was_missed(self):
        # Level 2 of lost cells: one bad cell for 1 s; a verdict holds until the next scan.
        for pause_ms, level in ((994, 1), (995, 2), (SCAN_STALE_MS, 2), (SCAN_STALE_MS + 1, 2)):
            bench = Bench()
            bench.fresh(500)
            bench.scan_cells([100, 3300, 3300, 3300])
            bench.clock.advance(pause_ms)
            bench.scan_cells([100, 3300, 3300, 3300])
            self.assertEqual(bench.level_of("bad_cells"), level, pause_ms)

    def rise_clears(self, pause_ms):
        """Whether a rise has cleared in a second scan without one, so long after the first."""
        bench = Bench()
        bench.protection.latches.trip(rules.TEMP_RISE)
        bench.protection.restored()
        bench.fresh(500)
        for after_ms in (0, 4000, pause_ms):
            bench.clock.advance(after_ms)
            bench.scan_temps([250, 250])
        return bench.level_of("temp_rise") == 0

    def test_a_missed_scan_clears_nothing(self):
        self.assertEqual(
            [self.rise_clears(ms) for ms in (5999, 6000, SCAN_STALE_MS, SCAN_STALE_MS + 1)],
            [False, True, True, False],
        )


class RunningTest(unittest.TestCase):
    def test_what_faster_summaries_cannot_settle_asks_for_none(self):
        bench = Bench()
        bench.fresh(500)
        bench.scan_cells([3300] * 4)
        bench.scan_cells([100, 3300, 3300, 3300])  # level 2 after 1 s
        bench.fresh(500)
        self.assertFalse(bench.protection.running)
        bench.put({slots.CELL_MAX_MV: 3500})
        bench.fresh(500)
        self.assertTrue(bench.protection.running)

    def test_time_without_anything_to_judge_is_no_time(self):
        bench = Bench()
        bench.put({slots.CELL_MIN_MV: 2805})
        bench.fresh(1000)  # 500 ms of a spread that is too wide
        bench.put({slots.RACK_CURRENT_DA: 700})  # under load there is no telling
        bench.fresh(10000)
        bench.put({slots.RACK_CURRENT_DA: 0})
        bench.fresh(500)
        bench.fresh(4000)
        bench.fresh(494, 494)  # 5 s less the resolution of time is 4995 ms
        self.assertEqual(bench.level_of("voltage_spread"), 0)
        bench.fresh(1, 1)
        self.assertEqual(bench.level_of("voltage_spread"), 3)


class GapTest(unittest.TestCase):
    def test_summaries_that_just_do_not_go_stale_clear_an_alarm(self):
        for period_ms, level in ((1500, 0), (1501, 2)):
            bench = Bench()
            bench.put({slots.CELL_MAX_MV: 3600})
            bench.fresh(8000)
            self.assertEqual(bench.level_of("cell_overvoltage"), 2)
            bench.put({slots.CELL_MAX_MV: 3310})
            bench.fresh(8 * period_ms, period_ms)
            self.assertEqual(bench.level_of("cell_overvoltage"), level)

    def test_a_stop_of_either_direction_is_watched(self):
        for readings, current_da in (
            ({slots.CELL_MAX_MV: 3610}, 100),
            ({slots.CELL_MIN_MV: 2790}, -100),
        ):
            bench = Bench()
            bench.put(readings)
            bench.put({slots.RACK_CURRENT_DA: current_da})
            bench.fresh(5000)
            self.assertEqual(value(bench, rules.STOP_NOT_RESPECTED), 63)


class FirstScanTest(unittest.TestCase):
    def test_the_first_scan_of_the_temperatures_is_judged(self):
        bench = Bench()
        bench.fresh(500)
        values = bench.protection.quantities.values
        self.assertEqual(values[rules.TEMP_RISE], ABSENT)
        bench.scan_temps([250] * 2)
        self.assertEqual(values[rules.TEMP_RISE], 0)

    def test_the_last_sensor_of_the_largest_rack_is_missed_when_it_is_lost(self):
        bench = Bench(cells=416, temps=104)
        temps = [250] * 104
        for last_dc, bad in ((250, 0), (TEMP_ABSENT, 1)):
            temps[103] = last_dc
            for _ in range(3):
                bench.scan_temps(temps)
                bench.scan_cells([3300] * 416)
                bench.fresh(4000)
            self.assertEqual(bench.protection.quantities.values[rules.BAD_CELLS], bad)


class ResetTest(unittest.TestCase):
    def held(self):
        bench = Bench()
        bench.protection.latches.trip(rules.CELL_OVERVOLTAGE)
        bench.protection.restored()
        return bench

    def reset(self, bench):
        return bench.protection.reset(BY_OPERATOR, bench.clock.ticks())

    def test_a_latch_of_a_rule_that_has_none_can_be_released_like_any(self):
        bench = Bench()
        bench.protection.latches.restore(b"\x01" * (2 * rules.RACK_RULES), 0)
        bench.protection.restored()
        self.assertEqual(set(bench.protection.levels), {3})
        for _ in range(40):
            bench.scan_cells([3300] * 4)
            bench.scan_temps([250] * 2)
            bench.fresh(60000, 1000)
        self.assertFalse(bench.decision.permit)
        result = bench.protection.reset(BY_SERVICE, bench.clock.ticks())
        self.assertEqual(result, RELEASED)
        self.assertTrue(bench.decision.permit)

    def test_a_rack_that_never_answered_cannot_be_reset(self):
        bench = self.held()
        bench.silence(100)
        self.assertEqual(bench.level_of("comm_loss"), 0)
        self.assertEqual(self.reset(bench), NO_DATA)

    def test_its_first_summary_is_an_answer(self):
        bench = self.held()
        bench.fresh(500)
        self.assertEqual(self.reset(bench), STILL_HOLDS)

    def test_after_the_clear_delay_the_permit_is_back_in_the_step_of_the_reset(self):
        bench = self.held()
        bench.fresh(5000)
        self.assertEqual(self.reset(bench), STILL_HOLDS)
        bench.fresh(500)
        self.assertFalse(bench.decision.permit)
        self.assertEqual(self.reset(bench), RELEASED)
        self.assertTrue(bench.decision.permit)


if __name__ == "__main__":
    unittest.main()
