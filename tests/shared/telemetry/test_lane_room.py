"""A full flash: what is delivered makes room, and is not counted as given up."""

import gc
import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill

from gateway.telemetry.retention import Retention


class FullForPages(Flash):
    """Above `page_limit` bytes there is room for small files only."""

    page_limit = 1 << 30

    def open(self, name, mode):
        if mode == "wb" and name.endswith(".seg") and self.size() >= self.page_limit:
            self.writes += 1
            raise OSError(28)
        return super().open(name, mode)


class RoomTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_full_flash_empties_when_all_is_delivered(self):
        clock, storage = HandClock(), FullForPages()
        journal = EventsLane(storage)
        fill(journal, 1400)
        journal.close()
        storage.page_limit = storage.size() // 2
        journal = EventsLane(storage, clock)
        files = len(storage.segments())
        fill(journal, 200, clock=clock, step_ms=1000)
        self.assertEqual(len(storage.segments()), files - 3)  # in vain
        stored = journal.stored
        Reader(journal)
        self.assertEqual(journal.backlog, 0)
        for _ in range(100):
            before = storage.segments()
            journal.step(clock.advance(1000))
            after = storage.segments()
            self.assertTrue(len([name for name in before if name not in after]) <= 1)
        self.assertTrue(journal.stored > stored, journal.stored)
        self.assertEqual(journal.lane.ring.waiting, 0)
        self.assertTrue(len(storage.segments()) <= 2, storage.segments())

    def test_a_full_volume_has_room_two_passes_behind_the_page_that_found_none(self):
        """One for the note of what goes, one for the deletion: no pause in between."""
        clock, storage = HandClock(), FullForPages()
        journal = EventsLane(storage)
        fill(journal, 1000)
        journal.close()
        journal = EventsLane(storage, clock)
        storage.page_limit = storage.size() // 2
        journal.append(2, bytes(60))
        journal.lane.hurry()
        removed = []
        for _ in range(4):
            journal.step(clock.advance(20))
            removed.append(storage.removed)
        self.assertEqual(removed, [0, 0, 1, 1])

    def test_pages_are_tried_though_nothing_can_be_deleted(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock)
        fill(journal, 800)
        Reader(journal)
        journal.write_cursor()
        storage.no_writes = storage.no_removes = True
        fill(journal, 100, clock=clock, step_ms=1000)
        storage.no_writes = False
        fill(journal, 100, clock=clock, step_ms=1000)
        self.assertTrue(journal.stored > 980, journal.stored)

    def test_a_deletion_that_was_done_but_seemed_to_fail_holds_nothing_up(self):
        class Liar(Flash):
            lies = 1

            def remove(self, name):
                super().remove(name)
                if self.lies:
                    self.lies = 0
                    raise OSError(5)

        clock, storage = HandClock(), Liar()
        journal = EventsLane(storage, clock, capacity_bytes=40960)
        fill(journal, 900, clock=clock)
        self.assertEqual(storage.lies, 0)
        self.assertTrue(journal.stored > 850, journal.stored)
        self.assertEqual(Reader(journal).unexplained(1, 900), [])

    def test_what_is_delivered_and_its_cursor_are_not_given_up(self):
        storage = Flash()
        journal = EventsLane(storage)
        fill(journal, 1000)
        delivered = int(storage.segments()[2][10:18], 16) - 1  # two files
        kept = int(storage.segments()[5][10:18], 16)
        journal.release(1, delivered)
        retention = Retention(1 << 20, 250, 8192)
        retention.lanes = journal.lanes.all
        calls = 0
        while retention.drop_one():
            calls += 1
        # a cursor and two that it has passed; of the others each is noted first
        self.assertEqual((calls, storage.removed), (1 + 2 + 2 * 3, 2 + 3))
        self.assertEqual(journal.dropped, kept - 1 - delivered)


if __name__ == "__main__":
    unittest.main()
