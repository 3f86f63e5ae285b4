"""Interlocks: every vote of gas and smoke, what is told of it, and the last millisecond."""

import unittest

from protection_bench import Bench

from gateway.protection import rules
from gateway.protection.interlocks import SITE
from gateway.protection.latches import BY_SERVICE, RELEASED, STILL_HOLDS

LOW, HIGH, SMOKE, ESTOP, COOLANT = (1, 2), (3,), (4, 5, 6), (7,), (8,)
WIRED = [{"name": "reset", "number": 0, "role": "reset"}] + [
    {"name": "%s%d" % (role.replace("_", "-"), number), "number": number, "role": role}
    for role, numbers in (
        ("gas_low", LOW), ("gas_high", HIGH), ("smoke", SMOKE), ("estop", ESTOP),
        ("coolant", COOLANT),
    )
    for number in numbers
]  # fmt: skip
# Detectors at the lower gas point, at the upper one, with smoke; a fast rise: levels of gas, smoke
VOTES = (
    ((0, 0, 0, 0), (0, 0)), ((0, 0, 0, 1), (0, 0)), ((0, 0, 1, 0), (0, 1)), ((0, 0, 1, 1), (0, 1)),
    ((0, 0, 2, 0), (0, 3)), ((0, 0, 2, 1), (0, 3)), ((0, 0, 3, 0), (0, 3)), ((0, 1, 0, 0), (3, 0)),
    ((0, 1, 0, 1), (3, 0)), ((0, 1, 1, 0), (3, 3)), ((0, 1, 1, 1), (3, 3)), ((0, 1, 2, 0), (3, 3)),
    ((1, 0, 0, 0), (1, 0)), ((1, 0, 0, 1), (3, 0)), ((1, 0, 1, 0), (3, 3)), ((1, 0, 1, 1), (3, 3)),
    ((1, 1, 0, 0), (3, 0)), ((1, 1, 0, 1), (3, 0)), ((1, 1, 1, 0), (3, 3)), ((1, 0, 2, 0), (3, 3)),
    ((2, 0, 0, 0), (2, 0)), ((2, 0, 0, 1), (3, 0)), ((2, 0, 1, 0), (3, 3)), ((2, 1, 0, 0), (3, 0)),
)  # fmt: skip


class Site(Bench):
    def __init__(self):
        super().__init__(inputs=WIRED)
        self.inputs.levels = [True] * 9

    def alarm(self, *numbers):
        for number in range(1, 9):
            self.inputs.levels[number] = number not in numbers

    def step(self, after_ms, hot=False, rising=False):
        self.interlocks.step(hot, rising, self.clock.advance(after_ms))

    def told(self):
        """Every change since the last call."""
        found = []
        change = self.changes.take()
        while change is not None:
            found.append(change)
            change = self.changes.take()
        return found


class VoteTest(unittest.TestCase):
    def test_each_detector_alone_and_with_the_others(self):
        for (low, high, smoke, rising), expected in VOTES:
            site = Site()
            site.alarm(*(LOW[:low] + HIGH[:high] + SMOKE[:smoke]))
            site.inputs_for(50, rising=bool(rising))
            levels = (site.level_of("gas"), site.level_of("smoke"))
            self.assertEqual(levels, expected, (low, high, smoke, rising))
            seen = [site.interlocks.seen_level(rule) for rule in (rules.GAS, rules.SMOKE)]
            self.assertEqual(tuple(seen), expected, (low, high, smoke, rising))
            self.assertEqual(site.decision.permit, False)  # no data yet
            site.fresh(500)
            self.assertEqual(site.decision.permit, max(expected) < 3)

    def test_every_level_is_told_with_what_was_seen(self):
        for numbers, hot, expected in (
            (HIGH, False, [(rules.GAS, level, 3) for level in (1, 2, 3)]),
            (LOW, False, [(rules.GAS, level, 2) for level in (1, 2)]),
            (SMOKE, False, [(rules.SMOKE, level, 2) for level in (1, 3)]),
            (SMOKE[:1], False, [(rules.SMOKE, 1, 1)]),
            (ESTOP, False, [(rules.ESTOP, 3, 1)]),
            (COOLANT, False, [(rules.COOLANT, 1, 1)]),
            (COOLANT, True, [(rules.COOLANT, 1, 2)]),
        ):
            site = Site()
            site.alarm(*numbers)
            for _ in range(200):
                site.step(10, hot=hot)
            self.assertEqual(site.told(), [(255,) + each[:2] + (1, each[2]) for each in expected])
            site.alarm()
            for _ in range(700):
                site.step(10)
            self.assertEqual(site.told(), [(SITE,) + each[:2] + (0, 0) for each in expected])

    def test_smoke_beside_gas_is_told_like_two_detectors(self):
        site = Site()
        site.alarm(SMOKE[0], HIGH[0])
        for _ in range(5):
            site.step(10)
        smoke = [change for change in site.told() if change[1] == rules.SMOKE]
        self.assertEqual([(level, value) for _, _, level, _, value in smoke], [(1, 2), (3, 2)])


