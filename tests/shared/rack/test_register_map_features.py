import unittest
from array import array

from register_frames import RegisterFrames, table

from gateway.rack.data import ABSENT, SUMMARY_FIELDS, RackData
from gateway.rack.fields_wide import scaled_float
from gateway.rack.register_map import RegisterMap

# Words of the generated tables, see gateway.rack.fields_bind.
SUMMARY, CELLS, TEMPS, DETAILS, ONCE, REQUEST = range(6)
U16, S16, U32, S32, BIT, DIGITS, U64, F32, TEXT = range(9)
HIGH_WORD, BITS, NOT_AVAILABLE, ENUM, SCALE, SCALE_DETAIL, INDEX, CLAMP, RANGE, EXPECT, LENGTH = (
    range(11)
)
PLAIN = 0


def slot(name):
    return SUMMARY_FIELDS.index(name)


class Table:
    """A map made up of one value each; rows are put in by the tests."""

    TABLE_FORMAT = 2
    MAX_BLOCK = 125
    STRIDE = 0
    POSITIONS = 1
    CELLS = (1, 1024)
    LOW_BYTE_FIRST = 0
    STARTED = ()
    DERIVED = ()
    BARRIERS = ()
    ALARMS = ()
    THRESHOLD_NAMES = ()
    OPEN_CONTACTOR = HEARTBEAT = CHARGE_LIMIT = DISCHARGE_LIMIT = ()
    LIMITS_TOGETHER = 0
    RULES = table("generic_416s").RULES

    def __init__(self, values=(), runs=(), arrays=(), alarms=(), **others):
        self.VALUES = values
        self.RUNS = runs
        self.ARRAYS = arrays
        self.ALARMS = alarms
        self.DETAIL_NAMES = tuple(["detail%d" % index for index in range(len(values))])
        for name, value in others.items():
            setattr(self, name, value)


def detail(words, kind, numerator=1, denominator=1, addend=0, extra=(), address=0, **others):
    """What one detail at `address` reads as, with `words` from register 0 on."""
    values = ((DETAILS, 0, 3, address, kind, numerator, denominator, addend, extra),)
    runs = ((DETAILS, PLAIN, 3, 0, len(words.split()), 1),)
    bench = RegisterFrames(Table(values, runs, **others), 4, 2)
    bench.put(0, words)
    bench.read_details()
    return bench.data.details[0]


