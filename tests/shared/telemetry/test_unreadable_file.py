"""A journal file that cannot be read: tried again for minutes, then set aside and told."""

import gc
import unittest

from chunk_bench import add_chunk, next_message
from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, drop_oldest, fill, next_length, open_lanes

from gateway.telemetry import records

MINUTES_MS = 127000  # 1 + 2 + 4 + ... + 64 s


class BadPlaces(Flash):
    """Flash in whose file `bad_name` nothing can be read from `bad_place` on."""

    def __init__(self, files=None):
        super().__init__(files)
        self.bad_name = ""
        self.bad_place = 0
        self.failed = 0

    def open(self, name, mode):
        file = super().open(name, mode)
        return _BadFile(self, file) if mode == "rb" and name == self.bad_name else file


class _BadFile:
    def __init__(self, storage, file):
        self._storage = storage
        self._file = file
        self._place = 0
        self.close = file.close

    def seek(self, offset, whence=0):
        self._place = self._file.seek(offset, whence)
        return self._place

    def readinto(self, buffer):
        if self._place + len(buffer) > self._storage.bad_place:
            self._storage.failed += 1
            raise OSError(5)
        return self._file.readinto(buffer)

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()


def lived(count=500):
    """Flash of a boot that stored `count` records of 84 bytes, 97 in a file."""
    storage = BadPlaces()
    journal = EventsLane(storage)
    fill(journal, count)
    journal.close()
    return storage


def second(storage):
    """(name, first and last number of the second file)."""
    names = storage.segments()
    return names[1], int(names[1][10:18], 16), int(names[2][10:18], 16) - 1


class PauseTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.clock = HandClock()
        self.storage = lived()
        self.journal = EventsLane(self.storage, self.clock)
        self.name, self.first, self.last = second(self.storage)
        self.storage.bad_name = self.name
        self.buffer = memoryview(bytearray(2048))

    def read_on(self):
        """As the publisher does in one session: up to where there is nothing now."""
        source = self.journal.source
        while next_length(source, self.buffer):
            source.release(source.mark)

    def test_it_is_left_alone_for_longer_each_time_and_others_are_served(self):
        lanes = self.journal.lanes
        lanes.minute.append(records.CLOCK, bytes(12))
        tries = []
        for second in range(100):
            self.read_on()
            self.assertFalse(self.journal.source.busy, "that would spin")
            if self.storage.failed > len(tries):
                tries.append(second)
            self.clock.advance(1000)
        self.assertEqual(tries, [0, 1, 3, 7, 15, 31, 63])
        self.assertEqual(self.storage.failed, len(tries))
        self.assertEqual(self.journal.write_errors, len(tries))
        self.assertEqual((self.journal.dropped, self.journal.corrupt), (0, 0))
        self.assertTrue(next_length(lanes.sources()[1], self.buffer) > 0)

    def test_a_file_that_can_be_read_again_in_time_loses_nothing(self):
        for _ in range(100):
            self.read_on()
            self.clock.advance(1000)
        self.storage.bad_name = ""
        self.clock.advance(28000)
        self.read_on()
        self.assertEqual(self.journal.cursor, (1, 500))
        self.assertEqual((self.journal.dropped, self.journal.corrupt), (0, 0))

    def test_new_sessions_try_it_no_more_often(self):
        for _ in range(60):
            self.journal.source.restart()
            self.read_on()
            self.clock.advance(1000)
        self.assertEqual(self.storage.failed, 6)

    def give_up(self):
        for _ in range(MINUTES_MS // 1000 + 1):
            self.read_on()
            self.clock.advance(1000)

    def test_after_minutes_it_is_set_aside_told_and_read_no_more(self):
        content = self.storage.files[self.name]
        self.give_up()
        self.assertEqual(self.storage.failed, 8)
        self.assertEqual(self.storage.files[self.name + ".bad"], content)
        self.assertFalse(self.name in self.storage.files)
        lost = self.last - self.first + 1
        self.assertEqual((self.journal.dropped, self.journal.corrupt), (lost, 1))
        self.journal.step(self.clock.advance(1))
        gaps = [(1, 0, self.first - 1), (1, self.first, self.last)]
        self.assertEqual(Reader(self.journal).gaps, gaps)
        self.assertEqual(self.journal.cursor, (2, 2))
        self.journal.close()
        again = EventsLane(Flash(self.storage.files))
        self.assertEqual((again.backlog, again.corrupt, again.dropped), (0, 0, 0))
        self.assertIn(self.name + ".bad", self.storage.files)

    def test_what_was_sent_of_it_without_an_acknowledgement_is_told_too(self):
        self.storage.bad_place = 40 * 84
        source = self.journal.source
        for _ in range(MINUTES_MS // 1000 + 1):
            while next_length(source, self.buffer):
                pass
            self.clock.advance(1000)
        self.assertTrue(source.mark >= (1, 500))
        found = Reader(self.journal, release=False)  # a new session
        self.journal.step(self.clock.advance(1))
        found.gaps = Reader(self.journal).gaps
        self.assertEqual(found.unexplained(1, 500), [])

    def test_a_flash_that_cannot_rename_does_not_hold_up_the_rest(self):
        def refuse(old, new):
            raise OSError(5)

        self.storage.rename = refuse
        self.give_up()
        self.assertEqual(self.journal.cursor, (1, 500))
        self.assertEqual(self.journal.write_errors, 9)
        self.assertEqual(self.journal.dropped, self.last - self.first + 1)
        self.assertIn(self.name, self.storage.files)

    def set_aside_before(self, *names):
        """Files that earlier starts set aside; another start."""
        for name in names:
            self.storage.files[name] = b"older"
        self.storage.bad_name = ""
        self.journal = EventsLane(self.storage, self.clock)
        self.storage.bad_name = self.name

    def bad_files(self):
        return sorted(name for name in self.storage.files if name.endswith(".bad"))

    def test_the_newest_such_files_of_a_lane_stay(self):
        old = ["e00000001-%08x.seg.bad" % number for number in (1, 2)]
        others = ["f00000001-00000001.seg.bad", "mine.bad"]
        self.set_aside_before(*(old + others))
        self.give_up()
        self.assertEqual(self.bad_files(), old[1:] + [self.name + ".bad"] + others)
        self.assertEqual(self.journal.lanes.removed_aside, 1)

    def test_few_such_files_all_stay(self):
        old = ["e00000001-%08x.seg.bad" % number for number in (1,)]
        self.set_aside_before(*old)
        self.give_up()
        self.assertEqual(self.bad_files(), old + [self.name + ".bad"])
        self.assertEqual(self.journal.lanes.removed_aside, 0)


class OtherFilesTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.clock = HandClock()

    def test_the_file_being_written_is_set_aside_and_another_one_goes_on(self):
        storage = BadPlaces()
        journal = EventsLane(storage, self.clock, segment_bytes=131072)
        fill(journal, 600)
        oldest = journal.lane.ring.oldest
        storage.bad_name = name = storage.segments()[0]
        for _ in range(MINUTES_MS // 1000 + 1):
            journal.append(records.EVENT, bytes(60))
            journal.step(self.clock.advance(1000))
            Reader(journal)
        self.assertIn(name + ".bad", storage.files)
        journal.step(self.clock.advance(20000))
        Reader(journal)
        self.assertTrue(journal.cursor > (1, 727), journal.cursor)
        self.assertTrue(oldest - 1 <= journal.dropped < 600, journal.dropped)
        journal.close()
        self.assertEqual(EventsLane(Flash(storage.files)).corrupt, 0)

    def test_a_start_that_cannot_measure_a_file_loses_nothing_of_it(self):
        storage = lived()
        for index in (1, -1):
            storage.bad_name = storage.segments()[index]
            clock = HandClock()
            journal = EventsLane(storage, clock, count_from_one=False)
            self.assertTrue(journal.backlog >= 500, journal.backlog)
            storage.bad_name = ""
            found = Reader(journal, release=False)
            self.assertEqual(found.unexplained(1, 500), [])
            self.assertEqual(len([n for n in range(1, 501) if (1, n) in found.keys]), 500)
            self.assertEqual((journal.dropped, journal.corrupt), (0, 0))

    def test_a_half_built_block_is_begun_anew_behind_a_pause(self):
        storage = BadPlaces()
        lanes = open_lanes(storage, self.clock, segment_bytes=65536)
        lanes.clock = self.clock
        add_chunk(lanes, lanes.fine, 40, racks=3, size=200)
        lanes.close()
        lanes = open_lanes(storage, self.clock, segment_bytes=65536)
        source = lanes.sources()[2]
        storage.bad_name = [name for name in storage.segments() if name[0] == "f"][0]
        storage.bad_place = 16000
        buffer = memoryview(bytearray(16384))
        self.assertEqual(next_length(source, buffer), 0)
        buffer[:] = bytes(len(buffer))  # another source has it meanwhile
        storage.bad_name = ""
        self.clock.advance(1000)
        racks = []
        message = next_message(source, buffer)
        while message is not None:
            self.assertEqual(message.instants, list(range(40)))
            racks.append(message.rack)
            message = next_message(source, buffer)
        self.assertEqual(racks, [0, 1, 2])

    def test_a_file_dropped_while_its_first_chunk_is_paused_holds_up_nothing(self):
        storage = BadPlaces()
        lanes = open_lanes(storage, self.clock, segment_bytes=65536)
        lanes.clock = self.clock
        add_chunk(lanes, lanes.fine, 40, racks=3, size=200)
        lanes.close()
        lanes = open_lanes(storage, self.clock, segment_bytes=65536)
        lanes.clock = self.clock
        source = lanes.sources()[2]
        storage.bad_name = [name for name in storage.segments() if name[0] == "f"][0]
        storage.bad_place = 16000
        buffer = memoryview(bytearray(16384))
        self.assertEqual(next_length(source, buffer), 0)
        drop_oldest(lanes.fine)  # retention: flash is full
        add_chunk(lanes, lanes.fine, 5, racks=2)
        lanes.fine.end_chunk()
        self.clock.advance(1000)
        keys = []
        message = next_message(source, buffer)
        while message is not None:
            if source.topic == "blocks":
                keys.append((message.boot, message.rack, len(message.instants)))
            message = next_message(source, buffer)
        self.assertEqual(keys, [(2, 0, 5), (2, 1, 5)])
        self.assertEqual(lanes.fine.dropped, 40)


if __name__ == "__main__":
    unittest.main()
