"""A reset at any edge of a transfer: freeing the bus energises no relay."""

import unittest

from fake_i2c_lines import BitI2c, Lines, Reset
from i2c_bus import I2cBus

ADDRESS = 0x20
OUTPUTS, OPEN, CLOSED = b"\x03\x00", b"\x01\x00", b"\x01\x05"


def nothing(delay_us):
    pass


def write_open(i2c):
    i2c.writeto(ADDRESS, OPEN)


def configure(i2c):
    i2c.writeto(ADDRESS, OUTPUTS)


def look(i2c):
    i2c.readfrom_mem_into(ADDRESS, 0, bytearray(1))


TRANSFERS = (write_open, configure, look)


class FreeTest(unittest.TestCase):
    def lines(self, closed):
        lines = Lines()
        i2c = BitI2c(lines)
        i2c.writeto(ADDRESS, CLOSED if closed else OPEN)
        i2c.writeto(ADDRESS, OUTPUTS)
        del lines.chip.latched[:]
        return lines, i2c

    def cut_short(self, transfer, closed, sda_first, at):
        """Lines after a reset at clock change `at` of a transfer; None when it has fewer."""
        lines, i2c = self.lines(closed)
        lines.sda_first = sda_first
        lines.cut = at
        try:
            transfer(i2c)
        except Reset:
            return lines
        return None

    def moments(self):
        for transfer in TRANSFERS:
            for closed in (False, True):
                for sda_first in (False, True):
                    at = 1
                    lines = self.cut_short(transfer, closed, sda_first, at)
                    while lines is not None:
                        yield lines, (transfer.__name__, closed, sda_first, at)
                        at += 1
                        lines = self.cut_short(transfer, closed, sda_first, at)
                    self.assertTrue(at > 50)

    def test_the_model_writes_and_reads(self):
        lines, i2c = self.lines(True)
        self.assertEqual(bytes(lines.chip.registers), b"\x00\x05\x00\x00")
        back = bytearray(2)
        i2c.readfrom_mem_into(ADDRESS, 0, back)
        self.assertEqual(bytes(back), b"\x05\x05")
        with self.assertRaises(OSError):
            i2c.writeto(0x21, OPEN)

    def test_no_pulse_becomes_an_order(self):
        for lines, moment in self.moments():
            I2cBus(BitI2c(lines), lines.scl, lines.sda, nothing)
            self.assertEqual([value for value in lines.chip.latched if value], [], moment)

    def test_the_bus_works_behind_it(self):
        for lines, moment in self.moments():
            bus = I2cBus(BitI2c(lines), lines.scl, lines.sda, nothing)
            self.assertTrue(bus.write(ADDRESS, OPEN), moment)
            self.assertEqual(lines.chip.registers[1], 0, moment)
            self.assertEqual((lines.scl.level(), lines.sda.level()), (1, 1), moment)

    def test_a_line_that_stays_down_is_given_up(self):
        lines, _ = self.lines(False)
        lines.chip.stuck = True
        lines.pulses = 0
        I2cBus(BitI2c(lines), lines.scl, lines.sda, nothing)
        self.assertEqual(lines.pulses, 9)
        self.assertEqual((lines.scl.wanted, lines.sda.wanted), (1, 1))

    def test_a_free_bus_gets_no_pulse(self):
        lines, _ = self.lines(True)
        lines.pulses = 0
        I2cBus(BitI2c(lines), lines.scl, lines.sda, nothing)
        self.assertEqual((lines.pulses, lines.chip.registers[1]), (0, 5))


if __name__ == "__main__":
    unittest.main()
