import struct
import unittest
from array import array

from rack_wire import SUMMARY

from gateway.clock import add
from gateway.errors import ConfigError
from gateway.rack import data as rack_data
from gateway.rack.data import GOOD, MISSING, STALE, SUSPECT, RackData
from gateway.rack.maps import generic_416s
from gateway.rack.register_map import RegisterMap, decode_array, split


def frame(registers, start=9):
    """Registers as they stand in an answer, behind `start` other bytes."""
    return bytearray(start) + b"".join([struct.pack(">H", each & 0xFFFF) for each in registers])


class SummaryTest(unittest.TestCase):
    def setUp(self):
        self.map = RegisterMap(generic_416s, 4, 2)
        self.data = RackData(0, "rack01", 4, 2, 1100, 0)
        self.registers = [SUMMARY[address] for address in range(25)]

    def take(self, now=1000):
        return self.map.decode_summary(self.data, frame(self.registers), 9, now)

    def test_values_signs_age_and_quality(self):
        self.registers[rack_data.RACK_CURRENT_DA] = -1570
        self.registers[rack_data.TEMP_MIN_DC] = -55
        self.registers[rack_data.RACK_VOLTAGE_DV] = 14976
        self.assertEqual(self.data.quality(0), MISSING)
        self.assertTrue(self.take(1000))
        summary = self.data.summary
        self.assertEqual(summary[rack_data.RACK_CURRENT_DA], -1570)
        self.assertEqual(summary[rack_data.TEMP_MIN_DC], -55)
        self.assertEqual(summary[rack_data.RACK_VOLTAGE_DV], 14976)
        self.assertEqual(self.data.quality(1000), GOOD)
        self.assertEqual(self.data.age_ms(1250), 250)
        self.assertEqual(self.data.quality(2100), GOOD)
        self.assertEqual(self.data.quality(2101), STALE)

    def test_implausible_value_changes_nothing_and_does_not_refresh(self):
        self.take(1000)
        before = list(self.data.summary)
        for slot, value in (
            (rack_data.CELL_MAX_MV, 0),
            (rack_data.CELL_MAX_MV, 0xFFFF),
            (rack_data.CELL_MIN_MV, 0),
            (rack_data.CELL_MIN_MV, 0xFFFF),
            (rack_data.TEMP_MAX_DC, -32768),
            (rack_data.TEMP_MIN_DC, -32768),
            (rack_data.RACK_CURRENT_DA, -32768),
            (rack_data.RACK_VOLTAGE_DV, 0xFFFF),
            (rack_data.CONTACTOR_STATE, 7),
            (rack_data.CELL_COUNT, 5),
            (rack_data.TEMP_COUNT, 3),
        ):
            with self.subTest(slot=slot):
                self.setUpRegisters()
                self.registers[slot] = value
                self.assertFalse(self.take(1500))
                self.assertEqual(list(self.data.summary), before)
                self.assertEqual(self.data.age_ms(1500), 500)
                self.assertEqual(self.data.quality(1500), SUSPECT)
        self.assertEqual(self.data.implausible, 11)

    def test_values_beyond_belief_on_the_dangerous_side_are_taken(self):
        for slot, value in (
            (rack_data.CELL_MAX_MV, 5001),
            (rack_data.CELL_MIN_MV, 1),
            (rack_data.TEMP_MAX_DC, 1501),
            (rack_data.TEMP_MIN_DC, -501),
            (rack_data.RACK_CURRENT_DA, -32767),
            (rack_data.RACK_VOLTAGE_DV, 30000),
        ):
            with self.subTest(slot=slot):
                self.setUpRegisters()
                self.registers[slot] = value
                self.assertTrue(self.take(1500))
                self.assertEqual(self.data.summary[slot], value)

    def test_extremes_the_wrong_way_round_are_void(self):
        for high, low in (
            (rack_data.CELL_MAX_MV, rack_data.CELL_MIN_MV),
            (rack_data.TEMP_MAX_DC, rack_data.TEMP_MIN_DC),
        ):
            self.setUpRegisters()
            self.registers[high] = self.registers[low] - 1
            self.assertFalse(self.take(1500))

    def test_an_odd_value_that_protects_nothing_voids_nothing(self):
        for slot, value in ((rack_data.SOC_PM, 1001), (rack_data.TEMP_MAX_INDEX, 0xFFFF)):
            with self.subTest(slot=slot):
                self.setUpRegisters()
                self.registers[slot] = value
                self.assertTrue(self.take(1500))
                self.assertEqual(self.data.summary[slot], value)
        self.assertEqual(self.data.odd_values, 2)

    def test_age_stays_right_for_weeks(self):
        self.take(1000)
        now = 1000
        for _ in range(30):
            now = add(now, 24 * 3600 * 1000)
            self.data.hold_age(now)
            self.assertTrue(self.data.age_ms(now) >= 24 * 3600 * 1000)
            self.assertEqual(self.data.quality(now), STALE)

    def setUpRegisters(self):
        self.registers = [SUMMARY[address] for address in range(25)]

    def test_a_good_answer_ends_suspicion(self):
        self.take(1000)
        self.registers[rack_data.CELL_MIN_MV] = 0
        self.take(1500)
        self.setUpRegisters()
        self.assertTrue(self.take(2000))
        self.assertEqual(self.data.quality(2000), GOOD)
        self.assertEqual(self.data.sequence, 2)

    def test_a_map_without_a_needed_register_is_refused(self):
        class Holed:
            """The generic map with one field left out."""

        for name in dir(generic_416s):
            if not name.startswith("_"):
                setattr(Holed, name, getattr(generic_416s, name))
        Holed.FIELDS = tuple(field for field in generic_416s.FIELDS if field[0] != "cell_max_mv")
        with self.assertRaises(ConfigError) as caught:
            RegisterMap(Holed, 4, 2)
        self.assertIn("cell_max_mv", str(caught.exception))


class ArrayTest(unittest.TestCase):
    def test_signed_and_unsigned(self):
        cells = array("H", [0] * 4)
        decode_array(cells, False, 1, 3, frame([3300, 0xFFFF, 0]), 9)
        self.assertEqual(list(cells), [0, 3300, 0xFFFF, 0])
        temps = array("h", [0] * 3)
        decode_array(temps, True, 0, 3, frame([250, -10, -32768]), 9)
        self.assertEqual(list(temps), [250, -10, -32768])

    def test_reads_cover_every_register_once_within_the_limit(self):
        for count in (1, 2, 124, 125, 126, 208, 250, 251, 416, 1024):
            covered = []
            for address, first, size in split(0x1000, count):
                self.assertEqual(address, 0x1000 + first)
                self.assertTrue(1 <= size <= 125)
                covered.extend(range(first, first + size))
            self.assertEqual(covered, list(range(count)))


if __name__ == "__main__":
    unittest.main()
