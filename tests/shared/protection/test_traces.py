"""Committed timelines give the committed decisions, to the bit, on every interpreter.

tests/property/trace_generator.py made them and says how to renew them.
"""

import os
import unittest

from trace_player import MARK, play

from gateway.config.rules import NAME, NONE, REACTIONS, RULES

FOLDER = __file__.rpartition("/")[0] + "/traces/"
NAMES = sorted([name for name in os.listdir(FOLDER) if name.endswith(".txt")])


def lines_of(name):
    with open(FOLDER + name) as file:
        return file.read().split("\n")[:-1]


class TraceTest(unittest.TestCase):
    def test_every_trace_is_decided_as_it_was(self):
        for name in NAMES:
            with self.subTest(trace=name):
                expected = lines_of(name)
                played = play(expected)
                self.assertEqual(len(played), len(expected))
                for number in range(len(expected)):
                    self.assertEqual(played[number], expected[number], number + 1)

    def test_uptime_at_the_start_changes_no_decision(self):
        for start in (2**30 - 20000, 2**32 - 60000, 2**32):
            self.assertEqual(play(lines_of("walk0.txt"), start), lines_of("walk0.txt"), start)

    def test_they_hold_every_level_of_every_rule(self):
        seen = {}
        for name in NAMES:
            for line in lines_of(name):
                if line.startswith(MARK):
                    for word in line.split():
                        seen[word.rstrip("*").rstrip("!")] = True
        missing = [
            "%s:%d" % (row[NAME], level)
            for row in RULES
            for level in (1, 2, 3)
            if row[REACTIONS][level - 1] != NONE and "%s:%d" % (row[NAME], level) not in seen
        ]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
