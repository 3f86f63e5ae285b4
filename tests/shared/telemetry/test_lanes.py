"""Three lanes on one flash: what goes when it is full, who has to have read what, odd records."""

import gc
import struct
import unittest

from fake_hardware import HandClock
from lane_bench import FLUSH_MS, EventsLane, Flash, Reader, drop_oldest, fill, open_lanes

from gateway.telemetry import records
from gateway.telemetry.lane import LARGEST_RECORD

SET_BYTES = 100


def start(storage, **options):
    clock = HandClock()
    lanes = open_lanes(storage, clock, **options)
    lanes.clock = clock
    return lanes


def add_chunk(lanes, lane, instants):
    """A chunk with one rack's worth of bytes per instant."""
    chunk = lane.begin_chunk()
    for instant in range(instants):
        section = struct.pack(records.SECTION, 0, 0, SET_BYTES, 0, 0, 0) + bytes(SET_BYTES)
        lane.append(records.SET, struct.pack(records.SET_PAYLOAD, chunk, instant, 1, 0) + section)
        lanes.step(lanes.clock.advance(1000))


class IdleLaneTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_without_10_s_samples_those_on_flash_are_delivered_and_what_is_lost_is_told(self):
        storage = Flash()
        lanes = start(storage, segment_bytes=4096)
        for _ in range(3):
            add_chunk(lanes, lanes.fine, 60)
        lanes.close()
        lanes = start(Flash(storage.files), fine=False, boxes=False)
        self.assertTrue(lanes.fine.ring.size < lanes.minute.ring.size)
        drop_oldest(lanes.fine)
        lost = lanes.fine.dropped
        self.assertTrue(lost > 0)
        source = lanes.sources()[2]
        frames = 0
        gaps = []
        buffer = memoryview(bytearray(16384))
        for _ in range(200):
            lanes.step(lanes.clock.advance(1000))
            length = source.next(buffer)
            if length and source.topic == "blocks":
                frames += struct.unpack_from(records.BLOCK, buffer)[4]
            elif length:
                body = records.BATCH_BYTES + records.HEADER_BYTES
                for at in range(body, length, records.HEADER_BYTES + 12):
                    gap = bytes(buffer[at : at + 12])
                    gaps.append(struct.unpack(records.GAP_PAYLOAD, gap))
            if length:
                source.release(source.mark)
        self.assertEqual(frames, 180 - lost)
        # 0: whatever has not arrived up to there, for reports may have been in the file
        self.assertEqual(gaps, [(1, 0, 0), (1, 1, lost)])
        self.assertEqual(lanes.fine.backlog, 0)

    def test_a_lane_that_is_off_has_room_for_gap_records(self):
        lanes = start(Flash(), minute=False, fine=False, boxes=False)
        for lane in lanes.all:
            for number in (1, 2, 3):
                lane.append(records.GAP, bytes(12))
                lanes.step(lanes.clock.advance(60000))
                lanes.step(lanes.clock.advance(60000))
                self.assertEqual((lane.ring.waiting, lane.stored, lane.dropped), (0, number, 0))

    def test_what_outgrows_the_room_of_a_lane_is_a_loss_that_is_told(self):
        lanes = start(Flash(), minute=False, fine=False, boxes=False)
        largest = LARGEST_RECORD - records.HEADER_BYTES
        for lane, dropped in ((lanes.events, 0), (lanes.minute, 1), (lanes.fine, 1)):
            lane.append(records.EVENT, bytes(largest))
            lanes.step(lanes.clock.advance(60000))
            lanes.step(lanes.clock.advance(60000))
            found = (lane.ring.waiting, lane.stored, lane.dropped)
            self.assertEqual(found, (0, 1 + dropped, dropped))  # the gap itself, then its report


class RetentionTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_full_flash_thins_the_fine_lane_first_then_minutes_and_events_last(self):
        storage = Flash()
        lanes = start(storage, capacity_bytes=163840)
        for _ in range(30):
            lanes.events.append(records.EVENT, bytes(100))
        for _ in range(16):
            add_chunk(lanes, lanes.minute, 30)
            add_chunk(lanes, lanes.fine, 60)
        lanes.close()
        self.assertEqual((lanes.events.dropped, lanes.minute.dropped), (0, 0))
        self.assertTrue(lanes.fine.dropped > 300)
        self.assertTrue(storage.size() <= 163840, storage.size())
        lanes = start(Flash(storage.files), capacity_bytes=163840)
        for _ in range(40):
            add_chunk(lanes, lanes.minute, 60)
        lanes.minute.flush()
        self.assertEqual(lanes.events.dropped, 0)
        self.assertTrue(lanes.minute.dropped > 300)
        names = storage.segments()
        self.assertEqual([name for name in names if name.startswith("f00000001")], [])
        self.assertEqual(names[0], "e00000001-00000001.seg")

    def test_a_storm_of_events_eats_no_samples(self):
        storage = Flash()
        lanes = start(storage, capacity_bytes=163840)
        add_chunk(lanes, lanes.fine, 300)
        add_chunk(lanes, lanes.fine, 300)
        lanes.fine.flush()
        for _ in range(60):
            for _ in range(25):
                lanes.events.append(records.EVENT, bytes(100))
            lanes.step(lanes.clock.advance(FLUSH_MS))
            lanes.step(lanes.clock.advance(1))
        self.assertEqual(lanes.fine.dropped, 0)
        self.assertTrue(lanes.events.dropped > 300)


class ConsumersTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_a_file_goes_when_every_consumer_has_passed_it(self):
        storage = Flash()
        lanes = start(storage, consumers=("uplink", "history"))
        fill(lanes.events, 400)
        lanes.events.flush()
        first, second = lanes.sources("uplink")[0], lanes.sources("history")[0]
        first.release((1, 400))
        lanes.events.disposal.write_cursors()
        for _ in range(20):
            lanes.step(lanes.clock.advance(1))
        self.assertEqual((storage.removed, lanes.backlog), (0, 400))
        self.assertEqual((first.backlog, second.backlog), (0, 400))
        second.release((1, 250))
        lanes.events.disposal.write_cursors()
        for _ in range(20):
            lanes.step(lanes.clock.advance(1))
        self.assertEqual((storage.removed, lanes.backlog), (2, 150))
        lanes.close()
        again = start(Flash(storage.files), consumers=("uplink", "history"))
        self.assertEqual([source.backlog for source in again.sources("uplink")], [0, 0, 0])
        self.assertEqual(again.sources("history")[0].backlog, 150)

    def test_each_lane_counts_for_itself_in_one_boot(self):
        storage = Flash()
        for boot in (1, 2):
            lanes = start(storage)
            self.assertEqual([lane.boot for lane in lanes.all], [boot] * 3)
            for lane in lanes.all:
                self.assertEqual(lane.append(records.CLOCK, b"x"), 1)
            lanes.close()
        prefixes = [name[:9] for name in storage.segments()]
        self.assertEqual(prefixes, [lane + "0000000" + boot for lane in "efm" for boot in "12"])


class OversizeTest(unittest.TestCase):
    def test_a_record_that_is_too_large_is_named_in_its_place(self):
        journal = EventsLane(Flash(), HandClock())
        fill(journal, 3)
        self.assertEqual(journal.append(records.EVENT, bytes(4096 - 23)), 4)
        self.assertEqual(journal.append(records.EVENT, bytes(4096 - 24)), 5)
        found = Reader(journal, size=8192)
        self.assertEqual((len(found.keys), found.gaps), (5, [(1, 4, 4)]))
        self.assertEqual((journal.dropped, journal.corrupt), (1, 0))


if __name__ == "__main__":
    unittest.main()
