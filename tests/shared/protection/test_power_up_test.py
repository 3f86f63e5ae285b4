import unittest

from gateway.protection import power_up_test


class PowerUpTest(unittest.TestCase):
    def test_a_sound_machine_passes(self):
        self.assertEqual(power_up_test.problem(), "")

    def test_each_wrong_answer_is_named(self):
        for broken in power_up_test._TESTS:
            tests = power_up_test._TESTS
            wrong = [(each[0], (lambda: False) if each is broken else each[1]) for each in tests]
            power_up_test._TESTS = tuple(wrong)
            try:
                self.assertIn(broken[0], power_up_test.problem())
            finally:
                power_up_test._TESTS = tests


class Other:
    """A module or class of which some answers are wrong."""

    def __init__(self, right, **wrong):
        self._right = right
        for name in wrong:
            setattr(self, name, wrong[name])

    def __getattr__(self, name):
        return getattr(self._right, name)


def wrong_for(function, *arguments):
    """The same function, one answer of which is one too high."""

    def answer(*given):
        return function(*given) + (1 if given == arguments else 0)

    return answer


class BrokenMachineTest(unittest.TestCase):
    """One thing at a time goes wrong, and its test is the one that says so."""

    def assert_found(self, test, name, broken):
        right = getattr(power_up_test, name)
        setattr(power_up_test, name, broken)
        try:
            found = power_up_test.problem()
        finally:
            setattr(power_up_test, name, right)
        self.assertEqual(found, "self-test: %s gives a wrong answer" % test)

    def test_arithmetic(self):
        right = power_up_test.array
        for place in range(3):

            def wrong(kind, values, place=place):
                made = right("q", values)
                made[place] += 2
                return made

            self.assert_found("integer arithmetic", "array", wrong)
        packed = Other(power_up_test.struct, pack=lambda *values: b"\x01\x00\xfe\xff\x03\x00\x00")
        self.assert_found("integer arithmetic", "struct", packed)

    def test_ticks(self):
        right = power_up_test.clock
        last = right.TICKS_MASK
        for broken in (
            Other(right, diff=wrong_for(right.diff, 5, last - 4)),
            Other(right, diff=wrong_for(right.diff, last - 4, 5)),
            Other(right, add=wrong_for(right.add, last, 1)),
        ):
            self.assert_found("the tick counter's wrap", "clock", broken)

    def test_checksum(self):
        right = power_up_test.binascii
        broken = Other(right, crc32=wrong_for(right.crc32, b"123456789"))
        self.assert_found("CRC-32", "binascii", broken)

    def test_detector(self):
        for trips in (
            ((1, 0), (1, 0), (1, 0)),
            ((0, 0), (1, 0), (1, 0)),
            ((0, 0), (0, 0), (0, 0)),
            ((0, 0), (0, 0), (1, 1)),
            ((0, 1), (0, 1), (1, 1)),
            ((0, 0), (0, 1), (1, 0)),
        ):

            class Broken:
                def __init__(self, thresholds, trips=trips):
                    self._active = (0, 0)
                    self._trips = trips
                    self._steps = 0

                def step(self, number, value, set_point, clear_point, elapsed_ms, good_ms):
                    self._active = self._trips[self._steps // 2]
                    self._steps += 1

                def is_active(self, number):
                    return self._active[number] == 1

            self.assert_found("a detector", "Detectors", Broken)

    def test_a_detector_that_compares_wrong(self):
        right = power_up_test.Detectors
        for shift in (-1, 1):

            class Shifted(right):
                def step(self, number, value, *others, shift=shift):
                    return right.step(self, number, value + shift, *others)

            self.assert_found("a detector", "Detectors", Shifted)

    def test_latch(self):
        right = power_up_test.Latches

        class KeepsNothing(right):
            def trip(self, rule):
                self.tripped = rule

        class ReleasesTooSoon(right):
            def reset(self, levels, by, fresh):
                for rule in range(self.count):
                    self._set(rule, 0, 0)
                return power_up_test.STILL_HOLDS if max(levels) else power_up_test.RELEASED

        class SaysReleased(right):
            def reset(self, levels, by, fresh):
                return power_up_test.STILL_HOLDS if max(levels) else power_up_test.RELEASED

        class SaysNothing(right):
            def reset(self, levels, by, fresh):
                right.reset(self, levels, by, fresh)
                return power_up_test.STILL_HOLDS

        class SaysAlways(right):
            def reset(self, levels, by, fresh):
                right.reset(self, levels, by, fresh)
                return power_up_test.RELEASED

        for broken in (KeepsNothing, ReleasesTooSoon, SaysReleased, SaysNothing, SaysAlways):
            self.assert_found("a latch", "Latches", broken)

    def test_curve(self):
        right = power_up_test.Curve
        for wrong_at in (3449, 3525, 3650, 4000):

            class Broken(right):
                def pm(self, x, wrong_at=wrong_at):
                    return right.pm(self, x) + (1 if x == wrong_at else 0)

            self.assert_found("a derating curve", "Curve", Broken)


if __name__ == "__main__":
    unittest.main()
