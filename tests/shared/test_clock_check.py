import unittest

from fake_hardware import HandClock

from gateway.clock import NTP, Clock
from gateway.clock_check import BAD, GOOD, OFF, ClockCheck


class TwoClocks(HandClock):
    """Ticks that run at `pm` of a thousand while the wall clock is right."""

    def __init__(self):
        super().__init__(0)
        self.wall = 1800000000000

    def wall_ms(self):
        return self.wall

    def minute(self, pm=1000):
        self.wall += 60000
        self.advance(60 * pm)


class SlowTicks(Clock):
    """The real clock on ticks and a board's clock that are moved by hand."""

    now = 0
    wall = 1700000000000

    def ticks(self):
        return self.now

    def wall_ms(self):
        return self.wall

    def minute(self, pm):
        self.wall += 60000
        self.now += 60 * pm


def results(*minutes):
    clocks = TwoClocks()
    check = ClockCheck(clocks)
    found = []
    for pm in minutes:
        clocks.minute(pm)
        found.append(check.step())
    return found


class ClockCheckTest(unittest.TestCase):
    def test_a_good_clock(self):
        self.assertEqual(results(1000, 1005, 995, 1009), [GOOD] * 4)

    def test_ticks_that_are_off_for_two_minutes(self):
        self.assertEqual(results(1000, 980, 980), [GOOD, GOOD, OFF])
        self.assertEqual(results(1000, 1020, 1020), [GOOD, GOOD, OFF])
        self.assertEqual(results(900, 900), [GOOD, BAD])
        self.assertEqual(results(1100, 1100), [GOOD, BAD])

    def test_off_in_turns_is_no_drift(self):
        self.assertEqual(results(900, 1100, 900, 1100), [GOOD] * 4)

    def test_setting_the_wall_clock_is_no_fault(self):
        for jump_ms in (-3600000, 3600000, 10000, -10000):
            clocks = TwoClocks()
            check = ClockCheck(clocks)
            found = []
            for minute in range(5):
                clocks.minute()
                if minute == 2:
                    clocks.wall += jump_ms
                found.append(check.step())
            self.assertEqual(found, [GOOD] * 5)

    def test_time_from_the_network_proves_nothing_of_the_ticks(self):
        """It runs on the ticks itself, so only the board's own clock can tell."""
        clock = SlowTicks()
        clock.set_utc(1800000000000, NTP)
        check = ClockCheck(clock)
        found = []
        for _ in range(2):
            clock.minute(900)
            found.append(check.step())
        self.assertEqual(found, [GOOD, BAD])
        self.assertEqual(clock.utc_ms(), 1800000000000 + 108000)

    def test_asked_too_soon_it_waits(self):
        clocks = TwoClocks()
        check = ClockCheck(clocks)
        clocks.advance(1000)
        self.assertEqual(check.step(), GOOD)
        self.assertEqual(check.deviation_pm, 0)


if __name__ == "__main__":
    unittest.main()
