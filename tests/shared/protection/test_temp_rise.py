import unittest
from array import array

from gateway.protection.temp_rise import TempRise
from gateway.rack.data import TEMP_ABSENT

TENTHS, HALVES, WHOLES = 1, 5, 10  # steps of a sensor, 0.1 degC
TCP_MS, SERIAL_MS = 4000, 40000  # from scan to scan


class Sensors:
    """Sensors spread over 2 degC, with noise of 0.03 degC, read in steps; in 0.001 degC."""

    def __init__(self, count=208, step_dc=TENTHS, period_ms=TCP_MS, seed=1):
        self.rise = TempRise(count)
        self.true_mc = [24000 + 2000 * index // count for index in range(count)]
        self.steps_dc = [step_dc] * count
        self.absent = [False] * count
        self.period_ms = period_ms
        self.read_dc = array("h", [0] * count)
        self._random = seed

    def scan(self, common_mc=0, fast=(), fast_mc=0):
        """A period later, all warmer by `common_mc`, `fast` ones by `fast_mc` more; the rise."""
        for index in range(len(self.true_mc)):
            self.true_mc[index] += common_mc
        for index in fast:
            self.true_mc[index] += fast_mc
        for index in range(len(self.true_mc)):
            step_mc = self.steps_dc[index] * 100
            rounded = (self.true_mc[index] + self._noise_mc() + step_mc // 2) // step_mc
            self.read_dc[index] = rounded * self.steps_dc[index]
            if self.absent[index]:
                self.read_dc[index] = TEMP_ABSENT
        return self.rise.step(self.read_dc, self.period_ms)

    def scans(self, count, common_mc=0, fast=(), fast_mc=0):
        """The rises of so many scans."""
        return [self.scan(common_mc, fast, fast_mc) for _ in range(count)]

    def per_scan_mc(self, dc_per_min):
        """A rate in 0.1 degC/min as 0.001 degC per scan."""
        return dc_per_min * 100 * self.period_ms // 60000

    def time_to(self, level, dc_per_min, fast=(5,)):
        """Seconds, from the onset of a rise between two scans, until `level` is exceeded."""
        elapsed_ms = 0
        while elapsed_ms < 600000:
            elapsed_ms += self.period_ms
            if self.scan(0, fast, self.per_scan_mc(dc_per_min)) > level:
                return elapsed_ms // 1000
        return -1

    def _noise_mc(self):
        """Sum of four even ones: standard deviation 30."""
        total = 0
        for _ in range(4):
            self._random = (self._random * 1103 + 12345) % 1000003
            total += self._random % 53
        return total - 104


class QuietTest(unittest.TestCase):
    """Nothing may read above 0.5 degC/min, where the lowest alarm clears."""

    def test_noise(self):
        for step_dc in (TENTHS, HALVES, WHOLES):
            for period_ms in (TCP_MS, SERIAL_MS):
                rises = Sensors(step_dc=step_dc, period_ms=period_ms).scans(120)
                self.assertTrue(max(rises) <= 5, (step_dc, period_ms, max(rises)))

    def test_a_common_warm_up(self):
        for step_dc in (TENTHS, HALVES, WHOLES):
            for period_ms in (TCP_MS, SERIAL_MS):
                for dc_per_min in (3, 30, -30):
                    sensors = Sensors(step_dc=step_dc, period_ms=period_ms)
                    rises = sensors.scans(60, sensors.per_scan_mc(dc_per_min))
                    self.assertTrue(max(rises) <= 5, (step_dc, period_ms, dc_per_min, max(rises)))

    def test_a_sensor_of_whole_degrees_that_toggles(self):
        for every in (1, 2, 5, 15, 40):
            sensors = Sensors(count=20, step_dc=WHOLES)
            sensors.true_mc[5] = 24000
            rises = []
            for number in range(200):
                way_mc = 1000 if number // every % 2 else -1000
                change_mc = way_mc if number and number % every == 0 else 0
                rises.append(sensors.scan(0, (5,), change_mc))
            self.assertEqual(max(rises), 5, every)

    def test_the_same_among_finer_sensors(self):
        sensors = Sensors(count=20)
        sensors.steps_dc[5] = WHOLES
        sensors.true_mc[5] = 24000
        rises = [sensors.scan(0, (5,), 1000 if number % 2 else -1000) for number in range(200)]
        self.assertTrue(max(rises) <= 6, max(rises))

    def test_a_snapshot_with_one_wrong_reading(self):
        for wrong_mc in (-20000, 20000):
            for wrong in range(20, 30):
                sensors = Sensors(count=20)
                sensors.scans(wrong)
                sensors.scan(0, (5,), wrong_mc)
                rises = [sensors.scan(0, (5,), -wrong_mc)] + sensors.scans(30)
                self.assertTrue(max(rises) < 20, (wrong_mc, wrong, max(rises)))


class DetectionTest(unittest.TestCase):
    """The longest times found for a rise that begins at any moment, and some room."""

    def assert_found_within(self, longest_s, step_dc, period_ms, level, dc_per_min):
        for before in range(15, 26):
            sensors = Sensors(20, step_dc, period_ms, seed=before)
            sensors.true_mc[5] += 93 * before
            sensors.scans(before)
            found_s = sensors.time_to(level, dc_per_min)
            self.assertTrue(0 < found_s <= longest_s, (step_dc, period_ms, dc_per_min, found_s))

    def test_six_degrees_a_minute_read_above_five(self):
        self.assert_found_within(56, TENTHS, TCP_MS, 50, 60)
        self.assert_found_within(80, TENTHS, SERIAL_MS, 50, 60)
        self.assert_found_within(112, WHOLES, TCP_MS, 50, 60)
        self.assert_found_within(200, WHOLES, SERIAL_MS, 50, 60)

    def test_runaway_reads_above_ten_at_the_next_scans(self):
        """0.79 degC/s, the published mean of cells that have begun to run away."""
        self.assert_found_within(20, TENTHS, TCP_MS, 100, 474)
        self.assert_found_within(80, TENTHS, SERIAL_MS, 100, 474)
        self.assert_found_within(20, WHOLES, TCP_MS, 100, 474)
        self.assert_found_within(80, WHOLES, SERIAL_MS, 100, 474)

    def test_a_lasting_rise_reads_as_its_rate(self):
        for dc_per_min in (10, 30, 60, 120):
            sensors = Sensors(count=20)
            sensors.scans(30)
            fast_mc = sensors.per_scan_mc(dc_per_min)
            sensors.scans(15, 0, (5,), fast_mc)
            for rise in sensors.scans(30, 0, (5,), fast_mc):
                self.assertTrue(abs(rise - dc_per_min) <= 4, (dc_per_min, rise))
            self.assertEqual(sensors.rise.sensor, 5)

    def test_among_sensors_that_all_warm_up(self):
        sensors = Sensors(count=20)
        sensors.scans(15, sensors.per_scan_mc(10))
        rises = sensors.scans(15, sensors.per_scan_mc(10), (5,), sensors.per_scan_mc(60))
        self.assertTrue(rises[-1] > 50, rises)

    def test_after_one_reading_far_too_high(self):
        """It is out of the way when its snapshot is, a minute later; seconds to find the rise."""
        for wrong in range(20, 30):
            sensors = Sensors(count=20)
            sensors.scans(wrong)
            sensors.scan(0, (5,), 20000)
            sensors.scan(0, (5,), -20000)
            found_s = sensors.time_to(50, 60)
            self.assertTrue(0 < found_s <= 72, (wrong, found_s))

    def test_all_but_half_of_the_sensors_may_be_fast(self):
        for fast, found in ((9, True), (11, False)):
            sensors = Sensors(count=20)
            sensors.scans(15)
            rises = sensors.scans(15, 0, range(fast), sensors.per_scan_mc(60))
            self.assertEqual(rises[-1] > 50, found, fast)

    def test_a_sensor_that_is_often_absent(self):
        sensors = Sensors(count=20)
        rises = []
        for number in range(60):
            sensors.absent[5] = number % 3 != 0
            rises.append(sensors.scan(0, (5,), sensors.per_scan_mc(60)))
        self.assertTrue(max(rises) > 50, max(rises))


class StartTest(unittest.TestCase):
    def test_the_first_scan_is_no_rise(self):
        self.assertEqual(Sensors().scan(), 0)

    def test_a_fast_rise_shows_before_the_first_window_is_over(self):
        sensors = Sensors()
        sensors.scan()
        self.assertTrue(sensors.time_to(100, 474) <= 16)

    def test_a_change_counts_as_if_it_had_taken_the_whole_window(self):
        rise = TempRise(3)
        rise.step(array("h", [250, 250, 250]), 0)
        self.assertEqual(rise.step(array("h", [250, 250, 288]), 4000), 38 * 60 // 44)
        self.assertEqual(rise.step(array("h", [250, 250, 288]), 4000), 60)


class AbsentTest(unittest.TestCase):
    def test_a_rise_counts_from_the_return(self):
        sensors = Sensors(count=20)
        sensors.scans(30)
        sensors.absent[5] = True
        self.assertTrue(max(sensors.scans(30, 0, (5,), 500)) <= 5)
        sensors.absent[5] = False
        self.assertTrue(max(sensors.scans(30)) <= 5)
        self.assertTrue(sensors.time_to(50, 60) <= 56)

    def test_without_any_sensor_the_last_result_stays(self):
        sensors = Sensors(count=20)
        rise = sensors.scans(30, 0, (5,), sensors.per_scan_mc(60))[-1]
        sensors.absent = [True] * 20
        self.assertEqual(sensors.scan(), rise)
        self.assertTrue(rise > 50)

    def test_with_two_sensors_the_rise_counts_in_full(self):
        for count, expected in ((1, 30), (2, 30), (3, 0)):
            rise = TempRise(count)
            rise.step(array("h", [250] * count), 0)
            self.assertEqual(rise.step(array("h", [273] * count), 46000), expected, count)

    def test_after_a_long_silence_it_begins_anew(self):
        rise = TempRise(3)
        rise.step(array("h", [250, 250, 250]), 0)
        self.assertEqual(rise.step(array("h", [250, 250, 500]), 240001), 0)
        self.assertEqual(rise.step(array("h", [250, 250, 500]), 44000), 0)

    def test_what_was_before_a_long_silence_holds_no_snapshot_up(self):
        warm, cold = [220, 340, 360, 380], [200, 200, 200, 200]
        rise = TempRise(4)
        for _ in range(5):
            rise.step(array("h", warm), 22000)
        rise.step(array("h", cold), 1 << 20)
        for _ in range(5):
            self.assertEqual(rise.step(array("h", cold), 22000), 0)
        cold[3] = 300
        self.assertEqual(rise.step(array("h", cold), 22000), (100 - 6) * 60000 // 44000)

    def test_a_shorter_silence_gives_the_mean_rise(self):
        rise = TempRise(3)
        rise.step(array("h", [250, 250, 250]), 0)
        self.assertEqual(rise.step(array("h", [250, 250, 371]), 240000), 30)


class HotTest(unittest.TestCase):
    def test_only_sensors_that_are_hot_count(self):
        rise = TempRise(4)
        rise.step(array("h", [250, 250, 380, 410]), 0)
        rise.step(array("h", [250, 250, 449, 411]), 60000)
        self.assertEqual((rise.rise, rise.hot_rise, rise.sensor), (69, 0, 2))
        rise.step(array("h", [250, 250, 455, 450]), 60000)
        self.assertEqual((rise.rise, rise.hot_rise, rise.sensor), (39, 39, 3))

    def test_45_degrees_unless_told(self):
        for hot_dc, found in ((449, 30), (450, 30), (451, 0)):
            rise = TempRise(3, hot_dc)
            rise.step(array("h", [250, 250, 417]), 0)
            rise.step(array("h", [250, 250, 450]), 66000)
            self.assertEqual((rise.rise, rise.hot_rise), (30, found))


class RangeTest(unittest.TestCase):
    def test_numbers_that_are_no_temperatures_do_no_harm(self):
        rise = TempRise(3)
        rise.step(array("h", [-32767, 0, 0]), 0)
        self.assertEqual(rise.step(array("h", [32767, 0, 0]), 4000), 16000 * 60000 // 44000)


if __name__ == "__main__":
    unittest.main()