class ChangedTest(unittest.TestCase):
    def test_it_says_so_in_the_step_of_the_change_only(self):
        site = Site()
        self.assertFalse(site.interlocks.changed)
        site.step(10)
        self.assertFalse(site.interlocks.changed)
        site.alarm(*ESTOP)
        found = []
        for _ in range(5):
            site.step(10)
            found.append(site.interlocks.changed)
        self.assertEqual(found, [False, False, True, False, False])
        site.alarm()
        found = []
        for _ in range(110):
            site.step(10)
            found.append(site.interlocks.changed)
        self.assertEqual([step for step in range(110) if found[step]], [100])

    def test_a_level_goes_when_its_own_detector_does(self):
        site = Site()
        site.alarm(*LOW)
        site.inputs_for(50)
        site.alarm(LOW[0])
        site.inputs_for(4900)
        self.assertEqual(site.level_of("gas"), 2)
        site.inputs_for(200)
        self.assertEqual(site.level_of("gas"), 1)
        site.inputs_for(20000)
        self.assertEqual(site.level_of("gas"), 1)

    def test_what_cools_down_goes_back_by_one_level(self):
        site = Site()
        site.alarm(*COOLANT)
        site.inputs_for(60200, hot=True)
        self.assertEqual(site.level_of("coolant"), 2)
        site.inputs_for(5100)
        self.assertEqual(site.level_of("coolant"), 1)


class TimeTest(unittest.TestCase):
    def test_a_late_step_counts_a_second_at_most(self):
        site = Site()
        site.alarm(SMOKE[0])
        site.step(10)
        for _ in range(9):
            site.step(5000)
        site.step(994)  # 10 s less the resolution of time is 9995 ms
        self.assertEqual(site.level_of("smoke"), 1)
        site.step(1)
        self.assertEqual(site.level_of("smoke"), 2)

    def test_steps_in_one_moment_are_no_time(self):
        site = Site()
        site.alarm(*ESTOP)
        for _ in range(100):
            site.step(0)
        self.assertEqual(site.level_of("estop"), 0)
        site.step(14)  # 20 ms less the resolution of time
        self.assertEqual(site.level_of("estop"), 0)
        site.step(1)
        self.assertEqual(site.level_of("estop"), 3)


class RestoredTest(unittest.TestCase):
    def test_a_latch_of_a_rule_that_has_none_can_be_released_like_any(self):
        site = Site()
        site.interlocks.latches.restore(b"\x01" * 12, 0)
        site.interlocks.restored()
        self.assertEqual(set(site.interlocks.levels), {3})
        self.assertEqual(site.interlocks.reset(BY_SERVICE), STILL_HOLDS)
        for _ in range(7200):
            site.step(1000)
        self.assertEqual(site.interlocks.reset(BY_SERVICE), RELEASED)
        self.assertTrue(site.interlocks.is_quiet())


class SeenTest(unittest.TestCase):
    def test_what_a_latch_remembers_is_not_seen(self):
        site = Site()
        for rule in (rules.GAS, rules.SMOKE, rules.ESTOP):
            site.interlocks.latches.trip(rule)
        site.interlocks.restored()
        for after_ms in (0, 10, 100):  # before the first step, too
            if after_ms:
                site.step(after_ms)
            for rule in (rules.GAS, rules.SMOKE, rules.ESTOP):
                self.assertEqual(site.interlocks.level(rule), 3)
                self.assertEqual(site.interlocks.seen_level(rule), 0)

    def test_what_has_not_lasted_is_not_seen_either(self):
        site = Site()
        site.alarm(*HIGH)
        site.step(10)
        self.assertEqual(site.interlocks.seen_level(rules.GAS), 0)
        site.step(10)
        site.step(10)
        self.assertEqual(site.interlocks.seen_level(rules.GAS), 3)

    def test_after_a_reset_all_is_quiet(self):
        site = Site()
        self.assertTrue(site.interlocks.is_quiet())
        site.alarm(*HIGH)
        for _ in range(5):
            site.step(10)
        self.assertFalse(site.interlocks.is_quiet())
        site.alarm()
        for _ in range(600):
            site.step(10)
        self.assertFalse(site.interlocks.is_quiet())  # its latch holds
        self.assertEqual(site.interlocks.reset(BY_SERVICE), RELEASED)
        self.assertTrue(site.interlocks.is_quiet())


if __name__ == "__main__":
    unittest.main()
