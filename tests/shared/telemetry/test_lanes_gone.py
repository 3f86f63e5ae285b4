"""The power fails right behind the deletion of a file: the next start tells what was in it."""

import gc
import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill

CAPACITY_BYTES = 40960
MINUTES = 130  # seconds until a file that cannot be read is given up


class WatchedFlash(Flash):
    """Keeps what is on it at each moment at which a file has just gone: `cuts`."""

    def __init__(self, files=None):
        super().__init__(files)
        self.cuts = []

    def remove(self, name):
        super().remove(name)
        self.cuts.append(dict(self.files))

    def rename(self, old, new):
        super().rename(old, new)
        self.cuts.append(dict(self.files))


class FullFlash(WatchedFlash):
    """While it `is_full` it takes nothing until one file has gone."""

    is_full = False

    def open(self, name, mode):
        if self.is_full and mode == "wb" and not self.cuts:
            raise OSError(28)
        return super().open(name, mode)


def told_after(files):
    """What a start with these files delivers, its own reports included."""
    clock = HandClock()
    journal = EventsLane(Flash(files), clock, capacity_bytes=1 << 20)
    found = Reader(journal)
    found.go_on_for(journal, clock, 4)
    return found


class GoneTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def open(self, storage, clock):
        return EventsLane(storage, clock, capacity_bytes=CAPACITY_BYTES)

    def test_the_last_file_of_a_boot_that_goes_for_a_page_is_told(self):
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        fill(journal, 150)
        journal.release(1, 50)
        journal.close()
        journal = self.open(WatchedFlash(storage.files), clock)
        storage = journal.lanes._storage
        fill(journal, 900, clock=clock)
        self.assertTrue(len(storage.cuts) > 3, len(storage.cuts))
        self.assertEqual([name for name in storage.segments() if name[8] == "1"], [])
        for files in storage.cuts:
            found = told_after(files)
            self.assertEqual([n for n in found.unexplained(1, 150) if n > 50], [])
            last = max([key for key in range(1, 901) if (2, key) in found.keys])
            self.assertEqual(found.unexplained(2, last), [])

    def test_without_a_cursor_it_is_told_too(self):
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        fill(journal, 900, clock=clock)
        self.assertTrue(len(storage.cuts) > 2, len(storage.cuts))
        for files in storage.cuts:
            found = told_after(files)
            last = max([key for key in range(1, 901) if (1, key) in found.keys])
            self.assertEqual(found.unexplained(1, last), [])

    def test_a_file_stays_whose_going_a_broken_flash_does_not_note(self):
        """Room is not what is missing there; a power cut would hide the loss."""
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        fill(journal, 150)
        journal.close()
        storage = WatchedFlash(storage.files)
        journal = self.open(storage, clock)
        kept = storage.segments()
        storage.no_writes = True
        fill(journal, 300, clock=clock)
        self.assertEqual(storage.segments()[: len(kept)], kept)
        self.assertEqual(storage.cuts, [])

    def test_a_file_that_is_set_aside_is_told(self):
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        fill(journal, 150)
        journal.close()
        storage = WatchedFlash(storage.files)
        storage.unreadable = storage.segments()
        journal = self.open(storage, clock)
        Reader(journal).go_on_for(journal, clock, MINUTES)
        self.assertTrue(len(storage.cuts) > 0)
        for files in storage.cuts:
            self.assertEqual(told_after(files).unexplained(1, 150), [])

    def test_a_file_that_cannot_be_read_keeps_its_name_where_its_going_is_not_noted(self):
        clock, storage = HandClock(), Flash()
        journal = self.open(storage, clock)
        fill(journal, 150)
        journal.close()
        storage = Flash(storage.files)
        names = storage.unreadable = storage.segments()
        journal = self.open(storage, clock)
        storage.no_writes = True
        Reader(journal).go_on_for(journal, clock, 3 * MINUTES)
        self.assertTrue(journal.dropped >= 150, journal.dropped)
        self.assertEqual(storage.segments(), names)
        self.assertEqual(told_after(storage.files).unexplained(1, 150), [])

    def test_what_is_delivered_is_told_by_nobody(self):
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        for _ in range(12):
            fill(journal, 100, clock=clock)
            Reader(journal)
            journal.step(clock.advance(10000))
        self.assertTrue(len(storage.cuts) > 2, len(storage.cuts))
        for files in storage.cuts:
            self.assertEqual(told_after(files).gaps, [])

    def test_one_thing_at_a_time_is_asked_of_the_flash(self):
        clock, storage = HandClock(), WatchedFlash()
        journal = self.open(storage, clock)
        fill(journal, 500)
        body = bytes(60)
        for _ in range(900):
            journal.append(2, body)
            before = storage.writes, len(storage.cuts)
            journal.step(clock.advance(40))
            asked = storage.writes - before[0], len(storage.cuts) - before[1]
            self.assertTrue(sum(asked) <= 1, asked)
        self.assertTrue(len(storage.cuts) > 2, len(storage.cuts))

    def test_a_flash_that_refuses_the_note_still_makes_room(self):
        class NoNotes(WatchedFlash):
            def open(self, name, mode):
                if mode == "wb" and name.startswith("lost"):
                    raise OSError(28)
                return super().open(name, mode)

        clock, storage = HandClock(), NoNotes()
        journal = self.open(storage, clock)
        fill(journal, 900, clock=clock)
        self.assertTrue(journal.stored > 850, journal.stored)
        self.assertTrue(journal.write_errors > 0)

    def full_of_samples(self, clock):
        """Takes nothing any more until one file has gone; 150 events stand there, too."""
        journal = EventsLane(FullFlash(), clock)
        fine = journal.lanes.fine
        body = bytes(1000)
        for _ in range(100):
            fine.append(2, body)
            fine.flush()
        fill(journal, 150)
        storage = FullFlash(journal.lanes._storage.files)
        journal.close()
        storage.is_full = True
        return storage

    def test_samples_go_first_where_a_full_flash_takes_no_notes(self):
        clock = HandClock()
        storage = self.full_of_samples(clock)
        names = storage.segments()
        fill(EventsLane(storage, clock), 100, clock=clock)
        gone = [name for name in names if name not in storage.files]
        self.assertEqual(gone[:1], ["f00000001-00000001.seg"])
        self.assertEqual([name for name in gone if name[0] == "e"], [])

    def test_the_note_that_a_full_flash_did_not_take_follows(self):
        clock = HandClock()
        storage = self.full_of_samples(clock)
        journal = EventsLane(storage, clock)
        journal.append(2, bytes(60))
        journal.lane.hurry()
        while not storage.cuts:
            journal.step(clock.advance(20))
        self.assertEqual([name for name in storage.files if name.startswith("lost")], [])
        journal.step(clock.advance(20))
        journal.step(clock.advance(20))
        self.assertTrue("lost-f" in storage.files)


if __name__ == "__main__":
    unittest.main()
