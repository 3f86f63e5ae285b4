"""The journal on a real LittleFS volume: what boards/sim uses, on both interpreters."""

import gc
import os
import struct
import sys
import unittest

if sys.implementation.name == "micropython":
    from flash_image import open_flash
else:
    from boards.sim.cpython.flash import open_flash

from fake_hardware import Flag, HandClock

from gateway.telemetry import boot_id, records
from gateway.telemetry.journal import Journal

RECORDS = 1500  # three times what the ring in RAM holds


def open_journal(path):
    storage = open_flash(path)
    journal = Journal(storage, HandClock(), Flag(), 16384, 1 << 20, 1000)
    journal.open(boot_id.is_new(storage))
    return journal


def drain(journal, release_below=None):
    """Payload numbers behind the cursor, summed up: (count, in order, last)."""
    buffer = memoryview(bytearray(4096))
    boot, sequence = journal.cursor
    count, in_order, last = 0, True, -1
    while journal.read_batch(boot, sequence, buffer):
        offset = records.BATCH_BYTES
        while offset < journal.batch_length:
            length = records.check(buffer, offset, journal.batch_length)
            number = struct.unpack("<I", bytes(buffer[offset + 24 : offset + 28]))[0]
            in_order = in_order and length > 0 and number == last + 1
            last = number
            count += 1
            offset += length
        boot, sequence = journal.batch_boot, journal.batch_last_seq
        if release_below is None or sequence < release_below:
            journal.release(boot, sequence)
    return count, in_order, last


class JournalOnLittleFsTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.path = "journal-test-%s.img" % "".join(["%02x" % byte for byte in os.urandom(4)])
        self.path = (os.getenv("TMPDIR") or "/tmp") + "/" + self.path

    def tearDown(self):
        os.remove(self.path)

    def test_records_older_than_the_ring_come_from_the_file_being_written(self):
        journal = open_journal(self.path)
        for number in range(RECORDS):
            journal.append(records.SAMPLE, struct.pack("<I", number) + bytes(12))
            if number % 45 == 44:
                journal.flush()
        self.assertEqual(drain(journal), (RECORDS, True, RECORDS - 1))
        self.assertEqual(journal.corrupt, 0)
        self.assertEqual(journal.backlog, 0)

    def test_reader_that_keeps_up_with_a_growing_file(self):
        journal = open_journal(self.path)
        boot, sequence = journal.cursor
        buffer = memoryview(bytearray(2048))
        seen = 0
        for number in range(RECORDS):
            journal.append(records.SAMPLE, struct.pack("<I", number) + bytes(12))
            if number % 45 == 44:
                journal.flush()
            if number > 700 and number % 10 == 0:  # always behind the ring
                seen += journal.read_batch(boot, sequence, buffer)
                boot, sequence = journal.batch_boot, journal.batch_last_seq
                self.assertEqual(sequence, seen)
        self.assertEqual(journal.corrupt, 0)

    def test_process_that_dies_without_a_word(self):
        journal = open_journal(self.path)
        for number in range(RECORDS):
            journal.append(records.SAMPLE, struct.pack("<I", number) + bytes(12))
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
