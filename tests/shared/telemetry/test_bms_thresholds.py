"""Limits of a rack BMS looser than the gateway's: told once, and again when they change."""

import unittest

from sample_site import settings

from gateway.telemetry import records
from gateway.telemetry.bms_thresholds import BmsThresholds

NAMES = ("level2_cell_over_set_mv", "level2_cell_under_set_mv")
GOOD = [3650, 2500]


class Rack:
    """A poller, and its data too."""

    threshold_names = NAMES

    def __init__(self):
        self.data = self
        self.thresholds = list(GOOD)
        self.thresholds_sequence = 0

    def read(self, *values):
        self.thresholds = list(values)
        self.thresholds_sequence += 1


class BmsThresholdsTest(unittest.TestCase):
    def setUp(self):
        self.racks = [Rack(), Rack()]
        self.notes = []
        self.told = BmsThresholds(
            self.racks, settings().limits, lambda *note: self.notes.append(note)
        )

    def steps(self):
        """Notes of as many steps as there are racks, and of one more."""
        self.notes.clear()
        for _ in range(3):
            self.told.step()
        return [(note[1], note[3][2:]) for note in self.notes]

    def test_nothing_is_told_before_a_reading_and_of_what_fits(self):
        self.assertEqual(self.steps(), [])
        self.racks[0].read(*GOOD)
        self.assertEqual(self.steps(), [])
        self.assertEqual(self.told.found, [[], []])

    def test_a_difference_is_told_once(self):
        self.racks[1].read(3700, 2500)
        self.assertEqual(self.steps(), [(1, (3700, 3650))])
        code, rack, text, details = self.notes[0]
        self.assertEqual((code, rack), (records.BMS_THRESHOLD, 1))
        self.assertEqual(text, "level2_cell_over_set_mv is 3700, looser than 3650")
        self.assertEqual(details, (255, 0, 3700, 3650))
        self.assertEqual(self.told.found, [[], [(NAMES[0], 3700, 3650)]])
        self.racks[1].read(3700, 2500)  # an hour later
        self.assertEqual(self.steps(), [])

    def test_another_value_is_news_and_so_is_one_that_came_back(self):
        self.racks[0].read(3700, 2400)
        self.assertEqual(len(self.steps()), 2)
        self.racks[0].read(3720, 2400)
        self.assertEqual(self.steps(), [(0, (3720, 3650))])
        self.racks[0].read(*GOOD)
        self.assertEqual(self.steps(), [])
        self.assertEqual(self.told.found[0], [])
        self.racks[0].read(3720, 2500)
        self.assertEqual(self.steps(), [(0, (3720, 3650))])

    def test_one_rack_per_step(self):
        for rack in self.racks:
            rack.read(3700, 2500)
        self.told.step()
        self.assertEqual([note[1] for note in self.notes], [0])
        self.told.step()
        self.assertEqual([note[1] for note in self.notes], [0, 1])


if __name__ == "__main__":
    unittest.main()
