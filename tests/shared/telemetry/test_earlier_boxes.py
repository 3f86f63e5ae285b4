"""What earlier boots left of black boxes, counted in pieces while the gateway runs."""

import unittest

from fake_hardware import HandClock
from lane_bench import Flash, open_lanes

from gateway.telemetry import records
from gateway.telemetry.earlier_boxes import EarlierBoxes

BOX, EVENT = records.BLACK_BOX, records.EVENT


def start(storage):
    return open_lanes(storage, HandClock(), segment_bytes=32768)


def left_behind(entries):
    """The flash after a boot that appended records of (kind, payload bytes)."""
    storage = Flash()
    lanes = start(storage)
    for kind, size in entries:
        lanes.events.append(kind, bytes(size))
        lanes.events.flush()
    lanes.close()
    return Flash(storage.files)


def counted(boxes):
    steps = 0
    while boxes._segments:
        boxes.step()
        steps += 1
    return steps


class EarlierBoxesTest(unittest.TestCase):
    def test_all_counts_until_it_is_read_then_the_records_of_boxes(self):
        entries = [(EVENT, 60), (BOX, 3000), (EVENT, 40), (BOX, 3500)] * 8
        boxes = start(left_behind(entries)).earlier_boxes
        whole = sum([size + records.HEADER_BYTES for _, size in entries])
        self.assertTrue(whole <= boxes.bytes <= whole + 200, boxes.bytes)
        self.assertTrue(whole // 8192 <= counted(boxes) <= whole // 3000)
        self.assertEqual(boxes.bytes, 8 * (3000 + 3500 + 2 * records.HEADER_BYTES))

    def test_a_pass_reads_a_piece_or_writes_a_page(self):
        clock, storage = HandClock(), left_behind([(EVENT, 40), (BOX, 3000)] * 20)
        lanes = open_lanes(storage, clock, segment_bytes=32768)
        asked = []
        for number in range(60):
            if number % 3 == 0:
                lanes.events.append(EVENT, bytes(3000))
                lanes.events.hurry()
            stored, read_bytes = lanes.events.stored, storage.read_bytes
            lanes.step(clock.advance(20))
            asked.append((lanes.events.stored - stored, storage.read_bytes - read_bytes))
        self.assertEqual([each for each in asked if each[0] and each[1]], [])
        self.assertTrue(max([each[1] for each in asked]) <= 8192)
        self.assertEqual(lanes.events.stored, 20)
        self.assertEqual(lanes.earlier_boxes.bytes, 20 * (3000 + records.HEADER_BYTES))

    def test_nothing_left_is_nothing_to_read(self):
        storage = Flash()
        boxes = start(storage).earlier_boxes
        self.assertEqual((boxes.bytes, counted(boxes)), (0, 0))

    def test_a_file_that_cannot_be_read_counts_in_full_and_one_that_is_gone_not_at_all(self):
        storage = left_behind([(EVENT, 1000)] * 4)
        segments = start(storage).events.files.all
        size = sum([segment.size for segment in segments])

        class Failing:
            def open(self, name, mode):
                raise OSError(self.code)

        for code, left, failures in ((5, size, len(segments)), (2, 0, 0)):
            failing = Failing()
            failing.code = code
            boxes = EarlierBoxes(failing, list(segments))
            counted(boxes)
            self.assertEqual((boxes.bytes, boxes.failures), (left, failures))

    def test_an_error_without_a_number_is_a_failure_like_others(self):
        segments = start(left_behind([(BOX, 1000)])).events.files.all

        class Failing:
            def open(self, name, mode):
                raise OSError

        boxes = EarlierBoxes(Failing(), list(segments))
        counted(boxes)
        self.assertEqual((boxes.bytes, boxes.failures), (segments[0].size, 1))

    def test_a_size_that_is_corrected_meanwhile_leaves_no_remainder(self):
        storage = left_behind([(BOX, 1000)])
        segments = start(storage).events.files.all
        size = segments[0].size
        segments[0].size = 32768  # a guess
        boxes = EarlierBoxes(storage, list(segments))
        segments[0].size = size
        counted(boxes)
        self.assertEqual(boxes.bytes, 1000 + records.HEADER_BYTES)

    def test_a_piece_whose_count_is_broken_off_counts_once(self):
        storage = left_behind([(BOX, 1000)] * 3)
        segments = start(storage).events.files.all
        boxes = EarlierBoxes(storage, list(segments))
        check, calls = records.check, []

        def no_memory(buffer, begin, end):
            calls.append(begin)
            if len(calls) == 3:
                raise MemoryError
            return check(buffer, begin, end)

        records.check = no_memory
        try:
            self.assertRaises(MemoryError, boxes.step)
        finally:
            records.check = check
        counted(boxes)
        self.assertEqual(boxes.bytes, 3 * (1000 + records.HEADER_BYTES))

    def test_what_is_delivered_meanwhile_is_forgotten(self):
        boxes = start(left_behind([(BOX, 2000)])).earlier_boxes
        self.assertTrue(boxes.bytes >= 2000)
        boxes.forget()
        boxes.step()
        self.assertEqual(boxes.bytes, 0)


if __name__ == "__main__":
    unittest.main()
