"""The file of proof tests byte by byte, and the dates at their edges."""

import binascii
import struct
import unittest

from fake_hardware import MemoryStorage

from gateway.outputs.proof_records import ProofRecords
from gateway.outputs.proof_test import NOT_BACK, PASSED

NAMES = ["rack rack01", "input smoke"]
UTC_MS = 1800000000999
DAY_S = 86400


def record(name, utc_s, result, clock_set):
    return struct.pack("<IIBB", binascii.crc32(name.encode()), utc_s, result, clock_set)


def sealed(*records):
    body = struct.pack("<HH", 0x5450, len(records)) + b"".join(records)
    return body + struct.pack("<I", binascii.crc32(body))


class FileTest(unittest.TestCase):
    def test_one_record_per_name_in_the_order_of_the_names(self):
        storage = MemoryStorage()
        records = ProofRecords(storage, NAMES, 180)
        self.assertTrue(records.note(NAMES[1], NOT_BACK, UTC_MS + 1000, False))
        self.assertEqual(
            storage.files, {"prooftests": sealed(record(NAMES[1], 1800000001, NOT_BACK, 0))}
        )
        self.assertTrue(records.note(NAMES[0], PASSED, UTC_MS, True))
        self.assertEqual(
            storage.files["prooftests"],
            sealed(
                record(NAMES[0], 1800000000, PASSED, 1),
                record(NAMES[1], 1800000001, NOT_BACK, 0),
            ),
        )

    def test_what_such_a_file_says_is_taken_over(self):
        content = sealed(
            record("rack gone", 5, PASSED, 1),
            record(NAMES[1], 0xFFFFFFFF, PASSED, 1),
            record(NAMES[0], 7, NOT_BACK, 0),
        )
        records = ProofRecords(MemoryStorage({"prooftests": content}), NAMES, 180)
        self.assertFalse(records.damaged)
        self.assertEqual(records.last(NAMES[0]), (7, NOT_BACK, False))
        self.assertEqual(records.last(NAMES[1]), (0xFFFFFFFF, PASSED, True))

    def test_no_records_are_a_sound_file(self):
        records = ProofRecords(MemoryStorage({"prooftests": sealed()}), NAMES, 180)
        self.assertFalse(records.damaged)

    def test_a_new_file_is_whole_before_it_takes_the_place_of_the_old_one(self):
        storage = MemoryStorage()
        records = ProofRecords(storage, NAMES, 180)
        records.note(NAMES[0], PASSED, UTC_MS, True)
        before = storage.files["prooftests"]
        storage.fail_after = storage.operations + 3  # open, write, flush; not the rename
        self.assertFalse(records.note(NAMES[1], PASSED, UTC_MS, True))
        self.assertEqual(sorted(storage.files), ["prooftests", "prooftests.new"])
        self.assertEqual(storage.files["prooftests"], before)
        self.assertEqual(len(storage.files["prooftests.new"]), len(before) + 10)
        self.assertFalse(records.note(NAMES[1], PASSED, UTC_MS, True))
        self.assertEqual(records.write_errors, 2)

    def test_a_date_beyond_the_file_is_cut_and_not_refused(self):
        storage = MemoryStorage()
        records = ProofRecords(storage, NAMES, 180)
        self.assertTrue(records.note(NAMES[0], PASSED, 0x100000005 * 1000, True))
        self.assertEqual(records.last(NAMES[0]), (5, PASSED, True))


class DaysTest(unittest.TestCase):
    def test_a_begun_day_counts_whole(self):
        records = ProofRecords(MemoryStorage(), NAMES, 2)
        records.note(NAMES[0], PASSED, UTC_MS, True)
        for after_s, days in (
            (-1, 0), (0, 2), (1, 2), (DAY_S - 1, 2), (DAY_S, 1), (DAY_S + 1, 1),
            (2 * DAY_S - 1, 1), (2 * DAY_S, 0), (2 * DAY_S + 1, 0),
        ):  # fmt: skip
            left = records.days_left(NAMES[0], UTC_MS + 1000 * after_s, True)
            self.assertEqual(left, days, after_s)
            due = records.due(UTC_MS + 1000 * after_s, True)
            self.assertEqual(due, NAMES if days == 0 else NAMES[1:])


if __name__ == "__main__":
    unittest.main()
