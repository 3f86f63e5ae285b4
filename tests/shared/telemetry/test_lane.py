import gc
import struct
import unittest
from array import array

from fake_hardware import HandClock, MemoryStorage
from lane_bench import FLUSH_MS, EventsLane, next_length

from gateway.telemetry import records


def open_journal(storage, clock=None, segment_bytes=4096, capacity_bytes=1 << 20):
    return EventsLane(storage, clock, segment_bytes=segment_bytes, capacity_bytes=capacity_bytes)


def payload(number):
    return struct.pack("<I", number) + bytes(12)


class Reader:
    """Reads as the uplink does, batch by batch from the cursor, into arrays (the heap is small).

    `values` are payload numbers of samples, -kind of other records.
    """

    def __init__(self, journal, release=True):
        self.boots = array("i")
        self.sequences = array("i")
        self.values = array("i")
        self._buffer = memoryview(bytearray(2048))
        source = journal.source
        source.restart()
        length = next_length(source, self._buffer)
        while length:
            self._parse(bytes(self._buffer[:length]))
            if release:
                source.release(source.mark)
            length = next_length(source, self._buffer)

    def _parse(self, message):
        version, _, boot, first, count = struct.unpack(records.BATCH, message[:12])
        assert version == records.VERSION
        offset = 12
        for number in range(count):
            length = records.check(message, offset, len(message))
            assert length, "bad record in a batch"
            assert records.sequence_of(message, offset) == first + number
            kind = message[offset + 1]
            value = struct.unpack("<I", message[offset + 24 : offset + 28])[0]
            self.boots.append(boot)
            self.sequences.append(first + number)
            self.values.append(value if kind == records.EVENT else -kind)
            offset += length
        assert offset == len(message)


def numbers(first, last):
    """first .. last - 1, to compare with."""
    return array("i", range(first, last))


