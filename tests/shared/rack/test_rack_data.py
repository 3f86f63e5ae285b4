"""What a data block tells besides its values: since when they are missing, or stand still."""

import unittest

from rack_wire import SUMMARY
from register_frames import RegisterFrames, table

from gateway.rack import data as rack_data
from gateway.rack.data import ABSENT, GOOD, SUMMARY_FIELDS, SUSPECT

STALE_MS = 1100
BEAT, CELL_MIN, VOLTAGE, SOC = 0x0000, 0x000C, 0x0006, 0x0008
INSULATION = 0x0016


def slot(name):
    return SUMMARY_FIELDS.index(name)


class DataBench(unittest.TestCase):
    def setUp(self):
        self.bench = RegisterFrames(table("generic_416s"), 4, 2)
        self.bench.registers.update(SUMMARY)
        self.data = self.bench.data

    def read(self, now):
        return self.bench.read_summary(now)

    def put(self, address, value):
        self.bench.registers[address] = value


class ImplausibleTest(DataBench):
    def test_zero_volts_are_void_and_since_when_is_told(self):
        for address in (CELL_MIN, VOLTAGE):
            self.setUp()
            self.assertTrue(self.read(1000))
            self.assertEqual(self.data.implausible_ms(1400), 0)
            self.put(address, 0)
            for now in (1500, 2000, 2500):
                self.assertFalse(self.read(now))
                self.assertEqual(self.data.implausible_ms(now), now - 1500)
            self.assertEqual(self.data.quality(1600), SUSPECT)
            self.assertEqual(self.data.implausible_ms(2900), 1400)

    def test_a_good_answer_ends_it(self):
        self.read(1000)
        self.put(CELL_MIN, 0)
        self.read(1500)
        self.put(CELL_MIN, 3290)
        self.assertTrue(self.read(2000))
        self.assertEqual(self.data.implausible_ms(2000), 0)
        self.assertEqual(self.data.quality(2000), GOOD)

    def test_it_counts_from_the_first_answer_that_cannot_be_believed(self):
        self.put(VOLTAGE, 0)
        self.read(3000)
        self.assertEqual(self.data.implausible_ms(3000), 0)
        self.read(3500)
        self.assertEqual(self.data.implausible_ms(3600), 600)

    def test_silence_between_two_of_them_is_none_of_it(self):
        self.put(VOLTAGE, 0)
        self.read(3000)
        self.read(60000)
        self.assertEqual(self.data.implausible_ms(60000), STALE_MS)

    def test_silence_neither_adds_to_it_for_long_nor_takes_away(self):
        self.read(1000)
        self.put(VOLTAGE, 0)
        self.read(1500)
        self.assertEqual(self.data.implausible_ms(1500 + STALE_MS), STALE_MS)
        self.assertEqual(self.data.implausible_ms(600000), STALE_MS)
        for day in range(1, 20):
            now = day * 24 * 3600 * 1000
            self.data.hold_age(now & 0x3FFFFFFF)
            self.assertEqual(self.data.implausible_ms(now & 0x3FFFFFFF), STALE_MS)


