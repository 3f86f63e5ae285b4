"""A BMS that lives but has not started: zeros that are neither a sample nor nonsense."""

import unittest

from register_frames import RegisterFrames, table

from gateway.clock import add
from gateway.rack.data import GOOD, MISSING, STALE, SUSPECT

RUNNING = "3400 0000 0000 0032 0063 0018 0CE4 0007 0C80 0002 0113 0001 00C8 0CB2 07D0 03E8 0622"
BEFORE = "0000 0000 0000 0000 0063 0000 0000 0000 0000 0000 0113 0000 00C8 0000 07D0 0000 0000"
CONTACTOR, CURRENT, VOLTAGE, CELL_MAX, CELL_MIN, TEMP_MAX = (
    0x2010, 0x2101, 0x2100, 0x2106, 0x2108, 0x210A,
)  # fmt: skip
OFF, ON, PRE_CHARGING, RUN = range(4)
STALE_MS = 1100


class StartingTest(unittest.TestCase):
    def setUp(self):
        self.bench = RegisterFrames(table("soltaro_single_c"), 416, 208)
        self.data = self.bench.data
        self.show(BEFORE, OFF)

    def show(self, measured, contactor):
        self.bench.put(0x2100, measured)
        self.bench.put(0x2140, "0000 0000 0000")
        self.bench.registers[CONTACTOR] = contactor

    def read(self, now):
        return self.bench.read_summary(now)

    def test_it_is_no_sample_and_not_implausible(self):
        self.assertFalse(self.read(5000))
        data = self.data
        self.assertTrue(data.starting)
        self.assertEqual((data.alive_at, data.sequence, data.acquired), (5000, 0, 0))
        self.assertEqual((data.implausible, data.before_start), (0, 1))
        self.assertEqual(data.implausible_ms(5000), 0)
        self.assertEqual(data.quality(5000), MISSING)
        self.assertTrue(data.reads_open(5000))

    def test_it_is_over_when_nothing_comes_any_more(self):
        self.read(5000)
        self.assertTrue(self.data.is_starting(5000 + STALE_MS))
        self.assertFalse(self.data.is_starting(5001 + STALE_MS))
        self.assertFalse(self.data.reads_open(5001 + STALE_MS))
        self.assertEqual(self.data.silence_age_ms(9000), 4000)

    def test_good_data_end_it(self):
        self.read(5000)
        self.show(RUNNING, RUN)
        self.assertTrue(self.read(6000))
        self.assertFalse(self.data.starting)
        self.assertFalse(self.data.is_starting(6000))
        self.assertEqual(self.data.quality(6000), GOOD)
        self.assertFalse(self.data.reads_open(6000))

    def test_silence_counts_from_the_youngest_sign_of_life(self):
        self.show(RUNNING, RUN)
        self.read(1000)
        self.show(BEFORE, OFF)
        self.read(500000)  # open and not started for long
        self.assertEqual(self.data.silence_age_ms(500300), 300)
        self.assertEqual(self.data.age_ms(500300), 499300)
        self.show(BEFORE, PRE_CHARGING)  # the answers are void from here on
        self.assertFalse(self.read(500500))
        self.assertEqual(self.data.silence_age_ms(501000), 1000)
        self.assertEqual(self.data.implausible_ms(501000), 500)

    def test_the_older_values_are_not_good_meanwhile(self):
        self.show(RUNNING, RUN)
        self.read(1000)
        self.show(BEFORE, OFF)
        self.read(1500)
        self.assertEqual(self.data.quality(1500), SUSPECT)
        self.assertTrue(self.data.reads_open(1500))  # by what it says now
        self.assertEqual(self.data.quality(1001 + STALE_MS), STALE)

    def check_void(self, why):
        self.assertFalse(self.read(5000), why)
        self.assertFalse(self.data.starting, why)
        self.assertFalse(self.data.is_starting(5000), why)
        self.assertEqual((self.data.sequence, self.data.implausible), (0, 1), why)

    def test_zeros_with_a_contactor_that_may_be_closed_are_void(self):
        for contactor in (ON, PRE_CHARGING, RUN, 7):
            self.setUp()
            self.show(BEFORE, contactor)
            self.check_void(contactor)

    def test_zeros_while_a_current_flows_are_void(self):
        for raw in (1, 0xFFFF, 1570):
            self.setUp()
            self.bench.registers[CURRENT] = raw
            self.check_void(raw)

    def test_what_is_not_zero_must_be_plausible(self):
        for address, raw in ((TEMP_MAX, 0x8000), (CELL_MAX, 499), (CELL_MIN, 5001)):
            self.setUp()
            self.bench.registers[address] = raw
            self.check_void(address)
        self.setUp()
        self.bench.registers[CELL_MIN] = 3300  # lowest above a highest of nothing
        self.check_void("extremes")

    def test_some_real_values_among_the_zeros_are_still_a_start(self):
        self.bench.registers[VOLTAGE] = 13312
        self.bench.registers[CELL_MAX] = 3300
        self.assertFalse(self.read(5000))
        self.assertTrue(self.data.is_starting(5000))

    def test_one_void_answer_ends_it(self):
        self.read(5000)
        self.bench.registers[CURRENT] = 100
        self.read(5500)
        self.assertFalse(self.data.is_starting(5500))
        self.assertFalse(self.data.reads_open(5500))

    def test_open_with_real_values_is_a_sample_like_any_other(self):
        self.show(RUNNING, OFF)
        self.assertTrue(self.read(5000))
        self.assertFalse(self.data.starting)
        self.assertTrue(self.data.reads_open(5000))

    def test_a_map_without_a_start_knows_no_such_thing(self):
        bench = RegisterFrames(table("byd_c130"), 4, 2)
        self.assertFalse(bench.read_summary(5000))  # everything is zero
        self.assertFalse(bench.data.starting)
        self.assertEqual(bench.data.implausible, 1)

    def test_weeks_before_the_start_stay_comparable(self):
        now = 1000
        for _ in range(30):
            self.read(now)
            now = add(now, 24 * 3600 * 1000)
            self.data.hold_age(now)
            self.assertTrue(self.data.silence_age_ms(now) >= 24 * 3600 * 1000)
            self.assertFalse(self.data.is_starting(now))
        self.read(now)
        self.assertTrue(self.data.is_starting(now))
        self.show(RUNNING, RUN)
        self.assertTrue(self.read(now))
        self.assertEqual(self.data.values_still_ms(), 0)


if __name__ == "__main__":
    unittest.main()
