"""What a lane loses at its end, or knows of and has not told yet, is told by the next start."""

import gc
import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, drop_oldest, fill

from gateway.telemetry import records

CAPACITY_BLOCKS = 16
DAMAGED = 20  # a record of the first file


class PartlyFullFlash(Flash):
    """No pages, while small files still find room."""

    no_pages = False

    def open(self, name, mode):
        if self.no_pages and mode == "wb" and name.endswith(".seg"):
            raise OSError(28)
        return super().open(name, mode)


class FineLane(EventsLane):
    """The lane of 10 s samples in place of that of the events."""

    def __init__(self, storage, clock=None, **options):
        super().__init__(storage, clock, capacity_bytes=CAPACITY_BLOCKS * 4096, **options)
        self.lane = self.lanes.fine
        self.source = self.lanes.sources()[2]
        self.append = self.lane.append
        self.flush = self.lane.flush


class ClosingTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_file_that_goes_for_the_last_page_of_another_lane_is_told(self):
        storage = Flash()
        for _ in (1, 2):
            journal = FineLane(storage)
            fill(journal, 80)
            journal.close()
        lanes = FineLane(storage).lanes
        while sum([lane.files.blocks() for lane in lanes.all]) < CAPACITY_BLOCKS:
            lanes.minute.append(records.EVENT, bytes(1000))
            lanes.minute.flush()
        self.assertEqual(lanes.dropped, 0)
        lanes.events.append(records.EVENT, bytes(20))
        lanes.close()
        self.assertTrue(lanes.fine.dropped > 0)
        self.assertEqual(Reader(FineLane(Flash(storage.files))).unexplained(1, 80), [])

    def test_events_that_go_for_samples_are_told(self):
        storage = Flash()
        journal = FineLane(storage)
        events, fine = journal.lanes.events, journal.lanes.fine
        body = bytes(1000)
        while events.files.blocks() * 4 <= CAPACITY_BLOCKS + 4:  # beyond their share
            events.append(records.EVENT, body)
            events.flush()
        while sum([lane.files.blocks() for lane in journal.lanes.all]) < CAPACITY_BLOCKS:
            fine.append(records.EVENT, body)
            fine.flush()
        last = events.stored
        for _ in range(4):
            fine.append(records.EVENT, body)
        journal.close()
        self.assertTrue(events.dropped > 0)
        self.assertEqual(Reader(EventsLane(Flash(storage.files))).unexplained(1, last), [])


class ManyLossesTest(unittest.TestCase):
    """More losses than a report has gap records, found where nothing else is recorded."""

    def setUp(self):
        gc.collect()

    def test_a_lane_that_is_off_tells_all_of_them(self):
        clock, storage = HandClock(), Flash()
        journal = FineLane(storage, clock)
        fill(journal, 240)
        journal.close()
        for name in [name for name in storage.segments() if name[0] == "f"]:
            content = bytearray(storage.files[name])
            for place in range(84 * 4 + 30, len(content), 84 * 6):
                content[place] ^= 0xFF
            storage.files[name] = bytes(content)
        journal = FineLane(Flash(storage.files), clock, fine=False)
        found = Reader(journal)
        missing = [number for number in range(1, 241) if (1, number) not in found.keys]
        self.assertTrue(len(missing) > 20, missing)
        found.go_on_for(journal, clock, 5)
        self.assertEqual(found.unexplained(1, 240), [])
        last = journal.lane.ring.next - 1
        self.assertEqual(found.unexplained(2, last), [])
        found.go_on_for(journal, clock, 60)
        self.assertEqual(journal.lane.ring.next - 1, last)  # and not for ever


class CursorAndLossesTest(unittest.TestCase):
    """All is delivered but a damaged record, of which no report is written yet."""

    def setUp(self):
        gc.collect()
        self.storage = PartlyFullFlash()
        journal = EventsLane(self.storage)
        fill(journal, 300)
        journal.release(1, 5)
        journal.close()
        name = self.storage.segments()[0]
        content = bytearray(self.storage.files[name])
        content[84 * (DAMAGED - 1) + 30] ^= 0xFF
        self.storage.files[name] = bytes(content)
        self.journal = EventsLane(self.storage)
        found = Reader(self.journal)
        self.assertFalse((1, DAMAGED) in found.keys)
        self.assertEqual(found.keys.latest, (1, 300))
        self.assertFalse(found.names(1, DAMAGED))

    def assert_told_by_the_next_start(self):
        clock = HandClock()
        journal = EventsLane(Flash(self.storage.files), clock)
        found = Reader(journal)
        found.go_on_for(journal, clock, 3)
        self.assertTrue(found.names(1, DAMAGED), found.gaps)

    def test_dropping_a_file_writes_no_cursor_that_passes_the_loss(self):
        removed = self.storage.removed
        drop_oldest(self.journal.lane)
        self.assertEqual(self.storage.removed, removed + 1)
        self.assert_told_by_the_next_start()

    def test_closing_writes_no_cursor_that_passes_the_loss(self):
        self.storage.no_pages = True
        self.journal.close()
        self.assert_told_by_the_next_start()

    def test_a_report_that_is_delivered_needs_no_flash(self):
        self.storage.no_pages = True
        self.journal.step(0)
        self.assertTrue(Reader(self.journal).names(1, DAMAGED))
        self.journal.write_cursor()
        after = EventsLane(Flash(self.storage.files))
        self.assertEqual((after.cursor, after.backlog), ((2, 2), 0))  # a report of two records


if __name__ == "__main__":
    unittest.main()
