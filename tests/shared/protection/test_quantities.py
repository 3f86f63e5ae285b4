"""Rules that look at more than one reading, through the whole protection of a rack."""

import unittest

from protection_bench import Bench

from gateway.rack import data as slots
from gateway.rack.data import ABSENT, CELL_ABSENT


class ColdTest(unittest.TestCase):
    def test_undervoltage_follows_the_hottest_sensor(self):
        # (hottest, lowest cell, trips): 2.5 V above 0 degC, 2.0 V at -5 degC, 2.2 V at -3 degC
        for hottest_dc, lowest_mv, trips in (
            (1, 2500, True),
            (0, 2500, True),
            (0, 2501, False),
            (-50, 2001, False),
            (-50, 2000, True),
            (-100, 2000, True),
            (-30, 2201, False),
            (-30, 2200, True),
        ):
            with self.subTest(hottest_dc=hottest_dc, lowest_mv=lowest_mv):
                bench = Bench()
                bench.put({slots.TEMP_MAX_DC: hottest_dc, slots.TEMP_MIN_DC: -100})
                bench.fresh(1000)
                bench.put({slots.CELL_MIN_MV: lowest_mv})
                bench.fresh(2500)
                self.assertEqual(bench.level_of("cell_undervoltage") == 3, trips)

    def test_charging_in_the_frost_opens_and_discharging_does_not(self):
        for current_da, level in ((80, 3), (-500, 0), (60, 0)):
            bench = Bench()
            bench.put({slots.TEMP_MIN_DC: -1, slots.TEMP_MAX_DC: 50})
            bench.put({slots.RACK_CURRENT_DA: current_da})
            bench.fresh(11000)
            self.assertEqual(bench.level_of("cold_charging"), level, current_da)


