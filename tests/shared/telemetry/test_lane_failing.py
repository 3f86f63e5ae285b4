"""A lane on flash that fails, fills or forgets while it runs."""

import gc
import unittest

from fake_hardware import HandClock
from lane_bench import FLUSH_MS, RING, EventsLane, Flash, Reader, fill

from gateway.telemetry import records


class BoundedWorkTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_recovery_writes_one_page_per_step(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        storage.no_writes = True
        fill(journal, RING, clock=clock)
        storage.no_writes = False
        clock.advance(FLUSH_MS)
        pages = 0
        while journal.stored < RING:
            before = storage.size()
            journal.step(clock.advance(20))
            self.assertTrue(storage.size() - before <= 4096, storage.size() - before)
            pages += storage.size() > before
        self.assertTrue(8 <= pages <= 10, pages)  # 8 of data; blocks and segments end between

    def test_failing_flash_is_tried_once_per_flush_time(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        storage.no_writes = True
        storage.writes = 0
        fill(journal, 1500, clock=clock)  # a minute
        self.assertTrue(10 <= storage.writes <= 31, storage.writes)
        journal.flush()
        journal.flush()
        self.assertTrue(storage.writes <= 32, storage.writes)

    def test_full_ring_and_full_flash_at_once_repeat_nothing(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 1400, clock=clock)
        storage.no_writes = storage.no_removes = True
        for _ in range(6):
            fill(journal, 99, clock=clock)
            journal.append(records.SET, bytes(1258))
        storage.no_writes = storage.no_removes = False
        clock.advance(FLUSH_MS)
        for _ in range(100):
            journal.step(clock.advance(20))
        last = journal.append(records.EVENT, bytes(4))
        found = Reader(journal)
        self.assertTrue(found.order)
        self.assertEqual(found.unexplained(1, last), [])
        self.assertTrue(storage.size() <= 65536 + 4096, storage.size())


class DeadFlashTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_newest_records_still_go_out_and_the_gap_is_told(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 100)
        journal.flush()
        Reader(journal)
        storage.dead = True
        fill(journal, 1000, clock=clock)
        self.assertTrue(journal.write_errors > 0)
        self.assertEqual(journal.dropped, 1000 - RING)
        found = Reader(journal)
        self.assertEqual((len(found.keys), found.keys.latest), (RING, (1, 1100)))
        self.assertFalse((1, 1100 - RING) in found.keys)
        journal.step(clock.advance(20))
        self.assertIn((1, 101, 1100 - RING), Reader(journal).gaps)
        fill(journal, 100, clock=clock)
        found = Reader(journal)
        self.assertEqual(len(found.keys), 100)  # and it goes on like that
        self.assertEqual(journal.dropped, 1000 - RING)
        self.assertEqual(journal.backlog, 0)

    def test_flash_that_comes_back_takes_what_the_ring_still_holds(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        storage.dead = True
        fill(journal, 1000, clock=clock)
        storage.dead = False
        clock.advance(FLUSH_MS)
        for _ in range(30):
            journal.step(clock.advance(FLUSH_MS))
        last = journal.stored
        self.assertTrue(last > 1000)  # the gap record, too
        after = EventsLane(Flash(storage.files))
        found = Reader(after)
        self.assertEqual(found.gaps, [(1, 1, 1000 - RING)])
        self.assertEqual(found.unexplained(1, last), [])

    def test_dead_flash_with_old_segments_holds_back_the_ring_for_two_minutes(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 1400)
        segments = storage.segments()
        self.assertTrue(len(segments) > 10)
        storage.dead = True
        found = Reader(journal)
        self.assertEqual(len(found.keys), 0)
        found.go_on_for(journal, clock, 128)
        self.assertTrue(found.keys.latest > (1, 1400))
        self.assertTrue(RING < len(found.keys) <= RING + 16, len(found.keys))
        self.assertTrue(journal.dropped >= 1400 - RING)
        found.go_on_for(journal, clock, 2)
        self.assertEqual(found.unexplained(1, 1400), [])
        storage.dead = False
        self.assertEqual(storage.segments(), segments)  # for the next start
        self.assertTrue(set(segments) <= set(storage.files))
        found = Reader(EventsLane(Flash(storage.files)))
        stored = [n for n in range(1, 1401) if (1, n) in found.keys]
        self.assertEqual(len(stored), 1400)


class FullFlashTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_flash_smaller_than_the_capacity_keeps_the_newest(self):
        clock, storage = HandClock(), Flash(limit=60000)
        journal = EventsLane(storage, clock)
        fill(journal, 3000, clock=clock)
        self.assertTrue(journal.stored > 2900, journal.stored)
        last = journal.append(records.EVENT, b"")
        with storage.open("latches", "wb") as file:  # others find room
            file.write(bytes(40))
        found = Reader(journal)
        self.assertEqual(found.unexplained(1, last), [])
        self.assertTrue(len(found.keys) > 300, len(found.keys))
        self.assertTrue(journal.write_errors < 20, journal.write_errors)

    def test_a_flash_that_says_full_for_ever_keeps_what_can_be_read(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=262144)
        fill(journal, 1400)
        before = storage.segments()
        storage.limit = 0
        fill(journal, 1000, clock=clock, step_ms=1000)
        self.assertEqual(storage.segments(), before[3:])
        storage.limit = None
        stored = journal.stored
        for _ in range(100):
            journal.step(clock.advance(1000))
        self.assertTrue(journal.stored > stored)
        self.assertTrue(storage.size() > 60000, storage.size())

    def test_a_capacity_made_smaller_is_reached_in_steps(self):
        storage = Flash()
        journal = EventsLane(storage, capacity_bytes=262144)
        fill(journal, 1400)
        journal.close()
        clock = HandClock()
        journal = EventsLane(Flash(storage.files), clock, capacity_bytes=65536)
        fill(journal, 700, clock=clock)
        self.assertTrue(storage.size() <= 65536 + 8192, storage.size())
        self.assertTrue(journal.stored > 600, journal.stored)

    def test_every_lost_key_is_named_though_gap_records_are_dropped_too(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 3000, clock=clock)
        last = journal.append(records.EVENT, b"")
        found = Reader(journal, release=False)
        self.assertEqual(found.unexplained(1, last), [])
        self.assertEqual(len(found.keys) + journal.dropped, last)
        for _ in range(3):  # the last report reaches the flash
            journal.step(clock.advance(FLUSH_MS))
        del found, journal
        gc.collect()
        after = EventsLane(Flash(storage.files))  # the same after a power cut
        self.assertEqual(Reader(after).unexplained(1, last - 100), [])

    def test_segment_that_cannot_be_removed_stays_known(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 700, clock=clock)
        storage.no_removes = True
        fill(journal, 300, clock=clock)
        storage.no_removes = False
        fill(journal, 300, clock=clock)
        journal.close()
        last = journal.stored
        self.assertEqual(Reader(journal, release=False).unexplained(1, last), [])
        self.assertTrue(storage.size() <= 65536 + 4096, storage.size())

    def test_delivered_segments_are_dropped_without_a_gap(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        for _ in range(20):
            fill(journal, 100, clock=clock)
            self.assertEqual(Reader(journal).gaps, [])
        self.assertEqual(journal.dropped, 0)
        self.assertEqual(EventsLane(Flash(storage.files)).dropped, 0)

    def test_delivered_segment_is_dropped_only_when_the_cursor_on_flash_says_so(self):
        storage = Flash()
        journal = EventsLane(storage, capacity_bytes=65536)
        fill(journal, 10)
        journal.release(1, 10)
        journal.write_cursor()
        fill(journal, 690)
        journal.release(1, 700)
        while not storage.removed:
            fill(journal, 40)
        self.assertEqual(journal.dropped, 0)
        self.assertEqual(EventsLane(Flash(storage.files)).dropped, 0)


class CursorTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_cursor_is_written_after_its_time(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 100)
        journal.release(1, 60)
        journal.step(clock.advance(9999))
        self.assertEqual(EventsLane(Flash(dict(storage.files))).cursor, (0, 0))
        journal.step(clock.advance(1))
        self.assertEqual(EventsLane(Flash(dict(storage.files))).cursor, (1, 60))

    def test_cursor_is_written_after_many_records(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 600)
        journal.release(1, 511)
        journal.step(clock.advance(1))
        self.assertEqual(EventsLane(Flash(dict(storage.files))).cursor, (0, 0))
        journal.release(1, 512)
        journal.step(clock.advance(1))
        self.assertEqual(EventsLane(Flash(dict(storage.files))).cursor, (1, 512))

    def test_no_segment_is_deleted_before_the_cursor_is_on_flash(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 800)
        storage.no_writes = True
        journal.release(1, 800)
        for _ in range(20):
            journal.step(clock.advance(FLUSH_MS))
        self.assertEqual(storage.removed, 0)
        storage.no_writes = False
        for _ in range(20):
            journal.step(clock.advance(FLUSH_MS))
        self.assertTrue(storage.removed > 3)


if __name__ == "__main__":
    unittest.main()
