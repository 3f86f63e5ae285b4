import struct
import unittest

from rack_wire import SUMMARY

from gateway.clock import add
from gateway.errors import ConfigError
from gateway.rack import data as rack_data
from gateway.rack.data import ABSENT, GOOD, MISSING, STALE, SUSPECT, RackData
from gateway.rack.maps import generic_416s
from gateway.rack.register_map import RegisterMap
from gateway.rack.writes import COUNTER, NO_LIMIT, LimitWrite


def frame(registers, start=9):
    """Registers as they stand in an answer, behind `start` other bytes."""
    return bytearray(start) + b"".join([struct.pack(">H", each & 0xFFFF) for each in registers])


def changed(**tables):
    """The generic map with some of its tables replaced."""

    class Changed:
        pass

    for name in dir(generic_416s):
        if not name.startswith("_"):
            setattr(Changed, name, tables.get(name, getattr(generic_416s, name)))
    return Changed


class SummaryTest(unittest.TestCase):
    def setUp(self):
        self.map = RegisterMap(generic_416s, 4, 2)
        self.data = RackData(0, "rack01", 4, 2, 1100, 0)
        self.registers = [SUMMARY[address] for address in range(25)]

    def take(self, now=1000):
        self.map.stage(self.data, self.map.summary[0], frame(self.registers), 9)
        return self.map.commit(self.data, now)

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
        self.assertEqual(self.data.implausible, 10)

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

    def test_an_odd_value_that_protects_nothing_is_absent_and_voids_nothing(self):
        for slot, value in (
            (rack_data.SOC_PM, 1001),
            (rack_data.TEMP_MAX_INDEX, 0xFFFF),
            (rack_data.CELL_MAX_INDEX, 4),  # there are cells 0 to 3
        ):
            with self.subTest(slot=slot):
                self.setUpRegisters()
                self.registers[slot] = value
                self.assertTrue(self.take(1500))
                self.assertEqual(self.data.summary[slot], ABSENT)
        self.assertEqual(self.data.odd_values, 3)

    def test_enum_values_outside_the_list_are_unknown_and_void_nothing(self):
        self.registers[rack_data.CONTACTOR_STATE] = 7
        self.registers[rack_data.STATE] = 4
        self.assertTrue(self.take())
        self.assertEqual(self.data.summary[rack_data.CONTACTOR_STATE], 3)
        self.assertEqual(self.data.summary[rack_data.STATE], 4)
        self.assertEqual(self.data.odd_values, 0)

    def test_a_block_that_was_not_read_again_is_not_there(self):
        self.assertTrue(self.take())
        self.assertFalse(self.map.commit(self.data, 1500))
        self.assertEqual(self.data.acquired, 1000)
        halves = changed(RUNS=((0, 0, 3, 0, 14, 14), (0, 0, 3, 14, 11, 11)), MAX_BLOCK=14)
        register_map = RegisterMap(halves, 4, 2)
        first, second = register_map.summary
        self.assertEqual((first.count, second.count), (14, 11))
        fresh = RackData(0, "rack", 4, 2, 1100, 0)
        register_map.stage(fresh, first, frame(self.registers[:14]), 9)
        register_map.stage(fresh, second, frame(self.registers[14:]), 9)
        self.assertTrue(register_map.commit(fresh, 1000))
        register_map.stage(fresh, second, frame(self.registers[14:]), 9)
        self.assertFalse(register_map.commit(fresh, 1500))
        self.assertEqual(fresh.acquired, 1000)

    def test_alarm_bits_of_a_broken_off_cycle_do_not_stay(self):
        block = self.map.summary[0]
        self.registers[rack_data.ALARM_TRIP_BITS] = 1
        self.map.stage(self.data, block, frame(self.registers), 9)
        self.registers[rack_data.ALARM_TRIP_BITS] = 2
        self.assertTrue(self.take())
        self.assertEqual(self.data.summary[rack_data.ALARM_TRIP_BITS], 2)

    def test_a_missing_register_is_absent_until_it_is_asked_for_again(self):
        block = self.map.summary[0]
        self.assertFalse(self.map.missing(self.data, block, rack_data.SOC_PM, 1))
        self.assertTrue(self.take())
        self.assertEqual(self.data.summary[rack_data.SOC_PM], ABSENT)
        self.assertEqual(self.data.summary[rack_data.SOH_PM], 1000)
        self.assertFalse(self.map.missing(self.data, block, rack_data.ALARM_TRIP_BITS, 1))
        self.assertTrue(self.take())
        self.assertEqual(self.data.summary[rack_data.ALARM_TRIP_BITS], ABSENT)
        self.assertTrue(self.map.missing(self.data, block, rack_data.RACK_VOLTAGE_DV, 1))
        self.assertFalse(self.take())
        self.map.restore(self.data)
        self.assertTrue(self.take())
        self.assertEqual(self.data.summary[rack_data.SOC_PM], 500)

    def test_missing_cells_are_not_available(self):
        block = self.map.cells[0]
        self.map.missing(self.data, block, 0x1001, 2)
        self.map.decode_array(self.data, block, frame([3300] * 4), 9)
        self.assertEqual(list(self.data.cells_mv), [3300, 0xFFFF, 0xFFFF, 3300])

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
        rules = tuple([rule for rule in generic_416s.RULES if rule[0] != rack_data.CELL_MAX_MV])
        with self.assertRaises(ConfigError) as caught:
            RegisterMap(changed(RULES=rules), 4, 2)
        self.assertIn("cell_max_mv", str(caught.exception))

    def test_a_table_of_another_version_is_refused(self):
        with self.assertRaises(ConfigError):
            RegisterMap(changed(TABLE_FORMAT=1), 4, 2)

    def test_a_rack_of_another_size_is_refused(self):
        with self.assertRaises(ConfigError) as caught:
            RegisterMap(changed(CELLS=(1, 216)), 416, 2)
        self.assertIn("1 to 216 cells, not 416", str(caught.exception))

    def test_a_barrier_inside_what_belongs_together_is_refused(self):
        with self.assertRaises(ConfigError):
            RegisterMap(changed(BARRIERS=((3, 7, 7),)), 4, 2)


