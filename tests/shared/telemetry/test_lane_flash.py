"""A lane on a real LittleFS volume: what boards/sim uses, on both interpreters."""

import gc
import os
import struct
import sys
import unittest

if sys.implementation.name == "micropython":
    from flash_image import open_flash
else:
    from boards.sim.cpython.flash import open_flash

from fake_hardware import HandClock
from lane_bench import EventsLane, next_length

from gateway.telemetry import records

RECORDS = 1500  # three times what the ring in RAM holds


def open_journal(path):
    return EventsLane(open_flash(path), HandClock(), segment_bytes=16384)


def drain(journal):
    """Payload numbers behind the cursor, summed up: (count, in order, last)."""
    buffer = memoryview(bytearray(4096))
    count, in_order, last = 0, True, -1
    source = journal.source
    source.restart()
    end = next_length(source, buffer)
    while end:
        offset = records.BATCH_BYTES
        while offset < end:
            length = records.check(buffer, offset, end)
            number = struct.unpack("<I", bytes(buffer[offset + 24 : offset + 28]))[0]
            in_order = in_order and length > 0 and number == last + 1
            last = number
            count += 1
            offset += length
        source.release(source.mark)
        end = next_length(source, buffer)
    return count, in_order, last


class LaneOnLittleFsTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.path = "journal-test-%s.img" % "".join(["%02x" % byte for byte in os.urandom(4)])
        self.path = (os.getenv("TMPDIR") or "/tmp") + "/" + self.path

    def tearDown(self):
        os.remove(self.path)

    def test_records_older_than_the_ring_come_from_the_file_being_written(self):
        journal = open_journal(self.path)
        for number in range(RECORDS):
            journal.append(records.EVENT, struct.pack("<I", number) + bytes(12))
            if number % 45 == 44:
                journal.flush()
        self.assertEqual(drain(journal), (RECORDS, True, RECORDS - 1))
        self.assertEqual(journal.corrupt, 0)
        self.assertEqual(journal.backlog, 0)

    def test_reader_that_keeps_up_with_a_growing_file(self):
        journal = open_journal(self.path)
        source = journal.source
        buffer = memoryview(bytearray(2048))
        seen = 0
        for number in range(RECORDS):
            journal.append(records.EVENT, struct.pack("<I", number) + bytes(12))
            if number % 45 == 44:
                journal.flush()
            if number > 700 and number % 10 == 0:  # always behind the ring
                self.assertTrue(next_length(source, buffer) > 0)
                seen += struct.unpack(records.BATCH, bytes(buffer[:12]))[4]
                self.assertEqual(source.mark, (1, seen))
        self.assertEqual(journal.corrupt, 0)

    def test_process_that_dies_without_a_word(self):
        journal = open_journal(self.path)
        for number in range(RECORDS):
            journal.append(records.EVENT, struct.pack("<I", number) + bytes(12))
            if number % 45 == 44:
                journal.flush()
        stored = journal.stored
        journal.release(1, 200)
        journal.write_cursor()
        after = open_journal(self.path)  # the first one is never closed
        self.assertEqual(after.boot, 2)
        self.assertEqual(after.backlog, stored - 200)
        self.assertEqual(after.cursor, (1, 200))
        count, _, last = drain(after)
        self.assertEqual((count, last), (stored - 200, stored - 1))


if __name__ == "__main__":
    unittest.main()
