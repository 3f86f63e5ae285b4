"""Urgent records: marked at once, written by the next step, or by as many as there are pages."""

import gc
import unittest

from counted_flash import CountedFlash
from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, fill

from gateway.telemetry import records

TRIP = (60, 100, 150, 80, 44, 80)  # payloads of a trip, its box's header and what was done


class UrgentTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_what_is_urgent_is_marked_and_written_by_the_next_step(self):
        clock, storage = HandClock(), CountedFlash()
        journal = EventsLane(storage, clock)
        before = storage.done
        journal.append(records.EVENT, bytes(100))
        journal.lane.hurry()
        self.assertEqual((storage.done, journal.stored), (before, 0))
        journal.step(clock.advance(1))
        self.assertEqual((storage.done, journal.stored), (before + 1, 1))

    def test_a_page_per_step_however_much_is_urgent(self):
        clock = HandClock()
        journal = EventsLane(Flash(), clock)
        fill(journal, 90, size=200)
        for _ in range(60):
            journal.append(records.EVENT, bytes(200))
        journal.lane.hurry()
        steps = 0
        while journal.stored < 150:
            stored = journal.stored
            journal.step(clock.advance(1))
            self.assertTrue(stored < journal.stored <= stored + 4096 // 224 + 1)
            steps += 1
        self.assertTrue(steps <= 6, steps)

    def test_a_trip_is_on_flash_after_two_steps_three_where_the_file_ends(self):
        clock, storage = HandClock(), CountedFlash()
        journal = EventsLane(storage, clock)
        seen = set()
        length = 1
        for _ in range(600):
            length = (length * 421 + 1663) % 4000
            journal.append(records.EVENT, bytes(length))  # the last one that was not urgent
            journal.step(clock.advance(1))
            files = len(storage.segments())
            for size in TRIP:
                last = journal.append(records.EVENT, bytes(size))
            journal.lane.hurry()
            steps = 0
            while journal.stored < last:
                done = storage.done
                journal.step(clock.advance(1))
                self.assertEqual(storage.done, done + 1)
                steps += 1
            self.assertTrue(steps <= 2 + (len(storage.segments()) > files), steps)
            seen.add(steps)
            journal.release(1, last)
            while journal.lane.step(clock.advance(1)):  # delivered files go
                pass
        self.assertTrue({1, 2} <= seen, seen)

    def test_a_full_flash_costs_one_step_more(self):
        clock, storage = HandClock(), CountedFlash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 700, clock=clock)
        full = None
        for _ in range(200):
            last = journal.append(records.EVENT, bytes(100))
            journal.lane.hurry()
            files = storage.segments()[0]
            steps = 0
            while journal.stored < last:
                done = storage.done
                journal.step(clock.advance(1))
                self.assertTrue(storage.done - done <= 1)
                steps += 1
            full = full or storage.segments()[0] != files
            self.assertTrue(steps <= 3, steps)
        self.assertTrue(full)

    def test_a_file_goes_only_in_the_step_behind_the_cursor_that_passed_it(self):
        clock, storage = HandClock(), CountedFlash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 700, clock=clock)
        journal.release(1, 500)  # not enough to write the cursor for
        files = set(storage.files)
        while files <= set(storage.files):
            self.assertTrue(journal.stored < 1000)
            journal.append(records.EVENT, bytes(100))
            journal.lane.hurry()
            done = storage.done
            journal.step(clock.advance(1))
            self.assertTrue(storage.done - done <= 1)
        self.assertEqual(journal.dropped, 0)
        self.assertEqual(EventsLane(Flash(dict(storage.files))).cursor, (1, 500))
        self.assertEqual(EventsLane(Flash(storage.files)).dropped, 0)

    def test_a_flush_writes_all_that_waits(self):
        journal = EventsLane(Flash(), HandClock())
        for _ in range(130):
            journal.append(records.EVENT, bytes(200))
        journal.flush()
        self.assertEqual(journal.stored, 130)


if __name__ == "__main__":
    unittest.main()
