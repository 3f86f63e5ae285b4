"""How much of the journal is read at a start, and in one call of a source."""

import gc
import unittest

from chunk_bench import add_chunk
from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill, open_lanes

from gateway.telemetry import records

CALL_BYTES = 8192


def most_in_a_call(storage, source, buffer):
    """(length of the first message, most bytes that one of its calls read, calls)."""
    most = calls = length = 0
    while not length:
        before = storage.read_bytes
        length = source.next(buffer)
        most = max(most, storage.read_bytes - before)
        calls += 1
        assert length or source.busy, "nothing there"
    return length, most, calls


class CallTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_session_finds_its_place_in_pieces(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=65536)
        fill(journal, 1100)
        buffer = memoryview(bytearray(2048))
        journal.release(1, 600)
        source = journal.source
        source.restart()
        _, most, calls = most_in_a_call(storage, source, buffer)
        self.assertEqual(source.mark[1], 600 + (2048 - records.BATCH_BYTES) // 84)
        self.assertTrue(most <= CALL_BYTES, most)
        self.assertTrue(6 <= calls <= 8, calls)  # 600 records of 84 bytes

    def test_a_block_source_finds_its_place_in_pieces(self):
        storage = Flash()
        lanes = open_lanes(storage, segment_bytes=65536)
        lanes.clock = HandClock()
        for _ in range(12):
            add_chunk(lanes, lanes.fine, 40, racks=1, size=60)
        lanes.close()
        lanes = open_lanes(storage, segment_bytes=65536)
        source = lanes.sources()[2]
        source.release((1, 440))
        source.restart()
        _, most, calls = most_in_a_call(storage, source, memoryview(bytearray(8192)))
        self.assertEqual(source.mark, (1, 480))
        self.assertTrue(most <= CALL_BYTES, most)
        self.assertTrue(5 <= calls <= 9, calls)

    def test_damage_is_searched_through_in_pieces(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=65536)
        fill(journal, 700)
        journal.close()
        name = storage.segments()[0]
        good = storage.files[name]
        storage.files[name] = good[:84] + b"\xb5" * (600 * 84) + good[601 * 84 :]
        journal = EventsLane(storage)
        source = journal.source
        source.next(memoryview(bytearray(2048)))
        self.assertEqual(source.mark, (1, 1))
        _, most, calls = most_in_a_call(storage, source, memoryview(bytearray(2048)))
        self.assertTrue(most <= CALL_BYTES, most)
        self.assertTrue(6 <= calls <= 9, calls)
        self.assertTrue(source.mark[1] > 602)
        self.assertEqual(journal.lane.losses.ranges, [(1, 2, 601)])

    def test_a_file_that_could_not_be_measured_at_the_start_is_so_in_pieces(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=65536)
        fill(journal, 700)
        journal.close()
        name = storage.segments()[0]
        good = storage.files[name]
        storage.files[name] = good[:840] + b"\xb5" * (len(good) - 840)
        storage.unreadable = (name,)
        journal = EventsLane(storage, segment_bytes=65536)
        storage.unreadable = ()
        most = calls = 0
        source, buffer = journal.source, memoryview(bytearray(2048))
        length = 1
        while length or source.busy:
            before = storage.read_bytes
            length = source.next(buffer)
            most = max(most, storage.read_bytes - before)
            calls += 1
        self.assertEqual(source.mark, (1, 10))
        self.assertTrue(most <= CALL_BYTES, most)
        self.assertTrue(calls > 14, calls)  # 4 KiB each, and then those that search
        self.assertEqual(journal.lane.losses.ranges, [(1, 11, 10 + (len(good) - 840) // 24)])


class StartTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_of_each_boot_the_end_of_its_last_file_is_read(self):
        storage = Flash()
        for _ in range(3):
            journal = EventsLane(storage)
            fill(journal, 500)
            journal.close()
        files = Flash(storage.files)
        journal = EventsLane(files)
        self.assertTrue(len(files.segments()) > 15)
        self.assertTrue(files.read_bytes <= 3 * CALL_BYTES + 100, files.read_bytes)
        self.assertEqual(journal.backlog, 1500)

    def test_a_piece_of_a_record_is_no_record_and_hides_none_before_it(self):
        storage = Flash()
        journal = EventsLane(storage)
        fill(journal, 200)
        journal.close()
        last = storage.segments()[-1]
        first = int(last[10:18], 16)
        storage.files[last] = storage.files[last][:50]
        journal = EventsLane(Flash(storage.files))
        self.assertEqual(journal.backlog, first - 1)
        found = Reader(journal)
        self.assertEqual((len(found.keys), found.gaps), (first - 1, []))
        self.assertEqual((journal.corrupt, journal.dropped), (0, 0))

    def test_a_record_that_two_files_hold_comes_once(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=84 * 20)
        fill(journal, 60)
        journal.close()
        first, second, _ = storage.segments()
        again = storage.files[second][: 84 * 3]  # written, and the flash said that it was not
        storage.files[first] += again
        found = Reader(EventsLane(Flash(storage.files)))
        self.assertTrue(found.order)
        self.assertEqual((len(found.keys), found.gaps), (60, []))


class DroppedReportTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_file_of_an_earlier_boot_that_goes_takes_no_report_along_in_silence(self):
        clock, storage = HandClock(), Flash()
        journal = EventsLane(storage, clock, capacity_bytes=65536)
        fill(journal, 1500, clock=clock)  # the oldest go, and reports of it stand in between
        journal.close()
        self.assertTrue(journal.dropped > 300)
        journal = EventsLane(Flash(storage.files), HandClock(), capacity_bytes=65536)
        clock = HandClock()
        fill(journal, 700, clock=clock)
        journal.step(clock.advance(20))
        found = Reader(journal)
        self.assertEqual(found.unexplained(1, 1500), [])
        self.assertEqual(found.unexplained(2, 700), [])


if __name__ == "__main__":
    unittest.main()