class WriteTest(unittest.TestCase):
    def setUp(self):
        self.map = RegisterMap(generic_416s, 4, 2)

    def test_opening_and_its_proof(self):
        write = self.map.open_contactor
        self.assertEqual((write.function, write.address, write.values), (6, 0x0100, (0,)))
        self.assertEqual((write.retry_ms, write.tries, write.fixed), (1000, 0, 0))
        summary = RackData(0, "rack", 4, 2, 1100, 0).summary
        self.assertFalse(write.done(summary))
        summary[rack_data.CONTACTOR_STATE] = 0
        self.assertTrue(write.done(summary))
        self.assertTrue(write.allowed(summary))

    def test_heartbeat(self):
        beat = self.map.heartbeat
        self.assertEqual((beat.function, beat.address), (6, 0x0101))
        self.assertEqual((beat.kind, beat.value, beat.period_ms), (COUNTER, 1, 10000))

    def test_limits_are_never_more_than_granted(self):
        limit = self.map.charge_limit
        self.assertEqual((limit.function, limit.address, limit.no_limit), (6, 0x0102, 0xFFFF))
        for granted, raw in ((0, 0), (500, 500), (0xFFFE, 0xFFFE), (NO_LIMIT, 0xFFFF)):
            self.assertEqual(limit.encode(granted), raw)
        self.assertTrue(self.map.limits_together)
        whole_amperes = LimitWrite((6, 0, 1, 10, 0, 1000, 0xFFFF, 0))
        self.assertEqual(whole_amperes.encode(1579), 157)
        self.assertEqual(whole_amperes.encode(20000), 1000)
        negative = LimitWrite((6, 0, -10, 1, -32768, 0, 0x7FFF, 0))
        self.assertEqual(negative.encode(1570), 0x10000 - 15700)
        self.assertEqual(negative.encode(0), 0)
        self.assertEqual(negative.encode(NO_LIMIT), 0x7FFF)

    def test_what_a_register_cannot_hold_is_cut_towards_no_current(self):
        not_below = LimitWrite((6, 0, 1, 1, 100, 1000, 0xFFFF, 0))  # "at least 10.0 A"
        self.assertEqual(not_below.encode(50), 50)
        self.assertEqual(not_below.encode(0), 0)
        never_zero = LimitWrite((6, 0, -1, 1, -1000, -100, 0x7FFF, 0))
        self.assertEqual(never_zero.encode(50), 0x10000 - 50)
        self.assertEqual(never_zero.encode(0), 0)

    def test_a_granted_current_never_reads_as_not_limited(self):
        for row, granted, raw in (
            ((6, 0, 1, 1, 0, 0xFFFF, 1000, 0), 1000, 999),
            ((6, 0, -1, 1, -32768, 0, 0xFFFF, 0), 1, 0),  # -1 and 0xFFFF are the same register
            ((6, 0, -1, 10, -32768, 0, 0xFFFF, 0), 19, 0),
        ):
            self.assertEqual(LimitWrite(row).encode(granted), raw)

    def test_no_granted_current_is_raised_by_its_encoding(self):
        for numerator, denominator, lowest, highest in (
            (1, 1, 0, 0xFFFE), (1, 10, 0, 300), (10, 1, 0, 0x7FFF), (3, 7, 0, 900), (1, 1, 50, 60),
            (-10, 1, -0x8000, 0), (-1, 10, -200, 0), (-1, 1, -60, -50),
        ):  # fmt: skip
            limit = LimitWrite((6, 0, numerator, denominator, lowest, highest, 0x7FFF, 0))
            for granted in list(range(300)) + [1570, 6720, 20000, 65534]:
                raw = limit.encode(granted)
                signed = raw - 0x10000 if numerator < 0 and raw >= 0x8000 else raw
                means = signed * denominator / numerator
                self.assertTrue(0 <= means <= granted, (numerator, granted, raw))


if __name__ == "__main__":
    unittest.main()
