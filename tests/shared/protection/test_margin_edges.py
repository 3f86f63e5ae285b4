"""Which level of a rack comes next, and how far away it is."""

import unittest

from protection_bench import Bench

from gateway.protection import rules
from gateway.protection.margin import nearest
from gateway.rack import data as slots
from gateway.rack.data import ABSENT


class NearestTest(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()

    def put_cells(self, highest_mv):
        """All cells close together, above the plateau, so that no spread is judged."""
        self.bench.put({
            slots.CELL_MAX_MV: highest_mv,
            slots.CELL_MIN_MV: highest_mv - 20,
            slots.CELL_MEAN_MV: 3400,
            slots.RACK_VOLTAGE_DV: 34 * 208,
        })  # fmt: skip

    def test_nothing_without_data(self):
        self.assertIsNone(nearest(self.bench.protection))

    def test_the_value_that_is_nearest_to_its_set_point(self):
        self.put_cells(3490)
        self.bench.fresh(1000)
        found = nearest(self.bench.protection)
        self.assertEqual(found["rule"], "cell_overvoltage")
        self.assertEqual((found["level"], found["margin"], found["ms"]), (1, 10, None))
        self.assertEqual(found["unit"], "mV")

    def test_of_what_is_too_low_the_margin_is_turned(self):
        self.bench.put({slots.CELL_MIN_MV: 2905, slots.CELL_MEAN_MV: 3100})
        self.bench.put({slots.RACK_VOLTAGE_DV: 6448})
        self.bench.fresh(1000)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["margin"]), ("cell_undervoltage", 5))

    def test_what_runs_comes_before_what_is_near(self):
        self.bench.put({slots.TEMP_MAX_DC: 505, slots.CELL_MAX_MV: 3499})
        self.bench.fresh(1000)
        found = nearest(self.bench.protection)
        # discharge_overtemperature is as near
        self.assertEqual(found["rule"], "charge_overtemperature")
        self.assertEqual((found["level"], found["margin"]), (1, -5))
        self.assertEqual(found["ms"], 9495)

    def test_among_the_running_the_least_time(self):
        self.bench.put({slots.TEMP_MAX_DC: 505, slots.CELL_MAX_MV: 3510})
        self.bench.fresh(1000)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["ms"]), ("cell_overvoltage", 4495))

    def test_the_level_after_the_one_that_is_active(self):
        self.put_cells(3595)
        self.bench.fresh(6000)
        self.assertEqual(self.bench.level_of("cell_overvoltage"), 1)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["level"], found["margin"]), (
            "cell_overvoltage", 2, 5))  # fmt: skip

    def test_a_rule_may_have_its_third_level_only(self):
        self.bench.put({slots.RACK_CURRENT_DA: 6600})
        self.bench.fresh(600, 100)
        self.bench.put({slots.RACK_CURRENT_DA: 6593})
        self.bench.fresh(100, 100)
        self.bench.put({slots.RACK_CURRENT_DA: -6600})
        self.bench.fresh(200, 100)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["level"]), ("discharge_peak_current", 3))
        self.assertEqual((found["margin"], found["ms"]), (-6, 195))

    def test_a_rule_may_have_no_second_level(self):
        self.put_cells(3380)
        for _ in range(3):
            self.bench.put({slots.CELL_MIN_MV: self.bench.readings[slots.CELL_MIN_MV] - 70})
            self.bench.fresh(1000)
        self.assertEqual(self.bench.level_of("voltage_rate"), 1)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["level"], found["margin"]), (
            "voltage_rate", 3, 30))  # fmt: skip

    def test_a_rule_at_its_highest_level_has_no_next_one(self):
        self.bench.put({slots.CELL_MAX_MV: 3700})
        self.bench.fresh(6000)
        self.assertEqual(self.bench.level_of("cell_overvoltage"), 3)
        self.assertFalse(nearest(self.bench.protection)["rule"] == "cell_overvoltage")

    def test_what_cannot_be_judged_hides_nothing_behind_it(self):
        self.bench.data.supplied[slots.CELL_MEAN_MV] = 0  # no sum of the cells then
        self.bench.put({slots.CELL_MEAN_MV: ABSENT})
        self.bench.put({slots.TEMP_MAX_DC: 499, slots.TEMP_MIN_DC: 490})
        self.bench.fresh(1000)
        found = nearest(self.bench.protection)
        self.assertEqual((found["rule"], found["margin"]), ("charge_overtemperature", 1))
        self.assertTrue(isinstance(found["margin"], int))

    def test_near_is_a_part_of_the_way_from_the_clear_point(self):
        self.bench.fresh(500)
        self.bench.scan_cells([3300] * 4)
        for highest_mv, nearest_rule in ((3451, "cell_overvoltage"), (3449, "bad_cells")):
            self.put_cells(highest_mv)
            self.bench.fresh(2000)
            self.assertEqual(nearest(self.bench.protection)["rule"], nearest_rule)

    def test_of_two_within_the_same_tenth_of_a_percent_the_first_is_told(self):
        self.bench.put({slots.RACK_CURRENT_DA: 1569})  # 5025 of 5024 to the peak
        self.bench.fresh(1000)
        self.bench.scan_cells([3300] * 4)  # 1 of 1
        self.assertEqual(nearest(self.bench.protection)["rule"], "charge_peak_current")

    def test_the_points_of_a_cold_rack(self):
        first = rules.CELL_UNDERVOLTAGE, 1
        self.bench.fresh(500)
        self.assertEqual(self.bench.protection.points(*first), (-2900, -3000))
        self.bench.put({slots.TEMP_MAX_DC: -60, slots.TEMP_MIN_DC: -70})
        self.bench.fresh(500)
        self.assertEqual(self.bench.protection.points(*first), (-2600, -2800))
        self.assertEqual(self.bench.protection.points(0, 1), (3500, 3450))


if __name__ == "__main__":
    unittest.main()