class GoldenValueTest(unittest.TestCase):
    """Raw registers and what they are, worked out by hand."""

    def test_words_and_signs(self):
        self.assertEqual(detail("3400", U16), 13312)
        self.assertEqual(detail("3A80", U16), 14976)
        self.assertEqual(detail("F9DE", S16), -1570)
        self.assertEqual(detail("F9DE", U16), 63966)
        self.assertEqual(detail("FFF6", S16), -10)
        self.assertEqual(detail("FFF6", U16), 65526)

    def test_word_order(self):
        # 0.01 A to 0.1 A, once with the high, once with the low word first
        high_first = detail("FFFF C2AC", S32, 1, 10, 0, ((HIGH_WORD, (0,)),), address=1)
        low_first = detail("C2AC FFFF", S32, 1, 10, 0, ((HIGH_WORD, (1,)),), address=0)
        self.assertEqual((high_first, low_first), (-1570, -1570))
        self.assertEqual(detail("FFFF FFFF", U32, 1, 1, 0, ((HIGH_WORD, (0,)),), 1), 4294967295)
        self.assertEqual(detail("8000 0000", S32, 1, 1, 0, ((HIGH_WORD, (0,)),), 1), -2147483648)

    def test_three_values_in_32_bits(self):
        words = "5CD0 FBCE"  # low word first: 0xFBCE5CD0
        pair = (HIGH_WORD, (1,))
        self.assertEqual(detail(words, U16, extra=((BITS, (0, 12, 0)),)), 3280)
        self.assertEqual(detail(words, U16, extra=(pair, (BITS, (12, 12, 0)))), 3301)
        # bits 24-31 are the upper half of the upper word
        self.assertEqual(detail(words, S16, extra=((BITS, (8, 8, 1)),), address=1), -5)
        self.assertEqual(detail(words, U16, extra=((BITS, (8, 8, 0)),), address=1), 251)

    def test_packed_index(self):
        lower = (BITS, (0, 10, 0))
        self.assertEqual(detail("0CD9", U16, extra=(lower,)), 217)
        self.assertEqual(detail("0CD9", U16, extra=((BITS, (10, 6, 0)),)), 3)
        # tower 3 counted from 1, of 416 cells each, cell counted from 1
        self.assertEqual(
            detail("0CD9", U16, addend=-1, extra=(lower, (INDEX, (10, 6, 1, 416)))), 2 * 416 + 216
        )

    def test_digits(self):
        self.assertEqual(detail("1302", DIGITS), 1302)
        self.assertEqual(detail("13A2", DIGITS), ABSENT)

    def test_scale_offset_inversion_clamp(self):
        self.assertEqual(detail("0041", U16, 10, 1, -400), 250)  # 65 - 40 degC
        self.assertEqual(detail("F9DE", S16, -1), 1570)
        self.assertEqual(detail("FFF6", S16, -1, 1, 0, ((CLAMP, (0, 5)),)), 5)
        self.assertEqual(detail("000A", S16, -1, 1, 0, ((CLAMP, (0, 5)),)), 0)
        for raw, value in (("0004", 0), ("0005", 1), ("FFFB", 0), ("FFFA", -1)):  # nearest 0.1
            self.assertEqual(detail(raw, S16, 1, 10), value)

    def test_not_available(self):
        several = ((NOT_AVAILABLE, (0, 0xFFFF, 0, 0x7FFF)),)
        self.assertEqual(detail("FFFF", U16, extra=several), ABSENT)
        self.assertEqual(detail("7FFF", U16, extra=several), ABSENT)
        self.assertEqual(detail("FFFE", U16, extra=several), 0xFFFE)
        wide = ((HIGH_WORD, (0,)), (NOT_AVAILABLE, (0xFFFF, 0xFFFF)))
        self.assertEqual(detail("FFFF FFFF", U32, 1, 1, 0, wide, 1), ABSENT)
        self.assertEqual(detail("0000 FFFF", U32, 1, 1, 0, wide, 1), 0xFFFF)
        self.assertEqual(detail("03E9", U16, extra=((RANGE, (0, 1000)),)), ABSENT)

    def test_power_of_ten_in_a_register(self):
        for power, value in (("FFFF", 13312), ("0000", 133120), ("FFFE", 1331), ("0001", 1331200)):
            self.assertEqual(detail("3400 " + power, U16, 10, 1, 0, ((SCALE, (1,)),)), value)
        self.assertEqual(detail("3400 8000", U16, 10, 1, 0, ((SCALE, (1,)),)), ABSENT)
        self.assertEqual(detail("3400 000B", U16, 10, 1, 0, ((SCALE, (1,)),)), ABSENT)

    def test_u64_float_and_text(self):
        self.assertEqual(
            detail("0001 0002 0003 0004", U64, 1, 1, 0, ((HIGH_WORD, (0,)),), 3),
            0x0001000200030004,
        )
        self.assertEqual(detail("4148 0000", F32, 10, 1, 0, ((HIGH_WORD, (0,)),), 1), 125)  # 12.5
        self.assertEqual(detail("5375 6E53 0041", TEXT, extra=((LENGTH, (3,)),)), "SunS")

    def test_bytes_in_the_other_order(self):
        self.assertEqual(detail("0034", U16, LOW_BYTE_FIRST=1), 13312)
        self.assertEqual(detail("DEF9", S16, LOW_BYTE_FIRST=1), -1570)

    def test_a_bit_of_function_1(self):
        values = tuple([(DETAILS, index, 1, 10 + index, BIT, 1, 1, 0, ()) for index in range(9)])
        runs = ((DETAILS, PLAIN, 1, 10, 9, 1),)
        loaded = RegisterMap(Table(values, runs), 4, 2)
        data = RackData(0, "rack", 4, 2, 1100, 0)
        self.assertEqual([(b.function, b.address, b.count) for b in loaded.details], [(1, 10, 9)])
        loaded.decode_detail(data, loaded.details[0], bytearray(b"\x00\x00\x05\x01"), 2)
        self.assertEqual(data.details, [1, 0, 1, 0, 0, 0, 0, 0, 1])


class FloatTest(unittest.TestCase):
    def test_bits_to_scaled_integers(self):
        for bits, value in (
            (0x00000000, 0),
            (0x80000000, 0),
            (0x3F800000, 1000),  # 1.0
            (0xC49AA000, -1237000),  # -1237.0
            (0x44A66666, 1331200),  # 1331.2
            (0x3A83126F, 1),  # 0.001
            (0x00000001, 0),  # the smallest there is
            (0x7F800000, ABSENT),
            (0xFF800000, ABSENT),
            (0x7FC00000, ABSENT),
        ):
            with self.subTest(bits=bits):
                self.assertEqual(scaled_float(bits, 1000, 1), value)