class CompoundTest(unittest.TestCase):
    def test_peak_budget_is_full_after_thirty_seconds_of_twice_the_capacity(self):
        bench = Bench()
        bench.put({slots.RACK_CURRENT_DA: -6280, slots.SOC_PM: 500})
        bench.fresh(24000)
        self.assertEqual(bench.level_of("discharge_peak_budget"), 0)
        bench.fresh(2000)
        self.assertEqual(bench.level_of("discharge_peak_budget"), 1)
        bench.fresh(6000)
        self.assertEqual(bench.level_of("discharge_peak_budget"), 2)
        self.assertEqual(bench.decision.discharge_da, 0)

    def test_there_is_no_peak_budget_beyond_the_soc_gate(self):
        for soc_pm, current_da, rule in (
            (300, -3000, "discharge_peak_budget"),
            (800, 3000, "charge_peak_budget"),
            (ABSENT, 3000, "charge_peak_budget"),
        ):
            bench = Bench()
            bench.put({slots.RACK_CURRENT_DA: current_da, slots.SOC_PM: soc_pm})
            bench.fresh(2000)
            self.assertEqual(bench.level_of(rule), 2, (soc_pm, rule))

    def test_voltage_sum_compares_the_rack_with_its_cells(self):
        bench = Bench()
        bench.put({slots.RACK_VOLTAGE_DV: 6864 - 50})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("voltage_sum"), 2)
        self.assertEqual(bench.decision.charge_da, 0)

    def test_spread_counts_on_the_plateau_only(self):
        for mean_mv, current_da, level in (
            (3300, 0, 1), (3199, 0, 0), (3341, 0, 0), (3300, 630, 0), (3300, -630, 0),
        ):  # fmt: skip
            bench = Bench()
            bench.fresh(1000)
            bench.put({slots.CELL_MEAN_MV: mean_mv, slots.RACK_CURRENT_DA: current_da})
            bench.put({slots.CELL_MIN_MV: mean_mv - 40, slots.CELL_MAX_MV: mean_mv + 20})
            bench.fresh(61000)
            self.assertEqual(bench.level_of("voltage_spread"), level, (mean_mv, current_da))

    def test_leaving_the_plateau_clears_no_spread(self):
        bench = Bench()
        bench.put({slots.CELL_MIN_MV: 3240})
        bench.fresh(62000)
        self.assertEqual(bench.level_of("voltage_spread"), 1)
        bench.put({slots.CELL_MIN_MV: 3300, slots.RACK_CURRENT_DA: 1000})
        bench.fresh(60000)
        self.assertEqual(bench.level_of("voltage_spread"), 1)
        bench.put({slots.RACK_CURRENT_DA: 0})
        bench.fresh(12000)
        self.assertEqual(bench.level_of("voltage_spread"), 0)

    def test_one_jump_is_no_rate_and_a_lasting_fall_is(self):
        bench = Bench()
        bench.fresh(5000)
        bench.put({slots.CELL_MIN_MV: 3000})
        bench.fresh(10000)
        self.assertTrue(bench.level_of("voltage_rate") < 3)
        bench = Bench()
        bench.fresh(5000)
        for second in range(4):
            bench.put({slots.CELL_MIN_MV: 3290 - 110 * second})
            bench.fresh(1000)
        self.assertEqual(bench.level_of("voltage_rate"), 3)

    def test_a_load_step_is_no_rate(self):
        bench = Bench()
        for step in range(10):
            shift = 100 * (step % 2)
            bench.put({slots.CELL_MIN_MV: 3190 + shift, slots.CELL_MAX_MV: 3210 + shift})
            bench.fresh(1000)
        self.assertEqual(bench.level_of("voltage_rate"), 0)

    def test_where_registers_are_missing_only_cells_that_were_there_count(self):
        bench = Bench()
        bench.data.missing_registers.append((3, 0x1003, 1))
        bench.fresh(500)
        bench.scan_cells([3300, 3300, 3300, CELL_ABSENT])
        self.assertEqual(bench.level_of("bad_cells"), 0)
        bench.scan_cells([3300, 3300, 100, CELL_ABSENT])
        self.assertEqual(bench.level_of("bad_cells"), 1)
        self.assertTrue(bench.decision.permit)
        bench.scan_cells([3300, 4600, CELL_ABSENT, CELL_ABSENT])
        bench.clock.advance(4000)
        bench.scan_cells([3300, 4600, CELL_ABSENT, CELL_ABSENT])
        self.assertEqual(bench.level_of("bad_cells"), 3)
        self.assertFalse(bench.decision.permit)

    def test_a_lost_sensor_counts_like_one_cell(self):
        bench = Bench()
        bench.fresh(500)
        for temps_dc, level in (([250, 240], 0), ([250, -32768], 1), ([-600, 1001], 1)):
            bench.scan_temps(temps_dc)
            bench.scan_cells([3300] * 4)
            self.assertEqual(bench.level_of("bad_cells"), level, temps_dc)

    def test_a_gap_is_no_fast_change(self):
        bench = Bench()
        bench.fresh(3000)
        bench.silence(9000)
        bench.put({slots.CELL_MIN_MV: 3000})
        bench.fresh(2000)
        self.assertEqual(bench.level_of("voltage_rate"), 0)

    def test_a_bms_that_starts_anew_has_no_bad_cells(self):
        bench = Bench()
        bench.fresh(500)
        bench.scan_cells([3300, 3300, 3300, 3300])
        for _ in range(3):
            bench.clock.advance(500)
            bench.data.take_sign_of_life(bench.clock.ticks(), True)
            bench.scan_cells([0, 0, 0, 0])
        self.assertEqual(bench.level_of("bad_cells"), 0)
        for _ in range(2):
            bench.data.reject(bench.clock.advance(500))
            bench.scan_cells([0, 0, 0, 0])
        self.assertEqual(bench.level_of("bad_cells"), 0)

    def test_cells_that_were_never_there_are_bad(self):
        bench = Bench()
        bench.fresh(500)
        for _ in range(2):
            bench.scan_cells([3300, 3300, CELL_ABSENT, CELL_ABSENT])
            bench.clock.advance(4000)
        self.assertEqual(bench.level_of("bad_cells"), 3)

    def test_a_stop_that_nobody_obeys_opens_also_without_a_limit_register(self):
        bench = Bench()
        bench.put({slots.CELL_MAX_MV: 3600, slots.RACK_CURRENT_DA: 200})
        bench.fresh(31000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)
        self.assertTrue(bench.decision.permit)
        bench.fresh(3000)
        self.assertEqual(bench.level_of("stop_not_respected"), 3)
        self.assertFalse(bench.decision.permit)

    def test_the_other_direction_goes_on(self):
        bench = Bench()
        bench.put({slots.CELL_MAX_MV: 3600, slots.RACK_CURRENT_DA: -200})
        bench.fresh(60000)
        self.assertEqual(bench.level_of("stop_not_respected"), 0)

    def test_current_beyond_the_sent_limit(self):
        bench = Bench()
        bench.protection.limits_sent = True
        bench.put({slots.DISCHARGE_LIMIT_DA: 1000})
        bench.fresh(150000)
        for current_da, level in ((-1078, 0), (-1079, 1), (-1100, 2), (-1250, 3)):
            bench.put({slots.RACK_CURRENT_DA: current_da})
            bench.fresh(11000)
            self.assertEqual(bench.level_of("limit_not_respected"), level, current_da)
        self.assertFalse(bench.decision.permit)

    def test_a_converter_that_follows_within_seconds_is_not_blamed(self):
        bench = Bench()
        bench.protection.limits_sent = True
        bench.put({slots.RACK_CURRENT_DA: -1500})
        bench.fresh(150000)
        bench.put({slots.DISCHARGE_LIMIT_DA: 0})
        bench.fresh(9000)
        self.assertTrue(bench.level_of("limit_not_respected") < 2)
        bench.put({slots.RACK_CURRENT_DA: 0})
        bench.fresh(20000)
        self.assertEqual(bench.level_of("limit_not_respected"), 0)

    def test_coming_back_faster_than_the_ramp_is_not_blamed(self):
        bench = Bench()
        bench.protection.limits_sent = True
        bench.put({slots.RACK_CURRENT_DA: -1500})
        bench.fresh(60000)
        self.assertTrue(bench.decision.discharge_da < 1000)
        self.assertEqual(bench.level_of("limit_not_respected"), 0)

    def test_nobody_is_blamed_for_a_limit_that_is_not_sent(self):
        bench = Bench()
        bench.put({slots.DISCHARGE_LIMIT_DA: 0, slots.RACK_CURRENT_DA: -500})
        bench.fresh(30000)
        self.assertEqual(bench.level_of("limit_not_respected"), 0)


if __name__ == "__main__":
    unittest.main()
