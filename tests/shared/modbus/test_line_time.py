import unittest

from gateway.modbus.line_time import LineTime


class LineTimeTest(unittest.TestCase):
    def test_silence_is_as_the_specification_has_it(self):
        for baud, silence_us in (
            (1200, 32084),
            (9600, 4011),
            (19200, 2006),
            (38400, 1750),
            (115200, 1750),
            (230400, 1750),
        ):
            for char_bits in (10, 11):
                with self.subTest(baud=baud, char_bits=char_bits):
                    self.assertEqual(LineTime(baud, char_bits).silence_us, silence_us)

    def test_wire_time_is_never_short_and_exact_to_ten_microseconds(self):
        for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400):
            for char_bits in (10, 11):
                line = LineTime(baud, char_bits)
                for count in (0, 1, 8, 255, 256):
                    exact = -(-count * char_bits * 1_000_000 // baud)
                    self.assertTrue(exact <= line.wire_us(count) <= exact + 10, (baud, count))

    def test_other_lines_are_refused(self):
        for baud, char_bits in ((300, 10), (1_000_000, 10), (9600, 9), (9600, 12)):
            with self.assertRaises(ValueError):
                LineTime(baud, char_bits)


if __name__ == "__main__":
    unittest.main()
