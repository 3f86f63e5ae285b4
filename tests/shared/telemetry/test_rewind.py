"""The last minute in RAM: how far it reaches, in what room, and that nothing outgrows it."""

import gc
import struct
import unittest
from array import array

from gateway.telemetry import records
from gateway.telemetry.rewind import CELLS, FAST, STEADY, STREAMS, Rewind

HOT_MS = 100


def numbers():
    """Endless numbers that look random and are the same on every interpreter."""
    state = 12345
    while True:
        state = (state * 16807) % 2147483647
        yield state >> 8


class Feed:
    """One rack with noise of `noise` steps either way on every value."""

    def __init__(self, cells=416, temps=208, seconds=60, noise=1, start_ms=0):
        self.rewind = Rewind(1, cells, temps, seconds)
        self.uptime_ms = start_ms
        self._dice = numbers()
        self._noise = noise
        self._cells = array("H", [3300] * cells)
        self._offsets = [next(self._dice) % 50 - 25 for _ in range(cells)]
        self._temps = array("h", [250] * temps)
        self._values = array("i", [0] * len(records.SAMPLE_FIELDS))

    def noise(self):
        return next(self._dice) % (2 * self._noise + 1) - self._noise

    def summary(self, after_ms=500):
        self.uptime_ms += after_ms
        for index in range(len(self._values)):
            self._values[index] = 1000
        for index in (5, 6, 7, 10, 11, 12, 13, 14, 15):
            self._values[index] = 1000 + self.noise()
        self._values[4] = self.uptime_ms & 0x3FFFFFFF
        self.rewind.take_summary(0, self._values, self.uptime_ms)

    def scan(self):
        for index in range(len(self._cells)):
            self._cells[index] = 3300 + self._offsets[index] + self.noise() & 0xFFFF
        for index in range(len(self._temps)):
            self._temps[index] = 250 + self.noise()
        self.rewind.take_cells(0, self._cells, self._temps, self.uptime_ms)

    def run_s(self, seconds, each_ms=500):
        for elapsed_ms in range(0, seconds * 1000, each_ms):
            self.summary(each_ms)
            if elapsed_ms % 4000 == 0:
                self.scan()

    def reach_ms(self, stream):
        ring = self.rewind.ring(0, stream)
        return (self.uptime_ms - ring.began_ms(ring.first)) & 0xFFFFFFFF


class ReachTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_minute_is_there_at_any_time(self):
        feed = Feed()
        feed.run_s(90)
        for _ in range(40):
            feed.run_s(4)
            self.assertTrue(feed.reach_ms(STEADY) >= 60000, feed.reach_ms(STEADY))
            self.assertTrue(feed.reach_ms(CELLS) >= 60000, feed.reach_ms(CELLS))

    def test_a_rack_in_trouble_keeps_its_minute_and_the_last_seconds_between(self):
        feed = Feed()
        feed.run_s(70)
        feed.run_s(70, HOT_MS)
        self.assertTrue(feed.reach_ms(STEADY) >= 60000)
        self.assertTrue(feed.reach_ms(CELLS) >= 60000)
        self.assertTrue(5000 <= feed.reach_ms(FAST) < 60000, feed.reach_ms(FAST))

    def test_without_trouble_nothing_is_fast(self):
        feed = Feed(8, 4)
        for step in range(100):
            feed.summary(480 if step % 2 else 520)
        self.assertEqual(feed.rewind.ring(0, FAST).next, 0)

    def test_room_is_bounded_whatever_the_values_do(self):
        feed = Feed(cells=64, temps=32, noise=20000)
        before = feed.rewind.ram_bytes
        feed.run_s(120, HOT_MS)
        self.assertEqual(feed.rewind.ram_bytes, before)
        self.assertEqual(feed.rewind.left_out, 0)
        for stream in range(STREAMS):
            ring = feed.rewind.ring(0, stream)
            total = sum([ring.length(number) for number in range(ring.first, ring.next)])
            self.assertTrue(0 < total <= ring.capacity)

    def test_room_of_the_largest_site(self):
        rewind = Rewind(12, 416, 208, 60)
        self.assertTrue(rewind.ram_bytes < 150000, rewind.ram_bytes)

    def test_nothing_is_kept_without_seconds(self):
        feed = Feed(seconds=0)
        feed.run_s(5)
        self.assertEqual(feed.rewind.ram_bytes, 0)

    def test_scan_of_noise_that_fits_into_no_record_is_left_out_and_counted(self):
        feed = Feed(cells=1024, temps=1024, noise=1)
        feed.scan()
        feed._noise = 25000
        for index in range(1024):
            feed._offsets[index] = 30000
        feed.uptime_ms += 4000
        feed.scan()
        self.assertEqual(feed.rewind.left_out, 1)
        ring = feed.rewind.ring(0, CELLS)
        self.assertEqual(ring.next, 1)
        feed._noise = 1
        feed.uptime_ms += 4000
        feed.scan()
        self.assertEqual((ring.next, feed.rewind.left_out), (2, 1))


class BlockTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_blocks_are_one_behind_the_other_in_time_and_none_is_long(self):
        feed = Feed(start_ms=(1 << 32) - 100000)  # across both wraps of the uptime
        feed.run_s(200)
        for stream, longest in ((CELLS, 1800), (STEADY, 600)):
            ring = feed.rewind.ring(0, stream)
            times = [ring.began_ms(number) for number in range(ring.first, ring.next)]
            steps = [(b - a) & 0xFFFFFFFF for a, b in zip(times, times[1:])]
            self.assertTrue(all(0 < step <= 61000 for step in steps), steps)
            lengths = [ring.length(number) for number in range(ring.first, ring.next)]
            self.assertTrue(min(lengths) > 0)
            self.assertTrue(max(lengths) <= longest)

    def test_sealed_blocks_stay_as_they_are(self):
        feed = Feed(16, 8)
        feed.run_s(9)
        feed.rewind.seal(0)
        ring = feed.rewind.ring(0, STEADY)
        last = ring.next - 1
        kept = bytes(ring.read(last))
        feed.run_s(9)
        self.assertEqual(bytes(ring.read(last)), kept)
        self.assertEqual(ring.next, last + 2)

    def test_a_block_that_made_room_has_no_length(self):
        feed = Feed(16, 8)
        feed.run_s(400)
        ring = feed.rewind.ring(0, STEADY)
        self.assertTrue(ring.first > 0)
        self.assertEqual(ring.length(ring.first - 1), 0)
        self.assertEqual(ring.length(ring.next), 0)

    def test_time_in_a_frame_is_that_since_the_first_one_of_its_block(self):
        feed = Feed(16, 8)
        for step_ms in (500, 510, 490):
            feed.summary(step_ms)
        ring = feed.rewind.ring(0, STEADY)
        data = bytes(ring.read(0))
        self.assertEqual(ring.began_ms(0), 500)
        self.assertEqual(struct.unpack("<H", data[:2])[0], 0)
        self.assertIn(struct.pack("<H", 510), data)
        self.assertIn(struct.pack("<H", 1000), data)

    def test_silence_longer_than_a_block_may_be_begins_another(self):
        feed = Feed(16, 8)
        feed.summary()
        feed.summary(59000)
        feed.summary(2000)
        self.assertEqual(feed.rewind.ring(0, STEADY).next, 2)


if __name__ == "__main__":
    unittest.main()
