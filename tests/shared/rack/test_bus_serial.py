"""Twelve racks on one RS-485 line: the schedule at wire speed, and answers that come too late."""

import sys
import unittest

from bus_bench import periods
from serial_racks import SerialRacks

UNITS = 12
FAST = periods(cells_ms=100, temps_ms=100)  # the line is never free
LONG_MS = 60000 if sys.implementation.name == "cpython" else 15000
ROUNDS = 12 if sys.implementation.name == "cpython" else 2


class ScheduleTest(unittest.TestCase):
    def test_summaries_hold_500_ms_and_cells_come_round_within_6_s(self):
        site = SerialRacks(UNITS, periods(cells_ms=5500, temps_ms=22000))
        site.run_ms(LONG_MS)
        start_ms = site.fresh_ms[0][0] + 2000
        for rack in range(UNITS):
            gaps = site.gaps_ms(rack, start_ms)
            self.assertTrue(max(gaps) <= 550, (rack, max(gaps)))
            self.assertTrue(site.racks[rack].cells_sequence >= LONG_MS // 6000 - 1)
            self.assertEqual(site.wrong_values(rack), [])
        self.assertTrue(site.bus.use_pm > 900, site.bus.use_pm)

    def test_a_dead_unit_costs_the_others_next_to_nothing(self):
        site = SerialRacks(UNITS, periods(cells_ms=6000, temps_ms=24000))
        site.silent = (5,)
        site.run_ms(5000)
        start_ms = site.wire.now_us // 1000
        site.run_ms(LONG_MS)
        for rack in range(UNITS):
            if rack != 4:
                gaps = sorted(site.gaps_ms(rack, start_ms))
                self.assertTrue(gaps[len(gaps) * 99 // 100] <= 550, gaps[-3:])
        self.assertEqual(site.racks[4].sequence, 0)

    def test_a_unit_that_became_slow_is_found_again(self):
        site = SerialRacks(3, periods(cells_ms=6000))
        site.run_ms(5000)
        site.silent = (2,)
        site.run_ms(4000)
        site.silent = ()
        site.slow = {2: 150000}  # longer than a short probe waits
        site.run_ms(30000)
        self.assertEqual(site.racks[1].quality(site.wire.ticks()), 1)

    def test_a_slow_unit_leaves_the_others_their_cells(self):
        site = SerialRacks(6, periods(cells_ms=6000, temps_ms=24000))
        site.run_ms(5000)
        site.slow = {1: 190000}
        site.run_ms(5000)
        before = [data.cells_sequence for data in site.racks]
        site.run_ms(15000)
        for rack in range(1, 6):
            self.assertTrue(site.racks[rack].cells_sequence > before[rack])

    def test_one_refusal_after_a_week_of_health_is_one_refusal(self):
        site = SerialRacks(1, periods())
        site.run_ms(3000)
        for _ in range(7 * 24 * 2):
            site.run_ms(60)
            site.wire.now_us += 1800 * 1000000 // 7 * 7
        site.run_ms(3000)
        site.refuse = 1
        site.run_ms(3000)
        self.assertEqual(site.racks[0].quality(site.wire.ticks()), 1)

    def test_a_probe_that_is_refused_is_tried_elsewhere(self):
        site = SerialRacks(1, periods())
        site.lacking = (0x0000,)  # where probes begin; nothing depends on it
        site.run_ms(8000)
        self.assertEqual(site.racks[0].quality(site.wire.ticks()), 1)
        self.assertEqual(site.racks[0].summary[0], -(1 << 30))


class LateAnswerTest(unittest.TestCase):
    def test_no_answer_is_ever_taken_for_anothers(self):
        accepted = 0
        for seed in range(ROUNDS):
            site = SerialRacks(3, FAST, seed, 0.15, 4000, 60)
            self.assertEqual(site.wrong_in(20000), [], seed)
            for rack in range(3):
                accepted += site.racks[rack].sequence
        self.assertTrue(accepted > ROUNDS * 3 * 8, accepted)

    def test_without_the_probes_answers_are_taken_for_others(self):
        for seed in range(ROUNDS):
            site = SerialRacks(3, FAST, seed, 0.15, 4000, 60, careful=False)
            if site.wrong_in(20000):
                return
        self.fail("the test above would not notice")

    def test_after_the_trouble_everything_is_read_again(self):
        site = SerialRacks(3, periods(cells_ms=2000), 7, 0.5, 4000, 60)
        site.run_ms(15000)
        site.trouble = 0.0
        site.run_ms(20000)
        before = [data.cells_sequence for data in site.racks]
        site.run_ms(5000)
        for rack in range(3):
            self.assertTrue(site.racks[rack].cells_sequence > before[rack])
            self.assertTrue(max(site.gaps_ms(rack)[-8:]) <= 550)


if __name__ == "__main__":
    unittest.main()