class AlarmTest(unittest.TestCase):
    def alarms(self, rows, words, function=3):
        names = ("contactor_state", "rack_voltage_dv", "rack_current_da", "cell_max_mv")
        names += ("cell_min_mv", "temp_max_dc", "temp_min_dc", "cell_count", "temp_count")
        values = tuple(
            [
                (SUMMARY, slot(name), 3, 100 + index, U16, 1, 1, 0, ())
                for index, name in enumerate(names)
            ]
        )
        runs = ((SUMMARY, PLAIN, 3, 100, 9, 9), (SUMMARY, PLAIN, function, 0, 2, 2))
        bench = RegisterFrames(Table(values, runs, alarms=rows), 4, 2, 0)
        bench.put(0, words)
        bench.put(100, "0001 3400 0000 0CE4 0CE4 00FA 00FA 0004 0002")
        self.assertTrue(bench.read_summary())
        found = bench.summary()
        return found["alarm_warn_bits"], found["alarm_trip_bits"]

    def test_moved_ignored_and_inverted_bits_of_two_words(self):
        warn, trip = slot("alarm_warn_bits"), slot("alarm_trip_bits")
        rows = (
            # bit 3 -> 0, bits 4-5 inverted -> 6-7; bits 0-2 ignored
            (3, 0, -1, (), ((0, 0, 0x0008, -3, trip), (0, 0x0030, 0x0030, 2, trip))),
            (3, 1, -1, (), ((0, 0, 0x8000, -15, trip), (0, 0, 1, 8, warn))),
        )
        self.assertEqual(self.alarms(rows, "003F 0000"), (0, 1))
        self.assertEqual(self.alarms(rows, "0007 8001"), (256, 1 | 64 | 128))

    def test_a_word_that_is_not_implemented_supplies_nothing(self):
        warn = slot("alarm_warn_bits")
        rows = ((3, 1, 0, (0xFFFF, 0xFFFF), ((0, 0, 1, 0, warn), (1, 0, 2, 4, warn))),)
        self.assertEqual(self.alarms(rows, "FFFF FFFF"), (None, None))
        self.assertEqual(self.alarms(rows, "0002 0001"), (1 | 32, None))
        self.assertEqual(self.alarms(rows, "0000 FFFF"), (1, None))


class PackedArrayTest(unittest.TestCase):
    """Modules of two 32-bit words, each with two cells and a temperature, and an unused word."""

    ARRAYS = (
        (CELLS, 0, 3, 0, U32, 1, 1, 0, ((HIGH_WORD, (1,)), (BITS, (0, 12, 0))),
         2, 2, 5, 1, 0, 2, 0),
        (CELLS, 0, 3, 0, U32, 1, 1, 0, ((HIGH_WORD, (1,)), (BITS, (12, 12, 0))),
         2, 2, 5, 1, 1, 2, 0),
        (CELLS, 1, 3, 0, S32, 10, 1, 0, ((HIGH_WORD, (1,)), (BITS, (24, 8, 1))),
         2, 2, 5, 1, 0, 1, 0),
    )  # fmt: skip

    def test_every_cell_and_temperature(self):
        for hole_registers, reads in ((1, [(0, 9)]), (0, [(0, 4), (5, 4)])):
            with self.subTest(holes=hole_registers):
                bench = RegisterFrames(Table(arrays=self.ARRAYS), 8, 4, hole_registers)
                for word in range(4):
                    raw = (3200 + 2 * word) | (3201 + 2 * word) << 12 | (-5 + word & 0xFF) << 24
                    address = word // 2 * 5 + word % 2 * 2
                    bench.registers[address] = raw & 0xFFFF
                    bench.registers[address + 1] = raw >> 16
                bench.read_arrays()
                blocks = [(block.address, block.count) for block in bench.map.cells]
                self.assertEqual(blocks, reads)
                self.assertEqual(list(bench.data.cells_mv), [3200 + index for index in range(8)])
                self.assertEqual(list(bench.data.temps_dc), [-50, -40, -30, -20])

    def test_values_beyond_the_array_are_cut(self):
        arrays = ((TEMPS, 1, 3, 0, U16, 10, 1, 0, (), 1, 0, 0, 0, 0, 1, 0),)
        bench = RegisterFrames(Table(arrays=arrays), 4, 2)
        bench.put(0, "FFFF 0019")
        bench.read_arrays()
        self.assertEqual(bench.data.temps_dc, array("h", [0x7FFF, 250]))


if __name__ == "__main__":
    unittest.main()
