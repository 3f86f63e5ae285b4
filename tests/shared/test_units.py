import unittest

from fake_hardware import HandClock

from gateway import units
from gateway.log import Logs


class TextTest(unittest.TestCase):
    def test_tenths_and_whole_units(self):
        for value, unit, text in (
            (14901, "0.1 V", "1490.1 V"),
            (-5, "0.1 degC", "-0.5 degC"),
            (0, "0.1 A", "0.0 A"),
            (-1570, "0.1 A", "-157.0 A"),
            (3650, "mV", "3650 mV"),
            (1, "", "1"),
        ):
            self.assertEqual(units.text(value, unit), text)


class Sink:
    def __init__(self):
        self.text = ""
        self.broken = False

    def write(self, text):
        if self.broken:
            raise OSError(5)
        self.text += text


class LogTest(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.clock = HandClock()
        self.logs = Logs(self.clock, console=self.sink)

    def test_lines_carry_uptime_level_and_name(self):
        self.clock.advance(12345)
        self.logs.get("unit").warning("rack %s at %d %%", "rack01", 50)
        self.assertIn("12.345 WARNING unit: rack rack01 at 50 %", self.sink.text)

    def test_level_is_obeyed_by_loggers_handed_out_before(self):
        logger = self.logs.get("levels")
        logger.debug("one")
        self.logs.set_level("debug")
        logger.debug("two")
        self.logs.set_level("warning")
        logger.info("three")
        self.assertEqual([line[-3:] for line in self.logs.ring.lines], ["two"])

    def test_ring_is_bounded_and_a_dead_console_is_counted(self):
        self.sink.broken = True
        logger = self.logs.get("ring")
        for number in range(200):
            logger.info("line %d", number)
        self.assertEqual(len(self.logs.ring.lines), 40)
        self.assertIn("line 199", self.logs.ring.lines[-1])
        self.assertEqual(self.logs.ring.write_errors, 200)


if __name__ == "__main__":
    unittest.main()
