"""What each rule looks at: every value from its readings, and the edges of what counts."""

import unittest

from protection_bench import Bench

from gateway.config.rules import CHARGE, DISCHARGE
from gateway.protection import rules
from gateway.rack import data as slots
from gateway.rack.data import ABSENT, CELL_ABSENT, TEMP_ABSENT

CHARGE_DA, DISCHARGE_DA = 1513, 1571
REST_DA = DISCHARGE_DA * 20 // 1000
TOLERANCE_DA = DISCHARGE_DA // 20
READINGS = {
    slots.CELL_MAX_MV: 3391,
    slots.CELL_MIN_MV: 3247,
    slots.CELL_MEAN_MV: 3313,
    slots.RACK_VOLTAGE_DV: 6913,
    slots.TEMP_MAX_DC: 271,
    slots.TEMP_MIN_DC: 239,
    slots.INSULATION_KOHM: 4711,
    slots.SOC_PM: 500,
}


def bench():
    made = Bench(charge_current_da=CHARGE_DA, discharge_current_da=DISCHARGE_DA)
    made.put(READINGS)
    return made


def value(site, rule):
    return site.protection.quantities.values[rule]


class ReadingsTest(unittest.TestCase):
    def test_each_rule_has_its_reading(self):
        site = bench()
        site.put({slots.RACK_CURRENT_DA: 17})
        site.fresh(500)
        for rule, expected in (
            (rules.CELL_OVERVOLTAGE, 3391),
            (rules.CELL_UNDERVOLTAGE, 3247),
            (rules.DEEP_DISCHARGE, 3247),
            (rules.RACK_OVERVOLTAGE, 6913),
            (rules.RACK_UNDERVOLTAGE, 6913),
            (rules.VOLTAGE_SUM, 6913 - 3313 * 208 // 100),
            (rules.CHARGE_OVERCURRENT, 17),
            (rules.DISCHARGE_OVERCURRENT, 0),
            (rules.CHARGE_PEAK_CURRENT, 17),
            (rules.DISCHARGE_PEAK_CURRENT, 0),
            (rules.CHARGE_OVERTEMPERATURE, 271),
            (rules.DISCHARGE_OVERTEMPERATURE, 271),
            (rules.CHARGE_UNDERTEMPERATURE, 239),
            (rules.DISCHARGE_UNDERTEMPERATURE, 239),
            (rules.TEMP_SPREAD, 32),
            (rules.VOLTAGE_SPREAD, 144),
            (rules.COLD_CHARGING, 0),
            (rules.INSULATION, 4711),
            (rules.STOP_NOT_RESPECTED, 0),
            (rules.LIMIT_NOT_RESPECTED, ABSENT),  # the limits are not sent
        ):
            self.assertEqual(value(site, rule), expected, rules.name(rule))
        site.put({slots.RACK_CURRENT_DA: -19})
        site.fresh(500)
        for rule, expected in (
            (rules.CHARGE_OVERCURRENT, 0),
            (rules.DISCHARGE_OVERCURRENT, 19),
            (rules.CHARGE_PEAK_CURRENT, 0),
            (rules.DISCHARGE_PEAK_CURRENT, 19),
        ):
            self.assertEqual(value(site, rule), expected, rules.name(rule))

    def test_the_smallest_current_is_one(self):
        for current_da, expected in ((1, (1, 0)), (0, (0, 0)), (-1, (0, 1))):
            site = bench()
            site.put({slots.RACK_CURRENT_DA: current_da})
            site.fresh(500)
            found = value(site, rules.CHARGE_OVERCURRENT), value(site, rules.DISCHARGE_OVERCURRENT)
            self.assertEqual(found, expected)

    def test_rest_is_a_part_of_the_larger_rating(self):
        self.assertEqual(bench().protection.settings.rest_da, 31)
        for ratings in ((1600, 1571), (1571, 1600)):
            site = Bench(charge_current_da=ratings[0], discharge_current_da=ratings[1])
            self.assertEqual(site.protection.settings.rest_da, 32)

    def test_the_sum_may_be_off_either_way_and_needs_its_mean(self):
        site = bench()
        site.put({slots.RACK_VOLTAGE_DV: 6800})
        site.fresh(500)
        self.assertEqual(value(site, rules.VOLTAGE_SUM), 3313 * 208 // 100 - 6800)
        site.put({slots.CELL_MEAN_MV: ABSENT})
        site.fresh(500)
        self.assertEqual(value(site, rules.VOLTAGE_SUM), ABSENT)
        site.put({slots.CELL_MEAN_MV: 3313})
        site.data.supplied[slots.CELL_MEAN_MV] = 0
        site.fresh(500)
        self.assertEqual(value(site, rules.VOLTAGE_SUM), ABSENT)

    def test_the_spread_is_judged_on_the_plateau_at_low_current(self):
        for mean_mv, current_da, judged in (
            (3199, 0, False), (3200, 0, True), (3340, 0, True), (3341, 0, False),
            (3300, 627, True), (3300, 628, False), (3300, -627, True), (3300, -628, False),
        ):  # fmt: skip
            site = bench()
            site.put({slots.CELL_MEAN_MV: mean_mv, slots.RACK_CURRENT_DA: current_da})
            site.fresh(500)
            expected = 144 if judged else ABSENT
            self.assertEqual(value(site, rules.VOLTAGE_SPREAD), expected, (mean_mv, current_da))

    def test_without_a_mean_the_rack_voltage_tells_the_plateau(self):
        for rack_dv, judged in ((6656, True), (6655, False), (6949, True), (6950, False)):
            site = bench()
            site.put({slots.CELL_MEAN_MV: ABSENT, slots.RACK_VOLTAGE_DV: rack_dv})
            site.fresh(500)
            expected = 144 if judged else ABSENT
            self.assertEqual(value(site, rules.VOLTAGE_SPREAD), expected, rack_dv)

    def test_charging_below_freezing_is_a_part_of_the_rating(self):
        for coldest_dc, current_da, expected in (
            (0, 500, 0), (-1, 500, 330), (-1, 0, 0), (-1, -500, 0), (-1, 1, 0), (-1, 2, 1),
            (-1, CHARGE_DA, 1000),
        ):  # fmt: skip
            site = bench()
            site.put({slots.TEMP_MIN_DC: coldest_dc, slots.RACK_CURRENT_DA: current_da})
            site.fresh(500)
            self.assertEqual(value(site, rules.COLD_CHARGING), expected, (coldest_dc, current_da))
        site = bench()
        site.protection.settings.charge_da = 500
        site.put({slots.TEMP_MIN_DC: -1, slots.RACK_CURRENT_DA: 1})
        site.fresh(500)
        self.assertEqual(value(site, rules.COLD_CHARGING), 2)

    def test_peaks_need_a_state_of_charge_that_allows_them(self):
        # Above 1.05 of the rating, for a moment only: full where no peak is allowed.
        for current_da, rule, soc_pm, full in (
            (1589, rules.CHARGE_PEAK_BUDGET, 799, False),
            (1589, rules.CHARGE_PEAK_BUDGET, 800, True),
            (1589, rules.CHARGE_PEAK_BUDGET, ABSENT, True),
            (-1650, rules.DISCHARGE_PEAK_BUDGET, 301, False),
            (-1650, rules.DISCHARGE_PEAK_BUDGET, 300, True),
            (-1650, rules.DISCHARGE_PEAK_BUDGET, ABSENT, True),
        ):
            site = bench()
            site.put({slots.RACK_CURRENT_DA: current_da, slots.SOC_PM: soc_pm})
            site.fresh(500)
            self.assertEqual(value(site, rule), 1000 if full else 0, (rule, soc_pm))

    def test_each_budget_takes_its_own_direction(self):
        for current_da, charge_pm, discharge_pm in ((6280, 166, 0), (-6280, 0, 166)):
            site = bench()
            site.put({slots.RACK_CURRENT_DA: current_da})
            site.fresh(5500)  # the first sample begins it
            self.assertEqual(value(site, rules.CHARGE_PEAK_BUDGET), charge_pm)
            self.assertEqual(value(site, rules.DISCHARGE_PEAK_BUDGET), discharge_pm)


class StopTest(unittest.TestCase):
    def stopped(self, current_da, charge, discharge, charge_rating_da=CHARGE_DA):
        site = bench()
        site.protection.settings.charge_da = charge_rating_da
        site.put({slots.RACK_CURRENT_DA: current_da})
        site.fresh(500)
        site.protection.quantities.take_stops(charge * CHARGE | discharge * DISCHARGE)
        return value(site, rules.STOP_NOT_RESPECTED)

    def test_what_flows_although_its_direction_is_stopped(self):
        self.assertEqual(self.stopped(100, True, False), 66)
        self.assertEqual(self.stopped(100, False, True), 0)
        self.assertEqual(self.stopped(-100, False, True), 63)
        self.assertEqual(self.stopped(-100, True, False), 0)
        self.assertEqual(self.stopped(0, True, True), 0)
        self.assertEqual(self.stopped(1, True, True), 0)
        self.assertEqual(self.stopped(2, True, True), 1)
        self.assertEqual(self.stopped(-2, True, True), 1)
        self.assertEqual(self.stopped(1, True, True, 500), 2)
        self.assertEqual(self.stopped(CHARGE_DA, True, True), 1000)
        self.assertEqual(self.stopped(-DISCHARGE_DA, True, True), 1000)


class LimitTest(unittest.TestCase):
    def take(self, site, current_da, limits, elapsed_ms):
        site.put({slots.RACK_CURRENT_DA: current_da})
        site.answer()
        site.protection.quantities.take_limits(limits[0], limits[1], elapsed_ms)
        return value(site, rules.LIMIT_NOT_RESPECTED)

    def test_a_small_part_of_the_rating_is_no_excess(self):
        for sign in (1, -1):
            for limits, current_da, expected in (
                ((0, 0), TOLERANCE_DA, 0),
                ((0, 0), TOLERANCE_DA + 1, (TOLERANCE_DA + 1) * 1000 // REST_DA),
                ((1000, 1000), 1000 + TOLERANCE_DA, 0),
                ((1000, 1000), 1001 + TOLERANCE_DA, 1001 + TOLERANCE_DA),
                ((REST_DA + 1, REST_DA + 1), 200, 200 * 1000 // (REST_DA + 1)),
            ):
                found = self.take(bench(), sign * current_da, limits, 0)
                self.assertEqual(found, expected, (sign, limits, current_da))

    def test_each_direction_has_its_own_limit(self):
        self.assertEqual(self.take(bench(), 500, (1000, 0), 0), 0)
        self.assertTrue(self.take(bench(), 500, (0, 1000), 0) > 0)
        self.assertEqual(self.take(bench(), -500, (0, 1000), 0), 0)
        self.assertTrue(self.take(bench(), -500, (1000, 0), 0) > 0)

    def test_the_highest_of_the_last_five_to_ten_seconds_counts(self):
        for current_da in (800, -800):
            site = bench()
            for limit_da, elapsed_ms, is_over in (
                (1000, 0, False), (0, 4999, False), (0, 4999, False), (0, 1, False),
                (0, 4998, False), (0, 1, True),
            ):  # fmt: skip
                found = self.take(site, current_da, (limit_da, limit_da), elapsed_ms)
                self.assertEqual(found > 0, is_over)

    def test_after_that_nothing_is_left_of_it(self):
        for sign in (1, -1):
            site = bench()
            excess_da = sign * (TOLERANCE_DA + 1)
            self.take(site, excess_da, (1000, 1000), 0)
            self.assertEqual(self.take(site, excess_da, (0, 0), 5000), 0)
            self.assertTrue(self.take(site, excess_da, (0, 0), 5000) > 0)

    def test_a_new_high_begins_its_own_time(self):
        site = bench()
        for limit_da, elapsed_ms, is_over in (
            (0, 0, True), (0, 4900, True), (1000, 100, False), (0, 4900, False), (0, 100, False),
            (0, 4999, False), (0, 1, True),
        ):  # fmt: skip
            self.assertEqual(self.take(site, 800, (limit_da, 0), elapsed_ms) > 0, is_over)


class ScanTest(unittest.TestCase):
    def test_what_is_a_cell_and_what_is_none(self):
        for cell_mv, bad in ((999, 1), (1000, 0), (4500, 0), (4501, 1), (CELL_ABSENT, 1)):
            site = bench()
            site.fresh(500)
            site.scan_cells([3300, cell_mv, 3300, 3300])
            self.assertEqual(value(site, rules.BAD_CELLS), bad, cell_mv)

    def test_every_bad_cell_counts_and_lost_sensors_count_like_one(self):
        site = bench()
        site.fresh(500)
        site.scan_temps([250, 250])
        site.scan_temps([TEMP_ABSENT, TEMP_ABSENT])
        for cells, bad in (([3300] * 4, 1), ([0, 3300, 3300, 3300], 1), ([0, 0, 0, 3300], 3)):
            site.scan_cells(cells)
            self.assertEqual(value(site, rules.BAD_CELLS), bad)

    def test_what_is_a_sensor_and_what_was_lost(self):
        for temp_dc, lost in ((-501, 1), (-500, 0), (1000, 0), (1001, 1), (TEMP_ABSENT, 1)):
            for place in (0, 1):
                site = bench()
                site.fresh(500)
                site.scan_temps([250, 250])
                temps_dc = [250, 250]
                temps_dc[place] = temp_dc
                site.scan_temps(temps_dc)
                site.scan_cells([3300] * 4)
                self.assertEqual(value(site, rules.BAD_CELLS), lost, (temp_dc, place))

    def test_while_its_answers_are_no_good_no_cell_and_no_sensor_is_blamed(self):
        site = bench()
        site.fresh(500)
        site.scan_temps([250, 250])
        site.data.reject(site.clock.advance(100))
        site.scan_temps([TEMP_ABSENT, 250])
        site.scan_cells([0, 0, 0, 0])
        self.assertEqual(value(site, rules.BAD_CELLS), ABSENT)
        site.fresh(500)
        site.scan_cells([3300] * 4)
        self.assertEqual(value(site, rules.BAD_CELLS), 0)

    def test_registers_that_never_were_are_no_cells(self):
        site = bench()
        site.data.missing_registers.append((3, 0x1000, 1))
        site.fresh(500)
        site.scan_cells([CELL_ABSENT, 3300, 3300, CELL_ABSENT])
        self.assertEqual(value(site, rules.BAD_CELLS), 0)
        site.scan_cells([CELL_ABSENT, CELL_ABSENT, 3300, CELL_ABSENT])
        self.assertEqual(value(site, rules.BAD_CELLS), 1)


class LostTest(unittest.TestCase):
    """Of implausible: level 1 from 100 ms on, level 2 from 1 s, level 3 from 10 s."""

    def test_what_is_lost_from_the_first_summary_on_is_lost_from_there(self):
        for slot in (slots.SOC_PM, slots.INSULATION_KOHM):
            site = bench()
            site.put({slot: ABSENT})
            site.fresh(500)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 0)
            site.fresh(99, 99)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 99)

    def test_how_far_each_loss_goes(self):
        for slot, most_ms in (
            (slots.SOC_PM, 9999),
            (slots.CELL_MEAN_MV, 9999),
            (slots.CHARGE_LIMIT_DA, 9999),
            (slots.DISCHARGE_LIMIT_DA, 9999),
            (slots.INSULATION_KOHM, 999),
        ):
            site = bench()
            site.fresh(500)
            site.put({slot: ABSENT})
            site.fresh(500)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 500, slot)
            site.fresh(20000)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), most_ms, slot)
            site.put({slot: READINGS.get(slot, 1570)})
            site.fresh(500)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 0, slot)

    def test_a_scan_is_missed_after_two_minutes_while_summaries_are_fresh(self):
        for scan in ("scan_cells", "scan_temps"):
            site = bench()
            site.fresh(500)
            getattr(site, scan)([3300] * 4 if scan == "scan_cells" else [250] * 2)
            site.fresh(120000)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 0)
            site.fresh(700, 100)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 700)
            site.fresh(60000)
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 9999)
            site.silence(2000)  # that is another rule's business
            self.assertEqual(value(site, rules.IMPLAUSIBLE), 0)


