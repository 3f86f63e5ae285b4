"""Sets of all racks on flash, blocks of one rack upstream."""

import gc
import struct
import unittest

from chunk_bench import Block, Log, add_chunk, next_message, section
from fake_hardware import HandClock
from lane_bench import FLUSH_MS, Flash, open_lanes

from gateway.telemetry import records


def read_all(source, size=4096, release=True):
    buffer = memoryview(bytearray(size))
    found = []
    message = next_message(source, buffer)
    while message is not None:
        found.append(message)
        if release:
            source.release(source.mark)
        message = next_message(source, buffer)
    return found


def start(storage, **options):
    clock = HandClock()
    lanes = open_lanes(storage, clock, **options)
    lanes.clock = clock
    return lanes


class BlockSourceTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_chunk_becomes_one_block_per_rack_when_it_is_complete(self):
        lanes = start(Flash())
        source = lanes.sources()[1]
        chunk = add_chunk(lanes, lanes.minute, 5)
        self.assertEqual((chunk, read_all(source), source.busy), (1, [], False))
        lanes.minute.end_chunk()
        blocks = read_all(source)
        self.assertEqual([block.key() for block in blocks], [(1, 1, 5, rack) for rack in range(3)])
        for block in blocks:
            self.assertEqual((block.version, block.lane), (records.VERSION, records.MINUTE))
            self.assertEqual(block.instants, [0, 1, 2, 3, 4])
            self.assertEqual(block.uptimes, [1000, 2000, 3000, 4000, 5000])
        self.assertEqual(source.backlog, 0)

    def test_the_cursor_passes_a_chunk_with_its_last_block_only(self):
        lanes = start(Flash())
        source = lanes.sources()[2]
        add_chunk(lanes, lanes.fine, 4)
        add_chunk(lanes, lanes.fine, 4)
        lanes.fine.end_chunk()
        buffer = memoryview(bytearray(4096))
        marks = []
        while next_message(source, buffer):
            marks.append(source.mark)
        backlogs = []
        for mark in marks:
            source.release(mark)
            backlogs.append(source.backlog)
        self.assertEqual(backlogs, [8, 8, 4, 4, 4, 0])

    def test_instants_of_several_records_and_chunks_far_larger_than_one_call(self):
        lanes = start(Flash(), segment_bytes=65536)
        source = lanes.sources()[2]
        add_chunk(lanes, lanes.fine, 20, racks=6, size=500, parts=2)
        add_chunk(lanes, lanes.fine, 1, racks=6, size=500, parts=2)
        buffer = memoryview(bytearray(12000))
        self.assertEqual(source.next(buffer), 0)
        self.assertTrue(source.busy)
        source.restart()  # a new session, and another buffer
        blocks = read_all(source, 12000)
        self.assertEqual(
            [block.key() for block in blocks], [(1, 1, 40, rack) for rack in range(6)]
        )
        for block in blocks:
            self.assertEqual(block.instants, list(range(20)))

    def test_a_new_session_sends_the_chunk_under_way_again(self):
        lanes = start(Flash())
        source = lanes.sources()[1]
        add_chunk(lanes, lanes.minute, 3)
        lanes.minute.end_chunk()
        buffer = memoryview(bytearray(4096))
        for _ in range(2):
            self.assertEqual(next_message(source, buffer).rack, 0)
            source.release(source.mark)
            source.restart()
        self.assertEqual([block.rack for block in read_all(source)], [0, 1, 2])

    def test_what_stands_between_chunks_goes_as_it_is(self):
        lanes = start(Flash())
        lane, source = lanes.minute, lanes.sources()[1]
        add_chunk(lanes, lane, 2, racks=1)
        lane.end_chunk()
        for number in range(3):
            lane.append(records.CLOCK, bytes([number] * 12))
        add_chunk(lanes, lane, 2, racks=1)
        lane.end_chunk()
        first, log, second = read_all(source)
        self.assertEqual((first.last, second.first), (2, 6))
        self.assertEqual(log.lane, records.MINUTE)
        self.assertEqual(
            [each[:2] for each in log.records], [(n, records.CLOCK) for n in (3, 4, 5)]
        )
        self.assertEqual(source.backlog, 0)

    def test_the_open_chunk_of_a_boot_that_ended_is_sent_as_far_as_it_is_stored(self):
        storage = Flash()
        lanes = start(storage)
        add_chunk(lanes, lanes.fine, 6)
        lanes.fine.flush()
        add_chunk(lanes, lanes.fine, 2)  # in RAM only
        again = start(Flash(storage.files))
        add_chunk(again, again.fine, 3)
        blocks = read_all(again.sources()[2])
        self.assertEqual([block.key() for block in blocks], [(1, 1, 6, rack) for rack in range(3)])
        self.assertEqual(blocks[2].instants, [0, 1, 2, 3, 4, 5])

    def test_a_block_too_large_for_the_message_ends_early_and_the_rest_is_named(self):
        lanes = start(Flash())
        lane, source = lanes.minute, lanes.sources()[1]
        add_chunk(lanes, lane, 30, racks=2, size=100)
        lane.end_chunk()
        blocks = read_all(source, 2048)
        fits = (2048 - records.BLOCK_BYTES - 4) // (records.BLOCK_TIME_BYTES + 108)
        for block in blocks:
            self.assertEqual(block.instants, list(range(fits)))
        lanes.step(lanes.clock.ticks())
        (log,) = read_all(source, 2048)
        self.assertEqual(log.gaps(), [(1, fits + 1, 30)])
        self.assertEqual(lane.dropped, 30 - fits)

    def test_losses_are_told_between_chunks_and_never_inside(self):
        lanes = start(Flash())
        lane, source = lanes.fine, lanes.sources()[2]
        add_chunk(lanes, lane, 3)
        lane.losses.add(1, 1, 2)
        fourth = struct.pack(records.SET_PAYLOAD, 1, 3, 1, 0) + section(0, 3)
        self.assertEqual(lane.append(records.SET, fourth), 4)
        lanes.step(lanes.clock.advance(1))
        self.assertEqual(add_chunk(lanes, lane, 2), 6)
        lane.end_chunk()
        found = read_all(source)
        self.assertEqual(found[0].instants, [0, 1, 2, 3])
        self.assertEqual(found[3].gaps(), [(1, 1, 2)])
        self.assertEqual([message.first for message in found[4:]], [6, 6, 6])

    def test_a_chunk_whose_beginning_is_lost_is_named_not_sent(self):
        clock, storage = HandClock(), Flash()
        lanes = open_lanes(storage, clock, instant_bytes=1000)
        lanes.clock = clock
        storage.dead = True
        lane, source = lanes.fine, lanes.sources()[2]
        add_chunk(lanes, lane, 40, racks=3, size=100)  # more than RAM holds
        lost = lane.ring.oldest - 1
        self.assertTrue(lost > 5, lost)
        add_chunk(lanes, lane, 3)
        lane.end_chunk()
        found = read_all(source)
        second = [block.key() for block in found if isinstance(block, Block)]
        first = second[0][1]
        self.assertEqual(second, [(1, first, first + 2, rack) for rack in range(3)])
        lanes.step(clock.advance(FLUSH_MS))
        gaps = [
            gap for log in found + read_all(source) if isinstance(log, Log) for gap in log.gaps()
        ]
        self.assertIn((1, 1, 40), gaps)

    def test_a_failing_flash_makes_short_chunks_that_still_arrive(self):
        clock, storage = HandClock(), Flash()
        lanes = open_lanes(storage, clock, instant_bytes=4096)
        lanes.clock = clock
        storage.dead = True
        lane, source = lanes.fine, lanes.sources()[2]
        seen = []
        for instant in range(200):
            lanes.step(clock.advance(1000))
            if lane.chunk_full(200):
                lane.begin_chunk()
            number = lane.ring.next
            payload = struct.pack(records.SET_PAYLOAD, lane.open_chunk, instant, 1, 0)
            place = number - lane.open_chunk
            lane.append(records.SET, payload + section(0, place, 150))
            for message in read_all(source, 8192):
                if isinstance(message, Block):
                    seen += range(message.first, message.last + 1)
        self.assertEqual(lane.dropped, 0)
        self.assertTrue(len(seen) > 130, len(seen))


class ChunkTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_chunk_stands_in_one_segment(self):
        storage = Flash()
        lanes = start(storage)
        lane = lanes.fine
        chunks = []
        for instant in range(400):
            lanes.step(lanes.clock.advance(500))
            if lane.chunk_full(300) or instant % 60 == 0:
                chunks.append(lane.begin_chunk())
            body = section(0, instant, 260)
            lane.append(records.SET, struct.pack(records.SET_PAYLOAD, chunks[-1], 0, 1, 0) + body)
        lanes.close()
        firsts = [int(name[10:18], 16) for name in storage.segments()]
        self.assertTrue(len(firsts) > 12, firsts)
        for first in firsts:
            self.assertIn(first, chunks)
        for name in storage.segments():
            self.assertTrue(len(storage.files[name]) <= 8192)

    def test_pages_end_where_flash_blocks_end(self):
        storage = Flash()
        lanes = start(storage, segment_bytes=65536)
        add_chunk(lanes, lanes.fine, 198, racks=1, size=172, every_ms=20)
        # 4096 less a pointer of 4 bytes, and one more for each time that 2 divides the number
        ends = [4096]
        for block in range(1, 10):
            ends.append(ends[-1] + 4096 - (4, 8, 4, 12, 4, 8, 4, 16, 4)[block - 1])
        self.assertEqual(lanes.fine.files.all[0].size, ends[-1])
        self.assertTrue(lanes.fine.ring.waiting > 0)


if __name__ == "__main__":
    unittest.main()
