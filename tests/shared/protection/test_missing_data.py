"""What is old, frozen, implausible, lost or not there yet."""

import unittest

from protection_bench import Bench

from gateway.protection.latches import BY_OPERATOR, NEEDS_SERVICE
from gateway.rack import data as slots
from gateway.rack.data import ABSENT


def scan_again(bench, what):
    if what == "cells":
        bench.scan_cells([3300] * 4)
    else:
        bench.scan_temps([250] * 2)


class MissingDataTest(unittest.TestCase):
    def test_no_permit_and_no_current_before_the_first_summary(self):
        bench = Bench()
        bench.silence(500)
        self.assertFalse(bench.decision.permit)
        self.assertEqual(bench.decision.charge_da, 0)

    def test_comm_loss_levels_come_at_their_age(self):
        bench = Bench()
        bench.fresh(5000)
        for age_ms, level in ((1450, 0), (1500, 1), (2950, 1), (3000, 2), (9950, 2), (10000, 3)):
            age_now = bench.data.age_ms(bench.clock.ticks())
            bench.silence(age_ms - age_now)
            self.assertEqual(bench.level_of("comm_loss"), level, age_ms)
        self.assertFalse(bench.decision.permit)
        self.assertTrue(bench.decision.data_lost)

    def test_comm_loss_trip_ends_by_itself_after_sixty_good_seconds(self):
        bench = Bench()
        bench.fresh(1000)
        bench.silence(11000)
        bench.fresh(60000)  # the sum of silence, 10 s, goes down at half speed first
        self.assertFalse(bench.decision.permit)
        bench.fresh(20000)
        self.assertTrue(bench.decision.permit)

    def test_a_rack_that_answers_now_and_then_trips_in_bounded_time(self):
        for pause_ms in (2000, 3000, 9000):
            bench = Bench()
            bench.fresh(5000)
            bench.put({slots.CELL_MAX_MV: 3800})
            elapsed = 0
            while bench.decision.permit and elapsed < 120000:
                bench.silence(pause_ms)
                bench.answer()
                elapsed += pause_ms
            self.assertFalse(bench.decision.permit, pause_ms)
            self.assertTrue(elapsed <= 60000, (pause_ms, elapsed))

    def test_losing_any_share_of_the_answers_hides_no_violation(self):
        for lost in range(1, 12):
            bench = Bench()
            bench.fresh(5000)
            bench.put({slots.CELL_MAX_MV: 3700})
            elapsed = 0
            while bench.decision.permit and elapsed < 60000:
                bench.silence(500 * lost)
                bench.fresh(500)
                elapsed += 500 * (lost + 1)
            self.assertFalse(bench.decision.permit, lost)
            self.assertTrue(elapsed <= 3 * 500 * (lost + 1), (lost, elapsed))

    def test_a_gap_does_not_count_towards_clearing(self):
        bench = Bench()
        bench.put({slots.CELL_MAX_MV: 3600})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)
        bench.put({slots.CELL_MAX_MV: 3300})
        for _ in range(20):
            bench.silence(2000)
            bench.fresh(500)
        self.assertEqual(bench.level_of("cell_overvoltage"), 2)

    def test_single_missed_answers_add_up_to_nothing(self):
        bench = Bench()
        for _ in range(200):
            bench.fresh(5000)
            bench.silence(950)
        self.assertTrue(bench.decision.permit)
        self.assertEqual(bench.decision.level, 0)

    def test_silence_of_weeks_never_looks_fresh(self):
        bench = Bench()
        bench.fresh(5000)
        for _ in range(20 * 24 * 4):  # twenty days in quarters of an hour
            bench.protection.step(bench.clock.advance(900000))
            self.assertFalse(bench.decision.permit)
        self.assertEqual(bench.level_of("comm_loss"), 3)

    def test_latch_changes_are_told_until_they_are_kept(self):
        bench = Bench()
        bench.fresh(1000)
        self.assertFalse(bench.protection.latches.changed)
        bench.put({slots.CELL_MAX_MV: 3700})
        bench.fresh(3000)
        self.assertTrue(bench.protection.latches.changed)

    def test_silence_keeps_an_alarm_and_advances_none(self):
        bench = Bench()
        bench.fresh(1000)
        bench.put({slots.CELL_MAX_MV: 3700})
        bench.fresh(1000)  # 500 ms bad
        bench.silence(9000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 0)
        bench.put({slots.CELL_MAX_MV: 3620})
        bench.fresh(6000)
        self.assertEqual(bench.level_of("cell_overvoltage"), 3)

    def test_a_heartbeat_that_stands_still_opens(self):
        bench = Bench()
        bench.fresh(5000)
        bench.beat = False
        for seconds, level in ((2.5, 0), (1, 1), (2, 2), (9.5, 2), (1, 3)):
            bench.fresh(int(seconds * 1000))
            self.assertEqual(bench.level_of("heartbeat_frozen"), level)
        self.assertFalse(bench.decision.permit)

    def test_values_that_stand_still_open_although_the_heartbeat_counts(self):
        bench = Bench()
        bench.data.supplied[slots.HEARTBEAT] = 0
        bench.beat = False
        bench.fresh(61000)
        self.assertEqual(bench.level_of("heartbeat_frozen"), 0)
        self.assertEqual(bench.level_of("values_frozen"), 3)

    def test_a_night_at_rest_opens_nothing_while_the_heartbeat_counts(self):
        bench = Bench()
        for _ in range(600):
            bench.fresh(500)
            bench.readings[slots.HEARTBEAT] = bench.data.sequence
            bench.beat = False
        self.assertEqual(bench.level_of("values_frozen"), 2)
        bench.put({slots.RACK_CURRENT_DA: -500})
        for _ in range(130):
            bench.fresh(500)
            bench.readings[slots.HEARTBEAT] = bench.data.sequence
        self.assertEqual(bench.level_of("values_frozen"), 3)

    def test_a_scan_that_does_not_come_any_more_stops(self):
        for what in ("cells", "temperatures"):
            bench = Bench()
            bench.fresh(500)
            scan_again(bench, what)
            bench.fresh(119000)
            self.assertEqual(bench.level_of("implausible"), 0)
            bench.fresh(3000)
            self.assertEqual(bench.level_of("implausible"), 2)
            self.assertTrue(bench.decision.permit)
            scan_again(bench, what)
            bench.fresh(6000)
            self.assertEqual(bench.level_of("implausible"), 0)

    def test_a_bms_that_starts_anew_is_granted_nothing(self):
        bench = Bench()
        bench.fresh(150000)
        self.assertEqual(bench.decision.charge_da, 1570)
        bench.data.take_sign_of_life(bench.clock.advance(500), True)
        bench.protection.step(bench.clock.ticks())
        self.assertEqual(bench.decision.charge_limit_da, 0)

    def test_implausible_answers_stop_and_then_open_for_service(self):
        bench = Bench()
        bench.fresh(5000)
        for _ in range(22):
            bench.clock.advance(500)
            bench.data.reject(bench.clock.ticks())
            bench.protection.step(bench.clock.ticks())
            if bench.data.age_ms(bench.clock.ticks()) == 2000:
                self.assertEqual(bench.level_of("implausible"), 2)
        self.assertEqual(bench.level_of("implausible"), 3)
        bench.fresh(80000)
        now = bench.clock.ticks()
        self.assertEqual(bench.protection.reset(BY_OPERATOR, now), NEEDS_SERVICE)

    def test_a_reading_that_gets_lost_stops_but_opens_nothing(self):
        for slot, level in (
            (slots.INSULATION_KOHM, 1),
            (slots.SOC_PM, 2),
            (slots.CELL_MEAN_MV, 2),
        ):
            bench = Bench()
            bench.fresh(1000)
            bench.put({slot: ABSENT})
            bench.fresh(30000)
            self.assertEqual(bench.level_of("implausible"), level, slot)
            self.assertTrue(bench.decision.permit)

    def test_a_reading_that_was_never_there_is_not_missed(self):
        bench = Bench()
        bench.data.supplied[slots.INSULATION_KOHM] = 0
        bench.put({slots.INSULATION_KOHM: ABSENT})
        bench.fresh(30000)
        self.assertEqual(bench.decision.level, 0)

    def test_a_bms_that_lives_but_has_not_started_may_close_and_gets_no_current(self):
        bench = Bench()
        for _ in range(60):
            bench.clock.advance(500)
            bench.data.take_sign_of_life(bench.clock.ticks(), True)
            bench.protection.step(bench.clock.ticks())
        self.assertTrue(bench.decision.permit)
        self.assertEqual(bench.decision.charge_da, 0)
        self.assertEqual(bench.level_of("comm_loss"), 0)

    def test_a_bms_that_comes_back_and_starts_only_when_it_is_let_on_may_close(self):
        for heard_before in (False, True):
            bench = Bench()
            if heard_before:
                bench.fresh(1000)
            bench.silence(20000)
            self.assertFalse(bench.decision.permit)
            bench.starts(60000)
            self.assertFalse(bench.decision.permit)  # the sum of silence goes down first
            bench.starts(20000)
            self.assertTrue(bench.decision.permit)
            self.assertEqual(bench.decision.charge_da, 0)

    def test_one_reading_before_a_long_silence_is_one_after_it_too(self):
        for warm_dc, silent_ms in ((250, 100000), (250, 240000), (250, 300000), (500, 300000)):
            steady = [warm_dc] * 4
            odd = steady[1:] + [warm_dc + 150]
            bench = Bench(temps=4)
            for readings in [steady] * 20 + [odd]:
                bench.fresh(4000)
                bench.scan_temps(readings)
            bench.silence(silent_ms)
            for _ in range(20):
                bench.fresh(4000)
                bench.scan_temps(steady)
                for rule in ("temp_rise", "temp_rise_hot"):
                    self.assertEqual(bench.level_of(rule), 0, (rule, warm_dc, silent_ms))

    def test_a_lasting_rise_is_not_over_because_nobody_looked(self):
        bench = Bench(temps=4)
        readings = [250] * 4
        for _ in range(40):
            bench.fresh(4000)
            bench.scan_temps(readings)
            readings[3] += 10
        self.assertEqual(bench.level_of("temp_rise"), 3)
        bench.silence(300000)
        bench.fresh(500)
        bench.scan_temps(readings)
        self.assertEqual(bench.level_of("temp_rise"), 3)

    def test_signs_of_life_now_and_then_clear_no_silence(self):
        bench = Bench()
        bench.fresh(1000)
        bench.silence(20000)
        for _ in range(60):
            bench.starts(500)
            bench.silence(4500)
            self.assertFalse(bench.decision.permit)

    def test_what_stood_still_before_does_not_keep_a_bms_from_its_start(self):
        bench = Bench()
        bench.fresh(1000)
        bench.beat = False
        bench.fresh(70000)
        for rule in ("heartbeat_frozen", "values_frozen"):
            self.assertTrue(bench.level_of(rule) >= 2, rule)
        self.assertFalse(bench.decision.permit)
        bench.starts(61000)
        self.assertTrue(bench.decision.permit)
        for rule in ("heartbeat_frozen", "values_frozen"):
            self.assertEqual(bench.level_of(rule), 0)
        bench.answer()  # and its heartbeat stands where it stood
        self.assertEqual(bench.level_of("heartbeat_frozen"), 3)
        self.assertFalse(bench.decision.permit)


if __name__ == "__main__":
    unittest.main()