class StillTest(unittest.TestCase):
    def test_before_the_first_summary_nothing_stands_still(self):
        site = bench()
        site.silence(1000)
        for rule in (rules.HEARTBEAT_FROZEN, rules.VALUES_FROZEN):
            self.assertEqual(value(site, rule), ABSENT)

    def test_both_count_from_the_last_change(self):
        site = bench()
        site.fresh(1000)
        site.beat = False
        site.put({slots.RACK_CURRENT_DA: 100})
        site.fresh(500)
        site.fresh(70000)
        self.assertEqual(value(site, rules.HEARTBEAT_FROZEN), 70000)
        self.assertEqual(value(site, rules.VALUES_FROZEN), 70000)

    def test_a_rack_without_a_heartbeat_has_none_that_stands_still(self):
        site = bench()
        site.data.supplied[slots.HEARTBEAT] = 0
        site.beat = False
        site.fresh(500)
        site.fresh(70000)
        self.assertEqual(value(site, rules.HEARTBEAT_FROZEN), ABSENT)
        self.assertEqual(value(site, rules.VALUES_FROZEN), 70000)

    def test_at_rest_with_a_heartbeat_it_never_opens(self):
        for current_da, still_ms in (
            (REST_DA, 59999), (-REST_DA, 59999), (REST_DA + 1, 70000), (-REST_DA - 1, 70000),
        ):  # fmt: skip
            site = bench()
            site.beat = False
            site.put({slots.RACK_CURRENT_DA: current_da})
            site.fresh(500)
            site.fresh(70000)
            self.assertEqual(value(site, rules.VALUES_FROZEN), still_ms, current_da)


if __name__ == "__main__":
    unittest.main()