class LaneTest(unittest.TestCase):
    def setUp(self):
        gc.collect()  # the heap is small

    def test_records_come_back_in_order_with_their_keys(self):
        journal = open_journal(MemoryStorage())
        for number in range(100):
            journal.append(records.EVENT, payload(number))
        found = Reader(journal)
        self.assertEqual(set(found.boots), {1})
        self.assertEqual(found.sequences, numbers(1, 101))
        self.assertEqual(found.values, numbers(0, 100))
        self.assertEqual(journal.backlog, 0)

    def test_backlog_shrinks_only_by_release(self):
        journal = open_journal(MemoryStorage())
        for number in range(50):
            journal.append(records.EVENT, payload(number))
        Reader(journal, release=False)
        self.assertEqual(journal.backlog, 50)
        journal.release(1, 20)
        self.assertEqual(journal.backlog, 30)
        journal.release(1, 10)
        self.assertEqual(journal.backlog, 30)
        journal.flush()
        self.assertEqual(journal.backlog, 30)
        journal.release(1, 50)
        self.assertEqual(journal.backlog, 0)

    def test_written_after_a_page_or_the_flush_time(self):
        clock = HandClock()
        journal = open_journal(MemoryStorage(), clock)
        journal.append(records.EVENT, payload(0))
        journal.step(clock.advance(FLUSH_MS - 1))
        self.assertEqual(journal.stored, 0)
        journal.step(clock.advance(1))
        self.assertEqual(journal.stored, 1)
        for number in range(103):  # more than a page
            journal.append(records.EVENT, payload(number))
        journal.step(clock.advance(1))
        self.assertEqual(journal.stored, 4096 // 40)  # up to the end of a flash block
        journal.step(clock.advance(FLUSH_MS))
        self.assertEqual(journal.stored, 104)

    def test_older_than_the_ring_is_read_from_flash(self):
        journal = open_journal(MemoryStorage())
        for number in range(700):
            journal.append(records.EVENT, payload(number))
            if number % 37 == 0:
                journal.flush()
        self.assertEqual(Reader(journal).values, numbers(0, 700))

    def test_restart_continues_with_a_new_boot_and_loses_nothing_stored(self):
        storage = MemoryStorage()
        first = open_journal(storage)
        for number in range(700):
            first.append(records.EVENT, payload(number))
            if number < 600 and number % 50 == 49:
                first.flush()
        second = open_journal(MemoryStorage(storage.files))  # power cut: 100 were not on flash
        self.assertEqual(second.boot, 2)
        self.assertEqual(second.backlog, 600)
        for number in range(10):
            second.append(records.EVENT, payload(1000 + number))
        found = Reader(second)
        self.assertEqual(found.boots, array("i", [1] * 600 + [2] * 10))
        self.assertEqual(found.sequences[:600], numbers(1, 601))
        self.assertEqual(found.sequences[600:], numbers(1, 11))
        self.assertEqual(found.values[:600], numbers(0, 600))
        self.assertEqual(found.values[600:], numbers(1000, 1010))
        self.assertEqual(second.backlog, 0)

    def test_what_was_acknowledged_is_not_sent_again_after_a_good_stop(self):
        storage = MemoryStorage()
        journal = open_journal(storage)
        for number in range(300):
            journal.append(records.EVENT, payload(number))
        journal.release(1, 120)
        journal.close()
        second = open_journal(MemoryStorage(storage.files))
        self.assertEqual(Reader(second).sequences, numbers(121, 301))

    def test_passed_segments_are_deleted(self):
        storage = MemoryStorage()
        journal = open_journal(storage)
        for number in range(1000):
            journal.append(records.EVENT, payload(number))
            if number % 50 == 49:
                journal.flush()
        many = len(storage.files)
        journal.release(1, 1000)
        journal.write_cursor()
        self.assertEqual(len(storage.files), many + 1)
        for left in range(many, 3, -1):
            journal.step(0)
            self.assertTrue(len(storage.files) >= left, "one segment per step")
        self.assertTrue(len(storage.files) <= 4, storage.files.keys())
        self.assertTrue(many > 6, many)
        journal.append(records.EVENT, payload(1))
        self.assertEqual(Reader(journal).sequences, numbers(1001, 1002))

    def test_full_flash_drops_the_oldest_and_says_which(self):
        storage = MemoryStorage()
        journal = open_journal(storage, capacity_bytes=40000)
        for number in range(1800):
            journal.append(records.EVENT, payload(number))
            if number % 50 == 49:
                journal.flush()
        journal.flush()
        self.assertTrue(sum(len(data) for data in storage.files.values()) < 44000)
        self.assertTrue(journal.dropped > 500, journal.dropped)
        found = Reader(journal)
        self.assertTrue(any(value == -records.GAP for value in found.values))
        self.assertTrue(any(value == 1799 for value in found.values))
        self.assertEqual(len(found.values) + journal.dropped, found.sequences[-1])

    def test_corrupt_segment_is_passed_over(self):
        storage = MemoryStorage()
        journal = open_journal(storage)
        for number in range(600):
            journal.append(records.EVENT, payload(number))
            if number % 50 == 49:
                journal.flush()
        names = sorted(name for name in storage.files if name.endswith(".seg"))
        second = open_journal(MemoryStorage(storage.files))
        bad = bytearray(storage.files[names[1]])
        bad[700] ^= 0xFF
        storage.files[names[1]] = bytes(bad)
        values = Reader(second).values
        self.assertEqual(second.corrupt, 1)
        self.assertTrue(450 <= len(values) < 600, len(values))
        self.assertEqual(len(set(values)), len(values))
        self.assertEqual(values[-1], 599)
        self.assertEqual(second.backlog, 0)

    def test_power_cut_at_every_operation_loses_nothing_stored(self):
        def work(storage, stored):
            clock = HandClock()
            journal = open_journal(storage, clock)
            for number in range(60):
                journal.append(records.EVENT, payload(number))
                if number % 10 == 9:
                    journal.step(clock.advance(FLUSH_MS))
                    stored[0] = (journal.boot, journal.stored)
                if number == 35:
                    journal.release(journal.boot, 15)
                    journal.write_cursor()
            journal.close()

        probe = MemoryStorage()
        work(probe, [None])
        for cut in range(probe.operations):
            storage = MemoryStorage()
            storage.fail_after = cut
            stored = [(1, 0)]
            work(storage, stored)
            after = open_journal(MemoryStorage(storage.files))
            sequences = set(Reader(after).sequences)
            released = 15
            for sequence in range(1, stored[0][1] + 1):
                self.assertTrue(sequence <= released or sequence in sequences, (cut, sequence))
            self.assertEqual(after.backlog, 0)


if __name__ == "__main__":
    unittest.main()
