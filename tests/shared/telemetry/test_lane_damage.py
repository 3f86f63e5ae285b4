"""A lane on flash that is damaged: what is found at the start, and while it runs."""

import gc
import struct
import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill

from gateway.telemetry import records


def lived(count=500, close=False):
    """Flash of a gateway that stored `count` records of 84 bytes in segments of 80 or so."""
    storage = Flash()
    journal = EventsLane(storage)
    fill(journal, count)
    journal.flush()
    if close:
        journal.close()
    return storage


def spoil(storage, name, position):
    content = bytearray(storage.files[name])
    content[position] ^= 0xFF
    storage.files[name] = bytes(content)


class RingingFlash(Flash):
    """So many `rings` of the next pieces, every other one, are read with a wrong bit."""

    rings = 0
    odd = 0

    def open(self, name, mode):
        file = super().open(name, mode)
        return RingingFile(self, file) if self.rings else file


class RingingFile:
    def __init__(self, storage, file):
        self._storage = storage
        self._file = file
        self.seek = file.seek
        self.close = file.close

    def readinto(self, buffer):
        count = self._file.readinto(buffer)
        storage = self._storage
        storage.odd = 1 - storage.odd
        if storage.rings and storage.odd:
            storage.rings -= 1
            buffer[30] ^= 1
        return count


class FoundAtStartTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def read_after_restart(self, storage, seconds=1):
        """What comes of two boots, the losses that are found meanwhile included."""
        clock = HandClock()
        self.journal = EventsLane(storage, clock)
        self.journal.append(records.EVENT, b"")
        found = Reader(self.journal)
        found.go_on_for(self.journal, clock, seconds)
        return found

    def check(self, storage, first_lost, last_lost, seconds=1):
        """Exactly these of boot 1 are missing, counted and named; reports may be, too."""
        name = "e00000001-%08x.seg"
        self.assertIn(name % 1, storage.files)
        found = self.read_after_restart(storage, seconds)
        self.assertTrue(found.order)
        missing = [seq for seq in range(1, 501) if (1, seq) not in found.keys]
        self.assertEqual(missing, list(range(first_lost, last_lost + 1)))
        self.assertEqual(found.unexplained(1, 500), [])
        self.assertEqual(self.journal.dropped, len(missing))
        self.assertIn((1, first_lost, last_lost), found.gaps)
        self.assertIn((1, 0, first_lost - 1), found.gaps)

    def second_and_third(self, storage):
        names = storage.segments()
        return names[1], int(names[1][10:18], 16), int(names[2][10:18], 16)

    def test_undamaged_flash_has_no_gaps(self):
        found = self.read_after_restart(lived())
        self.assertEqual(found.gaps, [])
        self.assertEqual(len(found.keys), 501)
        self.assertEqual((self.journal.corrupt, self.journal.dropped), (0, 0))

    def test_unreadable_segment_hides_nothing_behind_it(self):
        storage = lived()
        name, first, after = self.second_and_third(storage)
        storage.unreadable = (name,)
        self.check(storage, first, after - 1, seconds=130)
        self.assertEqual(self.journal.corrupt, 1)

    def test_damage_in_the_middle_of_a_segment(self):
        storage = lived()
        name, first, _ = self.second_and_third(storage)
        spoil(storage, name, 10 * 84 + 30)
        self.check(storage, first + 10, first + 10)
        self.assertEqual(self.journal.corrupt, 1)

    def test_damage_in_the_first_record_is_kept_and_told(self):
        storage = lived()
        name, first, _ = self.second_and_third(storage)
        spoil(storage, name, 2)
        EventsLane(storage)
        self.assertIn(name, storage.files)
        self.check(storage, first, first)

    def test_missing_segment(self):
        storage = lived()
        name, first, after = self.second_and_third(storage)
        del storage.files[name]
        self.check(storage, first, after - 1)
        self.assertEqual(self.journal.corrupt, 0)

    def test_missing_beginning_of_a_later_boot(self):
        storage = lived()
        journal = EventsLane(storage)
        fill(journal, 240)
        journal.release(1, 500)
        journal.close()
        names = [name for name in storage.segments() if name.startswith("e00000002")]
        del storage.files[names[0]]
        found = self.read_after_restart(storage)
        self.assertEqual(found.unexplained(2, 240), [])
        self.assertEqual(found.gaps, [(2, 1, int(names[1][10:18], 16) - 1)])

    def test_damaged_end_of_a_boot_names_at_least_what_was_there(self):
        storage = lived()
        name = storage.segments()[-1]
        storage.files[name] = storage.files[name][:84] + bytes(len(storage.files[name]) - 84)
        found = self.read_after_restart(storage)
        self.assertEqual(found.unexplained(1, 500), [])
        self.assertEqual(self.journal.corrupt, 1)
        self.assertTrue(500 < found.gaps[1][2] < 2000, found.gaps)

    def test_delivered_records_are_no_loss(self):
        storage = lived(close=True)
        journal = EventsLane(storage)
        journal.release(1, 300)
        journal.close()
        for name in storage.segments()[:1]:
            spoil(storage, name, 2)
        found = self.read_after_restart(storage)
        self.assertEqual([gap for gap in found.gaps if gap[1] <= 300 and gap[0] == 1], [])

    def test_lost_cursor_makes_no_loss_of_what_was_delivered_and_deleted(self):
        storage = lived()
        del storage.files[storage.segments()[0]]
        found = self.read_after_restart(storage)
        self.assertEqual((found.gaps, self.journal.dropped), ([], 0))

    def test_names_that_are_no_segments_are_left_alone(self):
        storage = lived()
        strange = ("x.seg", "0000000g-00000001.seg", "1-1.seg", " 0000001-00000001.seg", "latches")
        for name in strange:
            storage.files[name] = b"mine"
        self.assertEqual(EventsLane(storage).backlog, 500)
        found = self.read_after_restart(storage)
        self.assertEqual(len(found.keys), 501)
        for name in strange:
            self.assertEqual(storage.files[name], b"mine")

    def test_losses_are_told_again_until_delivered(self):
        storage = lived()
        name, first, _ = self.second_and_third(storage)
        spoil(storage, name, 2)
        for _ in range(2):
            journal = EventsLane(storage)
            Reader(journal, release=False)
            journal.step(0)
            journal.close()
        found = Reader(EventsLane(storage))
        self.assertEqual(set(found.gaps), {(1, 0, first - 1), (1, first, first)})
        self.assertFalse((1, first) in found.keys)


class FoundWhileRunningTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_segment_that_becomes_unreadable_is_passed_over_and_told(self):
        storage, clock = lived(), HandClock()
        journal = EventsLane(storage, clock)
        name = storage.segments()[1]
        storage.unreadable = (name,)
        found = Reader(journal)
        found.go_on_for(journal, clock, 130)
        self.assertEqual(journal.corrupt, 1)
        self.assertEqual(found.keys.latest, (2, 2))
        self.assertEqual(found.unexplained(1, 500), [])
        self.assertEqual(journal.dropped, 502 - len(found.keys))
        self.assertEqual(len(found.gaps), 2)  # the file, and what reports in it may have named
        self.assertEqual(journal.backlog, 0)

    def test_failing_reads_lose_nothing(self):
        storage, clock = lived(), HandClock()
        journal = EventsLane(storage, clock)
        storage.fail_reads = 7
        found = Reader(journal)
        found.go_on_for(journal, clock, 128)
        self.assertEqual((len(found.keys), storage.fail_reads), (500, 0))
        self.assertEqual((journal.corrupt, journal.dropped, journal.write_errors), (0, 0, 7))

    def test_bytes_that_were_wrong_once_are_no_damage(self):
        storage = RingingFlash(lived().files)
        journal = EventsLane(storage)
        storage.rings = 3
        found = Reader(journal)
        self.assertEqual((len(found.keys), storage.rings), (500, 0))
        self.assertEqual((journal.corrupt, journal.dropped), (0, 0))

    def test_record_larger_than_the_message_is_lost_alone(self):
        for stored in (False, True):
            journal = EventsLane(Flash())
            fill(journal, 10)
            large = journal.append(records.SET, bytes(3000))
            fill(journal, 600 if stored else 10)
            last = journal.append(records.EVENT, b"")
            journal.flush()
            found = Reader(journal)
            self.assertEqual(len(found.keys), last - 1)
            self.assertFalse((1, large) in found.keys)
            journal.step(0)
            self.assertEqual(Reader(journal).gaps, [(1, large, large)])
            self.assertEqual((journal.corrupt, journal.dropped), (0, 1))
            gc.collect()

    def test_gap_names_boot_first_and_last(self):
        journal = EventsLane(lived(), HandClock())
        seen = Reader(journal)
        self.assertEqual(seen.gaps, [])
        journal.append(records.GAP, struct.pack("<III", 7, 8, 9))
        self.assertEqual(Reader(journal).gaps, [(7, 8, 9)])


if __name__ == "__main__":
    unittest.main()
