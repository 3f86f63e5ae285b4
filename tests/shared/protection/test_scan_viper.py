"""The loops in machine code against the same sensor by sensor, with readings of every kind."""

import unittest
from array import array

from plain_temp_rise import PlainTempRise, plain_lost

from gateway.protection import rule_viper, scan_viper
from gateway.protection.rule_viper import BUSY, HELD, RUNNING
from gateway.protection.temp_rise import TempRise
from gateway.rack.data import ABSENT, CELL_ABSENT, TEMP_ABSENT

COUNTS = (1, 2, 3, 4, 5, 8, 9, 31)
PERIODS_MS = (2000, 4000, 19000, 40000, 130000, 250000)


class Numbers:
    """The same on every interpreter."""

    def __init__(self, seed):
        self._last = seed

    def below(self, limit):
        self._last = (self._last * 1103 + 12345) % 1000003
        return self._last % limit


def moved(numbers, temp_dc, step_dc):
    """The next reading of a sensor: mostly still, now and then something absurd."""
    kind = numbers.below(40)
    if kind == 0:
        return TEMP_ABSENT
    if kind == 1:
        return (32767, -32767, 4000, -1, 0, 449, 450)[numbers.below(7)]
    if temp_dc == TEMP_ABSENT or abs(temp_dc) > 1000:
        return 240 + step_dc * numbers.below(3)
    return temp_dc + step_dc * (numbers.below(5) - 2) * (kind % 3)


class TempRiseTest(unittest.TestCase):
    def test_every_scan_gives_what_the_plain_one_gives(self):
        for seed in range(60):
            numbers = Numbers(seed)
            count = COUNTS[numbers.below(len(COUNTS))]
            rise, plain = TempRise(count), PlainTempRise(count)
            temps_dc = array("h", [TEMP_ABSENT] * count)
            step_dc = (1, 5, 10)[numbers.below(3)]
            for scan in range(40):
                for index in range(count):
                    temps_dc[index] = moved(numbers, temps_dc[index], step_dc)
                elapsed_ms = PERIODS_MS[numbers.below(5 + scan % 2)]
                found = rise.step(temps_dc, elapsed_ms)
                self.assertEqual(found, plain.step(temps_dc, elapsed_ms), (seed, scan))
                self.assertEqual(
                    (rise.hot_rise, rise.sensor), (plain.hot_rise, plain.sensor), (seed, scan)
                )

    def test_another_number_of_sensors_is_refused(self):
        for count in (3, 5):
            with self.assertRaises(ValueError) as caught:
                TempRise(4).step(array("h", [250] * count), 4000)
            self.assertEqual(str(caught.exception), "a scan of another number of sensors")


class LostTest(unittest.TestCase):
    def check(self, code, flip, absurd, lowest, highest):
        numbers = Numbers(7)
        for count in COUNTS:
            values = array(code, [0] * count)
            first = numbers.below(20)
            seen, plain_seen = bytearray((first + count + 7) // 8), bytearray(count)
            for _ in range(30):
                for index in range(count):
                    values[index] = absurd[numbers.below(len(absurd))]
                all_here = numbers.below(2)
                found = scan_viper.count_lost(
                    count, first, seen, values, flip, lowest + flip, highest - lowest, all_here
                )
                expected = plain_lost(values, plain_seen, lowest, highest, all_here)
                self.assertEqual(found, expected, (count, list(values)))
            bits = [seen[bit >> 3] >> (bit & 7) & 1 for bit in range(8 * len(seen))]
            self.assertEqual(bits[first : first + count], list(plain_seen))
            self.assertEqual(sum(bits), sum(plain_seen))  # no other was touched

    def test_cells(self):
        self.check("H", 0, (0, 999, 1000, 4500, 4501, CELL_ABSENT, 32768), 1000, 4500)

    def test_sensors(self):
        self.check("h", 0x8000, (0, -500, -501, 1000, 1001, TEMP_ABSENT, 32767, -1), -500, 1000)


class RulesTest(unittest.TestCase):
    def plain(self, rules, values, sides, lowest, notes):
        """Which rules are to be stepped."""
        found = []
        for rule in rules:
            if values[rule] == ABSENT:
                notes[rule] |= HELD
            elif values[rule] * sides[rule] >= lowest[rule] or notes[rule] & BUSY:
                found.append(rule)
            else:
                notes[rule] &= ~HELD
        return found

    def test_those_that_are_not_good_or_count_are_found(self):
        numbers = Numbers(11)
        for _ in range(300):
            rules = bytes([rule for rule in range(9) if numbers.below(3)])
            values, lowest = array("i", [0] * 9), array("i", [0] * 9)
            sides = array("b", [1 - 2 * numbers.below(2) for _ in range(9)])
            for rule in range(9):
                lowest[rule] = sides[rule] * (0, 1, 3500, 65536, 120000)[numbers.below(5)]
                values[rule] = lowest[rule] * sides[rule] + numbers.below(3) - 1
                if not numbers.below(3):
                    values[rule] = (ABSENT, 0, -1, -32769, 65535)[numbers.below(5)]
            kinds = (0, 0, HELD, BUSY, HELD | BUSY, RUNNING)
            notes = bytearray([kinds[numbers.below(6)] for _ in range(9)])
            plain_notes = bytearray(notes)
            expected = self.plain(rules, values, sides, lowest, plain_notes)
            found = []
            at = 0
            while at <= len(rules):
                at = rule_viper.find_next(at, len(rules), rules, values, sides, lowest, notes)
                if at < len(rules):
                    found.append(rules[at])
                at += 1
            self.assertEqual(found, expected)
            self.assertEqual(notes, plain_notes)

    def test_all_notes(self):
        notes = bytearray((1, 2, 4, 8))
        for rules, expected in ((b"", 0), (b"\x00", 1), (b"\x03\x01", 10)):
            self.assertEqual(rule_viper.all_notes(len(rules), rules, notes), expected)


if __name__ == "__main__":
    unittest.main()
