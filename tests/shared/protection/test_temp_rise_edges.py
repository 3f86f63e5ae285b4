"""The rise of a sensor to the last millisecond, sensor and snapshot."""

import unittest
from array import array

from gateway.protection.temp_rise import TempRise
from gateway.rack.data import TEMP_ABSENT

SCAN_MS = 22000  # two scans are the window of coarse sensors


class Bench:
    """Four sensors; those that are not named stay at 25 degC."""

    def __init__(self):
        self.rise = TempRise(4)

    def scan(self, changed, elapsed_ms=SCAN_MS):
        temps_dc = array("h", [250] * 4)
        for sensor in changed:
            temps_dc[sensor] = changed[sensor]
        return self.rise.step(temps_dc, elapsed_ms)


class MeasureTest(unittest.TestCase):
    def test_nothing_rises_at_first(self):
        bench = Bench()
        self.assertEqual((bench.rise.rise, bench.rise.hot_rise, bench.rise.sensor), (0, 0, 0))
        for _ in range(5):
            self.assertEqual(bench.scan({}), 0)
        self.assertEqual((bench.rise.hot_rise, bench.rise.sensor), (0, 0))

    def test_a_sensor_behind_an_absent_one_is_measured_like_any(self):
        for absent in (0, 1, 2):
            bench = Bench()
            bench.scan({absent: TEMP_ABSENT})
            bench.scan({absent: TEMP_ABSENT})
            self.assertEqual(bench.scan({absent: TEMP_ABSENT, 3: 350}), (100 - 6) * 60000 // 44000)
            self.assertEqual(bench.rise.sensor, 3)

    def test_of_two_that_rise_alike_the_first_is_told(self):
        bench = Bench()
        for changed in ({}, {}, {1: 400, 3: 400}):
            bench.scan(changed)
        self.assertEqual(bench.rise.sensor, 1)

    def test_the_last_rise_keeps_its_name_when_nothing_rises_any_more(self):
        bench = Bench()
        bench.scan({})
        changed = {2: 257, 3: 251}  # both have fine steps
        bench.scan(changed, 44000)
        self.assertEqual((bench.rise.rise, bench.rise.sensor), (9, 2))
        for _ in range(6):
            bench.scan(changed)
        self.assertEqual((bench.rise.rise, bench.rise.sensor), (0, 2))

    def test_it_is_exact_to_the_last_tenth(self):
        bench = Bench()
        bench.scan({})
        self.assertEqual(bench.scan({2: 4251}, 44000), 5455)  # 4001 in 44 s: 5455.9
        self.assertEqual(bench.rise.hot_rise, 5455)

    def test_half_degrees_count_three_tenths_less(self):
        bench = Bench()
        bench.scan({})
        self.assertEqual(bench.scan({2: 265}, 44000), (15 - 3) * 60000 // 44000)

    def test_only_a_hot_sensor_has_a_hot_rise(self):
        for temp_dc, is_hot in ((449, False), (450, True)):
            bench = Bench()
            bench.scan({2: 300})
            bench.scan({2: temp_dc}, 44000)
            self.assertTrue(bench.rise.rise > 0)
            self.assertEqual(bench.rise.hot_rise > 0, is_hot)


class SnapshotTest(unittest.TestCase):
    def test_after_nineteen_seconds_there_is_a_new_one(self):
        # The jump lies before the snapshot after 19 s, and only that one is compared with later.
        for elapsed_ms, rises in ((18999, True), (19000, False)):
            bench = Bench()
            bench.scan({})
            for _ in range(4):
                rise = bench.scan({1: 350}, elapsed_ms)
            self.assertEqual(rise > 0, rises, elapsed_ms)

    def test_one_of_exactly_the_window_is_used(self):
        bench = Bench()
        bench.scan({})
        rises = [bench.scan({1: 350}) for _ in range(4)]
        # At 22 s and 44 s against the one without the jump, at 66 s no longer.
        self.assertEqual([rise > 0 for rise in rises], [True, True, False, False])

    def test_a_reading_far_too_low_is_kept_as_one_degree_less(self):
        for before in range(3):  # wherever in the ring it is
            bench = Bench()
            for _ in range(2 + before):
                bench.scan({})
            bench.scan({1: 100})
            self.assertEqual(bench.scan({}), 0)
            self.assertEqual(bench.scan({}), (10 - 6) * 60000 // 44000)

    def test_a_reading_far_too_high_hides_no_rise_after_it(self):
        for before in range(3):
            bench = Bench()
            for _ in range(before):
                bench.scan({})
            for temp_dc in (400, 250, 400, 250, 250):
                bench.scan({1: temp_dc})
            self.assertEqual(bench.scan({1: 350}), (100 - 6) * 60000 // 44000, before)


if __name__ == "__main__":
    unittest.main()
