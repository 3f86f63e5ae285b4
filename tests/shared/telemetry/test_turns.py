"""Steps of one task that must not stop each other."""

import unittest

from fake_hardware import QuietLog

from gateway.telemetry.turns import Turns


class TurnsTest(unittest.TestCase):
    def setUp(self):
        self.errors = {}
        self.ran = []
        self.log = QuietLog()
        self.turns = Turns(tuple([(name, self._step(name)) for name in ("a", "b", "c")]), self.log)

    def _step(self, name):
        def step(now):
            self.ran.append((name, now))
            if name in self.errors:
                raise self.errors[name]

        return step

    def test_each_has_its_turn_in_order(self):
        self.turns.step(5)
        self.assertEqual(self.ran, [("a", 5), ("b", 5), ("c", 5)])
        self.assertEqual((self.turns.failures, self.log.lines), (0, []))

    def test_who_fails_stops_nobody_and_is_told_once_per_kind(self):
        self.errors = {"a": MemoryError("96 bytes"), "b": OSError(5)}
        for now in range(3):
            self.turns.step(now)
        self.errors = {"a": ValueError("room")}
        self.turns.step(3)
        self.assertEqual([now for name, now in self.ran if name == "c"], [0, 1, 2, 3])
        self.assertEqual(self.turns.failures, 7)
        starts = [text.split("(")[0] for _, text in self.log.lines]
        self.assertEqual(starts, ["a: MemoryError", "b: OSError", "a: ValueError"])

    def test_a_defect_goes_on_to_the_caller_behind_the_last_turn(self):
        self.errors = {"a": KeyError(999), "b": OSError(5)}
        with self.assertRaises(KeyError):
            self.turns.step(1)
        self.assertEqual(len(self.ran), 3)
        self.errors = {}
        self.turns.step(2)
        self.assertEqual((self.turns.failures, len(self.log.lines)), (2, 1))


if __name__ == "__main__":
    unittest.main()
