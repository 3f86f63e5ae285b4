"""The small files of two numbers, when the power fails while one is written over.

As on FAT: a file is empty from the moment it is opened until it is closed.
"""

import gc
import unittest

from fake_hardware import HandClock, MemoryStorage
from lane_bench import EventsLane, Flash, Reader, drop_oldest, fill

from gateway.telemetry.cursor import Cursor
from gateway.telemetry.pair_file import KeptPair, read_pair, write_pair

NAMES = ("pair", "pair-1")
STEPS = 4  # open, write, flush, and all of it
RECORDS = 400


class KeptPairTest(unittest.TestCase):
    def test_the_last_pair_comes_back_over_restarts(self):
        storage = MemoryStorage()
        self.assertEqual(KeptPair(storage, NAMES).read(), (0, 0))
        for pair in ((1, 5), (1, 6), (2, 1), (0xFFFFFFFF, 0)):
            kept = KeptPair(storage, NAMES)
            kept.read()
            self.assertTrue(kept.write(pair[0], pair[1]))
            self.assertEqual(KeptPair(storage, NAMES).read(), pair)
            self.assertTrue(kept.write(pair[0], pair[1] + 1))
            self.assertEqual(KeptPair(storage, NAMES).read(), (pair[0], pair[1] + 1))
        self.assertEqual(sorted(storage.files), sorted(NAMES))

    def test_a_cut_leaves_the_pair_before(self):
        for before in range(1, 5):
            for cut in range(STEPS):
                storage = MemoryStorage()
                pair = KeptPair(storage, NAMES)
                pair.read()
                for number in range(1, before + 1):
                    self.assertTrue(pair.write(7, number))
                storage.fail_after = storage.operations + cut
                written = pair.write(7, before + 1)
                after = KeptPair(MemoryStorage(storage.files), NAMES)
                self.assertIn(after.read(), ((7, before + written), (7, before + 1)))
                self.assertTrue(after.write(7, before + 2))
                self.assertEqual(after.read(), (7, before + 2))

    def test_a_write_that_failed_is_tried_again_in_the_same_file(self):
        storage = MemoryStorage()
        pair = KeptPair(storage, NAMES)
        pair.read()
        pair.write(1, 1)
        for cut in range(3):
            storage.fail_after = storage.operations + cut
            self.assertFalse(pair.write(1, 2))
            storage.dead, storage.fail_after = False, -1
            self.assertEqual(KeptPair(storage, NAMES).read(), (1, 1))
        self.assertTrue(pair.write(1, 2))
        self.assertEqual(KeptPair(storage, NAMES).read(), (1, 2))

    def test_a_reading_that_fails_is_tried_again(self):
        storage = Flash()
        pair = KeptPair(storage, NAMES)
        pair.read()
        pair.write(1, 1)
        pair.write(1, 2)
        for failures in (1, 2):
            storage.fail_reads = failures
            self.assertEqual(KeptPair(storage, NAMES).read(), (1, 2))
        storage.unreadable = NAMES
        self.assertEqual(KeptPair(storage, NAMES).read(), (0, 0))

    def test_one_write_asks_the_flash_for_as_much_as_one_file(self):
        alone, storage = MemoryStorage(), MemoryStorage()
        write_pair(alone, "pair", 1, 1)
        pair = KeptPair(storage, NAMES)
        pair.read()
        for number in (1, 2, 3):
            before = storage.operations
            pair.write(1, number)
            self.assertEqual(storage.operations - before, alone.operations)

    def test_the_file_of_a_firmware_that_had_only_one_counts(self):
        storage = MemoryStorage()
        write_pair(storage, NAMES[0], 3, 9)
        pair = KeptPair(storage, NAMES)
        self.assertEqual(pair.read(), (3, 9))
        pair.write(3, 10)
        self.assertEqual(read_pair(storage, NAMES[0]), (3, 9))
        self.assertEqual(KeptPair(storage, NAMES).read(), (3, 10))


class JournalTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_cut_in_the_note_of_a_file_keeps_that_of_the_one_before(self):
        for gone in (1, 2, 3):
            for cut in range(STEPS):
                storage = Flash()
                journal = EventsLane(storage)
                fill(journal, RECORDS)
                for _ in range(gone):  # and no report of it gets to flash
                    drop_oldest(journal.lane)
                last = journal.stored
                storage.fail_after = storage.operations + cut
                journal.lane.disposal.drop_oldest()
                clock = HandClock()
                journal = EventsLane(Flash(storage.files), clock)
                found = Reader(journal)
                found.go_on_for(journal, clock, 4)
                self.assertEqual(found.unexplained(1, last), [], (gone, cut))

    def test_a_cut_in_the_cursor_keeps_the_one_before(self):
        for before in range(1, 4):
            for cut in range(STEPS):
                storage, clock = MemoryStorage(), HandClock()
                cursor = Cursor(storage, clock, "cursor")
                cursor.load()
                for number in range(1, before + 1):
                    cursor.advance(1, 100 * number)
                    self.assertTrue(cursor.write())
                storage.fail_after = storage.operations + cut
                cursor.advance(1, 1000)
                cursor.write()
                after = Cursor(MemoryStorage(storage.files), clock, "cursor")
                after.load()
                self.assertIn(after.key, ((1, 100 * before), (1, 1000)))


if __name__ == "__main__":
    unittest.main()
