"""The clock chip against its registers, calendar arithmetic, and the clock that TLS looks at."""

import unittest

from civil_time import from_unix_s, to_unix_s
from fake_i2c import FakeI2c
from fake_i2c import Pcf85063 as Chip
from i2c_bus import I2cBus
from pcf85063 import Pcf85063
from system_rtc import BackedRtc, SystemRtc

ADDRESS = 0x51
# Known moments, from `date -u -d @N`: (Unix seconds, fields, Monday = 0)
MOMENTS = (
    (946684800, (2000, 1, 1, 5, 0, 0, 0)),
    (951827696, (2000, 2, 29, 1, 12, 34, 56)),
    (951868800, (2000, 3, 1, 2, 0, 0, 0)),
    (1709251199, (2024, 2, 29, 3, 23, 59, 59)),
    (1795198830, (2026, 11, 20, 4, 18, 20, 30)),
    (2147483648, (2038, 1, 19, 1, 3, 14, 8)),
    (4102444799, (2099, 12, 31, 3, 23, 59, 59)),
)


def nothing(delay_us):
    pass


class FakeSystemRtc:
    """`machine.RTC`, never set: its epoch."""

    def __init__(self, fields=(2000, 1, 1, 5, 0, 0, 0, 0)):
        self.fields = fields

    def datetime(self, fields=None):
        if fields is None:
            return self.fields
        self.fields = fields
        return None


class CivilTimeTest(unittest.TestCase):
    def test_known_moments(self):
        for unix_s, fields in MOMENTS:
            self.assertEqual(from_unix_s(unix_s), fields)
            self.assertEqual(to_unix_s(*(fields[:3] + fields[4:])), unix_s)

    def test_every_day_of_the_century_comes_back(self):
        weekday = 5
        for day in range(36525):
            unix_s = 946684800 + day * 86400 + 43200
            fields = from_unix_s(unix_s)
            self.assertEqual(fields[3], weekday)
            self.assertEqual(to_unix_s(*(fields[:3] + fields[4:])), unix_s)
            weekday = (weekday + 1) % 7

    def test_no_such_moment(self):
        for fields in (
            (1999, 12, 31, 0, 0, 0),
            (2100, 1, 1, 0, 0, 0),
            (2026, 0, 1, 0, 0, 0),
            (2026, 13, 1, 0, 0, 0),
            (2026, 2, 29, 0, 0, 0),
            (2024, 2, 30, 0, 0, 0),
            (2026, 4, 0, 0, 0, 0),
            (2026, 4, 1, 24, 0, 0),
            (2026, 4, 1, 0, 60, 0),
            (2026, 4, 1, 0, 0, 60),
            (2026, 4, 1, 0, 0, -1),
        ):
            self.assertEqual(to_unix_s(*fields), 0)

    def test_beyond_the_century(self):
        for unix_s in (0, 946684799, 4102444800):
            with self.assertRaises(ValueError):
                from_unix_s(unix_s)