class SuppliedTest(DataBench):
    def test_nothing_is_known_before_the_first_summary(self):
        self.assertEqual(sum(self.data.supplied), 0)
        self.read(1000)
        self.assertEqual(list(self.data.supplied), [1] * len(SUMMARY_FIELDS))

    def test_a_value_that_was_lost_stays_supplied(self):
        self.read(1000)
        self.put(SOC, 5000)  # beyond its range
        self.assertTrue(self.read(1500))
        self.assertEqual(self.data.summary[rack_data.SOC_PM], ABSENT)
        self.assertEqual(self.data.supplied[rack_data.SOC_PM], 1)

    def test_a_register_that_this_device_lacks_supplies_nothing(self):
        block = self.bench.map.summary[0]
        self.bench.map.missing(self.data, block, INSULATION, 1)
        self.read(1000)
        self.assertEqual(self.data.supplied[rack_data.INSULATION_KOHM], 0)
        self.assertEqual(self.data.supplied[rack_data.SOC_PM], 1)
        self.bench.map.restore(self.data)  # asked for again: the answer is not here yet
        self.assertEqual(self.data.supplied[rack_data.INSULATION_KOHM], 0)
        self.read(1500)
        self.assertEqual(self.data.supplied[rack_data.INSULATION_KOHM], 1)

    def test_what_a_map_does_not_have_is_not_supplied(self):
        bench = RegisterFrames(table("soltaro_single_c"), 4, 2)
        bench.put(0x2010, "0003")
        bench.put(0x2100, "3400 0000 0000 0032 0063 0000 0CE4 0001 0C80 0000 0113 0001 00C8 0CB2")
        bench.put(0x210E, "07D0 03E8 0622")
        self.assertTrue(bench.read_summary())
        supplied = bench.data.supplied
        self.assertEqual(supplied[rack_data.HEARTBEAT], 0)
        for name in ("insulation_kohm", "cell_mean_mv", "cell_count", "alarm_trip_bits"):
            self.assertEqual(supplied[slot(name)], 1, name)

    def test_a_derived_mean_is_supplied(self):
        bench = RegisterFrames(table("pylontech_powercube_m2"), 4, 2)
        self.assertFalse(bench.read_summary())
        self.assertEqual(sum(bench.data.supplied), 0)


class StandstillTest(DataBench):
    def test_a_heartbeat_that_stands_still(self):
        self.read(1000)
        self.put(BEAT, 2)
        self.read(1500)
        self.assertEqual(self.data.heartbeat_changed_at, 1500)
        for now in (2000, 2500, 3000):
            self.read(now)
        self.assertEqual(self.data.heartbeat_changed_at, 1500)
        self.assertEqual(self.data.heartbeat_still_ms(), 1500)

    def test_each_measured_value_shows_life_and_no_other_does(self):
        self.read(1000)
        now = 1500
        for name, value in (
            ("rack_voltage_dv", 6657), ("rack_current_da", 1), ("cell_max_mv", 3311),
            ("cell_min_mv", 3289), ("cell_mean_mv", 3301), ("temp_max_dc", 251),
            ("temp_min_dc", 239), ("temp_mean_dc", 246), ("cell_max_index", 3),
        ):  # fmt: skip
            self.put(slot(name), value)
            self.read(now)
            self.assertEqual((name, self.data.values_changed_at), (name, now))
            now += 500
        before = self.data.values_changed_at
        for address, value in ((BEAT, 77), (SOC, 501), (INSULATION, 1999), (3, 1), (0x14, 9)):
            self.put(address, value)
            self.read(now)
        self.assertEqual(self.data.values_changed_at, before)
        self.assertEqual(self.data.values_still_ms(), now - before)

    def test_void_summaries_show_nothing(self):
        self.read(1000)
        self.put(BEAT, 9)
        self.put(CELL_MIN, 0)
        self.read(1500)
        self.assertEqual(self.data.heartbeat_changed_at, 1000)
        self.assertEqual(self.data.values_changed_at, 1000)

    def test_a_gap_in_the_data_is_no_standstill(self):
        self.read(1000)
        self.read(2000)
        self.read(60000)  # nothing is known of the time between, but for what is not stale
        self.assertEqual(self.data.heartbeat_still_ms(), 1000 + STALE_MS)
        self.assertEqual(self.data.values_still_ms(), 1000 + STALE_MS)
        for now in range(61200, 70000, 1200):  # standing still is found with gaps as well
            self.read(now)
        self.assertTrue(self.data.values_still_ms() > 8 * STALE_MS)

    def test_a_scan_shows_life(self):
        self.read(1000)
        self.data.values_moved(9000)
        self.assertEqual(self.data.values_changed_at, 9000)
        self.assertEqual(self.data.values_still_ms(), 0)


if __name__ == "__main__":
    unittest.main()