class ChipTest(unittest.TestCase):
    def setUp(self):
        self.chip = Chip()
        self.i2c = FakeI2c({ADDRESS: self.chip})
        self.rtc = Pcf85063(I2cBus(self.i2c, self.i2c.scl, self.i2c.sda, nothing))

    def test_registers_of_a_known_moment(self):
        self.rtc.write(1795198830000)
        self.assertEqual(bytes(self.chip.registers[4:]), b"\x30\x20\x18\x20\x05\x11\x26")
        self.assertEqual(self.rtc.read(), 1795198830000)
        self.assertEqual(self.chip.torn, 0)
        self.assertEqual(self.chip.registers[0], 0)  # it runs

    def test_nearest_second(self):
        self.rtc.write(1795198830499)
        self.assertEqual(self.rtc.read(), 1795198830000)
        self.rtc.write(1795198830500)
        self.assertEqual(self.rtc.read(), 1795198831000)

    def test_the_load_of_the_crystal_stays_and_hours_are_24(self):
        self.chip.registers[0] = 0x03
        self.rtc.write(1795198830000)
        self.assertEqual(self.chip.registers[0], 0x01)

    def test_never_set(self):
        self.assertEqual(self.rtc.read(), 0)

    def test_an_oscillator_that_stood_still(self):
        self.rtc.write(1795198830000)
        self.chip.registers[4] |= 0x80
        self.assertEqual(self.rtc.read(), 0)

    def test_a_clock_that_is_stopped_or_counts_to_twelve_or_is_tested_does_not_know_the_time(self):
        for bits in (0x20, 0x02, 0x80):
            self.rtc.write(1795198830000)
            self.chip.registers[0] |= bits
            self.assertEqual(self.rtc.read(), 0)
            self.rtc.write(1795198830000)
            self.assertEqual(self.rtc.read(), 1795198830000)

    def test_a_write_that_fails_at_any_transfer_is_tried_again(self):
        for transfer in range(5):
            for fault in ("deaf", "short"):
                self.setUp()
                self.i2c.later(transfer, fault)
                self.rtc.write(1795198830000)
                self.assertEqual(self.rtc.read(), 1795198830000, (transfer, fault))
                self.assertEqual((self.chip.registers[0], self.chip.torn), (0, 0))

    def test_a_write_that_fails_for_long_leaves_no_time_that_looks_good(self):
        for transfer in range(5):
            self.setUp()
            self.rtc.write(1695198830000)
            self.i2c.later(transfer, "deaf", 1000)
            with self.assertRaises(OSError):
                self.rtc.write(1795198830000)
            self.i2c.deaf = 0
            untouched = transfer <= 1
            self.assertEqual(self.rtc.read(), 1695198830000 if untouched else 0)

    def test_a_time_that_did_not_arrive_is_not_started(self):
        self.chip.stuck = 6  # the hours keep what they have
        with self.assertRaises(OSError):
            self.rtc.write(1795198830000)
        self.assertEqual(self.rtc.read(), 0)

    def test_impossible_registers_are_never_set(self):
        for register, value in ((4, 0x7A), (5, 0x60), (6, 0x24), (7, 0x00), (9, 0x13), (10, 0xA0)):
            self.rtc.write(1795198830000)
            self.chip.registers[register] = value
            self.assertEqual(self.rtc.read(), 0)

    def test_bits_without_a_meaning_do_not_matter(self):
        self.rtc.write(1795198830000)
        for register, bits in ((5, 0x80), (6, 0xC0), (7, 0xC0), (8, 0xF8), (9, 0xE0)):
            self.chip.registers[register] |= bits
        self.assertEqual(self.rtc.read(), 1795198830000)

    def test_no_chip(self):
        del self.i2c.chips[ADDRESS]
        with self.assertRaises(OSError):
            self.rtc.read()
        with self.assertRaises(OSError):
            self.rtc.write(1795198830000)

    def test_a_write_that_is_cut_short_is_told(self):
        self.i2c.short = 1000
        with self.assertRaises(OSError):
            self.rtc.write(1795198830000)


class SystemRtcTest(unittest.TestCase):
    def test_never_set(self):
        for year in (1970, 2000, 2015):
            system = SystemRtc(FakeSystemRtc((year, 1, 1, 5, 0, 0, 7, 0)))
            self.assertEqual(system.read(), 0)

    def test_set_and_read(self):
        port = FakeSystemRtc()
        system = SystemRtc(port)
        system.write(1795198830499)
        self.assertEqual(port.fields, (2026, 11, 20, 5, 18, 20, 30, 0))
        self.assertEqual(system.read(), 1795198830000)

    def test_the_chip_sets_the_processor_at_the_start(self):
        chip = Chip()
        i2c = FakeI2c({ADDRESS: chip})
        clock_chip = Pcf85063(I2cBus(i2c, i2c.scl, i2c.sda, nothing))
        port = FakeSystemRtc()
        rtc = BackedRtc(clock_chip, SystemRtc(port))
        self.assertEqual(rtc.read(), 0)
        self.assertEqual(port.fields[0], 2000)
        clock_chip.write(1795198830000)
        self.assertEqual(rtc.read(), 1795198830000)
        self.assertEqual(port.fields[:3], (2026, 11, 20))

    def test_without_the_chip_certificates_still_get_the_date(self):
        i2c = FakeI2c({})
        port = FakeSystemRtc()
        rtc = BackedRtc(Pcf85063(I2cBus(i2c, i2c.scl, i2c.sda, nothing)), SystemRtc(port))
        with self.assertRaises(OSError):
            rtc.write(1795198830000)
        self.assertEqual(port.fields[:3], (2026, 11, 20))


if __name__ == "__main__":
    unittest.main()
