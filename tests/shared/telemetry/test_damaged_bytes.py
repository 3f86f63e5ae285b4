"""Damage inside a journal file costs the records that it touches, and no others.

In a file of an earlier boot they may have been reports of losses, so what had not come before them
is named, too: (boot, 0, number before the first one).
"""

import gc
import struct
import unittest

from chunk_bench import Block, add_chunk, next_message
from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill, open_lanes

from gateway.telemetry import records

SIZES = (0, 30, 200, 1, 90, 60, 300, 24, 0, 120)  # of payloads, file after file
BEHIND = 15  # records of 84 bytes in the file that follows


def lived():
    """(flash with a file of ten records and one behind it, name of the first, their places)."""
    storage = Flash()
    journal = EventsLane(storage, segment_bytes=sum(SIZES) + 24 * len(SIZES))
    places, offset = [], 0
    for number in range(len(SIZES)):
        size = SIZES[number]
        # 0xB5 as in a header, a length that leads astray, the lane of the events
        journal.append(records.EVENT, (struct.pack("<BBH", records.MAGIC, 2, number) * 80)[:size])
        places.append(offset)
        offset += 24 + size
    fill(journal, BEHIND)
    journal.close()
    return storage, storage.segments()[0], places


def replaced(content, start, end, middle):
    return content[:start] + middle + content[end:]


class FlippedBitTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def found(self, storage):
        """What comes of the first file and what is named, both as sorted lists; it all fits."""
        journal = EventsLane(Flash(dict(storage.files)))
        came = Reader(journal)
        journal.step(0)
        named = Reader(journal)
        self.assertTrue(came.order and named.order)
        for gap in named.gaps:
            self.assertEqual(gap[0], 1)
        last = len(SIZES)
        self.assertEqual(
            [n for n in range(last + 1, last + BEHIND) if (1, n) not in came.keys], []
        )
        missing = [n for n in range(1, last + 1) if (1, n) not in came.keys]
        exact = [gap for gap in named.gaps if gap[1]]
        told = [n for n in range(1, last + 2) if any([gap[1] <= n <= gap[2] for gap in exact])]
        self.assertEqual(told, missing)
        if missing:  # any of them may have been a report of what was lost before it
            self.assertEqual([gap for gap in named.gaps if not gap[1]], [(1, 0, missing[0] - 1)])
        self.assertEqual((journal.dropped, journal.backlog), (len(missing), 0))
        self.assertEqual(journal.corrupt, 1 if missing else 0)
        return missing

    def test_every_byte_of_a_file_costs_the_record_it_is_in(self):
        storage, name, places = lived()
        good = storage.files[name]
        record = 0
        for place in range(len(good)):
            if record + 1 < len(places) and place == places[record + 1]:
                record += 1
                gc.collect()
            if place - places[record] > 23 and place % 17:
                continue  # the headers whole, of payloads a part
            flipped = bytes([good[place] ^ (1 << place % 8)])
            storage.files[name] = replaced(good, place, place + 1, flipped)
            self.assertEqual((place, self.found(storage)), (place, [record + 1]))

    def test_a_torn_piece_costs_the_records_that_it_touches(self):
        storage, name, places = lived()
        good = storage.files[name]
        for filler in (b"\x00", b"\xff", b"\xb5"):
            torn = filler * (places[6] + 50 - places[3] - 2)
            storage.files[name] = replaced(good, places[3] + 2, places[6] + 50, torn)
            self.assertEqual(self.found(storage), [4, 5, 6, 7])

    def test_bytes_that_are_gone_or_too_many_do_not_shift_the_rest(self):
        storage, name, places = lived()
        good = storage.files[name]
        storage.files[name] = replaced(good, places[2] + 60, places[2] + 160, b"")
        self.assertEqual(self.found(storage), [3])
        storage.files[name] = replaced(good, places[5] + 40, places[5] + 40, bytes(17))
        self.assertEqual(self.found(storage), [6])

    def test_a_file_of_rubbish_costs_the_whole_file(self):
        storage, name, _ = lived()
        storage.files[name] = bytes([(7 * n) & 0xFF for n in range(len(storage.files[name]))])
        self.assertEqual(self.found(storage), list(range(1, len(SIZES) + 1)))

    def test_good_records_that_cannot_stand_there_are_not_taken_for_the_next(self):
        storage, name, places = lived()
        good = storage.files[name]
        inside = places[2] + 30
        for number, lane in ((2, 0), (3, 0), (9, 0), (4000, 0), (4, 1)):
            false = records.encode(records.EVENT, number, 0, 0, 1, b"stale", lane)
            spoilt = replaced(good, inside, inside + len(false), false)
            storage.files[name] = replaced(spoilt, places[2], places[2] + 1, b"?")
            self.assertEqual((number, lane, self.found(storage)), (number, lane, [3]))


class EndOfBootTest(unittest.TestCase):
    """No file follows: the end of the last one alone says how many records there were."""

    def setUp(self):
        gc.collect()

    def restart(self, keep=40 * 84, behind=b"", flip=None):
        """What comes of 40 records of 84 bytes when the file ends otherwise."""
        storage = Flash()
        journal = EventsLane(storage)
        fill(journal, 40)
        journal.flush()
        name = storage.segments()[0]
        content = bytearray(storage.files[name][:keep] + behind)
        if flip is not None:
            content[flip] ^= 1
        storage.files[name] = bytes(content)
        self.journal = EventsLane(Flash(storage.files))
        came = Reader(self.journal)
        self.journal.step(0)
        came.gaps = Reader(self.journal).gaps
        return came

    def test_a_bit_in_the_last_record_costs_this_one(self):
        for place in (39 * 84 + 1, 39 * 84 + 8, 39 * 84 + 50, 40 * 84 - 1):
            found = self.restart(flip=place)
            self.assertEqual((place, len(found.keys)), (place, 39))
            self.assertEqual(found.gaps, [(1, 0, 39), (1, 40, 40)])
            self.assertEqual((self.journal.corrupt, self.journal.dropped), (1, 1))

    def test_a_bit_before_the_last_record_costs_this_one(self):
        found = self.restart(flip=38 * 84 + 9)
        self.assertEqual((len(found.keys), found.gaps), (39, [(1, 0, 38), (1, 39, 39)]))

    def test_a_piece_of_the_next_record_is_no_damage(self):
        for length in (1, 23, 24, 80):
            found = self.restart(behind=records.encode(2, 41, 0, 0, 1, bytes(60))[:length])
            self.assertEqual((length, len(found.keys), found.gaps), (length, 40, []))
            self.assertEqual((self.journal.corrupt, self.journal.dropped), (0, 0))

    def test_rubbish_at_the_end_is_named_by_the_most_it_can_have_been(self):
        found = self.restart(keep=30 * 84, behind=bytes(840))
        self.assertEqual(len(found.keys), 30)
        self.assertEqual(found.gaps, [(1, 0, 30), (1, 31, 30 + 840 // 24)])

    def test_rubbish_longer_than_what_is_read_of_the_end(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=32768)
        fill(journal, 360)
        journal.flush()
        name = storage.segments()[0]
        storage.files[name] = storage.files[name][: 100 * 84] + bytes(260 * 84)
        journal = EventsLane(Flash(storage.files))
        found = Reader(journal)
        journal.step(0)
        self.assertEqual(len(found.keys), 100)
        self.assertEqual(Reader(journal).gaps, [(1, 0, 100), (1, 101, 100 + 260 * 84 // 24)])

    def test_long_rubbish_whose_beginning_is_all_that_was_read_of_it(self):
        for tail in (4101, 4106, 4116):
            storage = Flash()
            journal = EventsLane(storage, segment_bytes=32768)
            for size in (1000,) * 12 + (4066,):
                journal.append(records.EVENT, bytes(size))
                journal.flush()
            name = storage.segments()[0]
            behind = records.encode(records.EVENT, 14, 0, 0, 1, bytes(60))[:23] + b"\xff" * 5000
            storage.files[name] += behind[:tail]
            journal = EventsLane(Flash(storage.files))
            found = Reader(journal, size=4200)
            journal.step(0)
            self.assertEqual((tail, len(found.keys)), (tail, 13))
            self.assertEqual(Reader(journal).gaps, [(1, 0, 13), (1, 14, 13 + tail // 24)])


class TellingTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.storage, self.name, places = lived()
        good = self.storage.files[self.name]
        self.storage.files[self.name] = replaced(good, places[4] + 9, places[4] + 10, b"!")

    def test_damage_that_is_read_again_and_again_counts_once(self):
        journal = EventsLane(self.storage)
        for _ in range(3):
            found = Reader(journal, release=False)
            journal.step(0)
        self.assertEqual((journal.corrupt, journal.dropped), (1, 1))
        self.assertEqual(found.gaps, [(1, 0, 4), (1, 5, 5)])

    def test_damage_on_flash_costs_nothing_that_is_in_ram(self):
        storage = Flash()
        journal = EventsLane(storage, segment_bytes=131072)
        fill(journal, 600)
        journal.flush()
        oldest = journal.lane.ring.oldest
        name = storage.segments()[0]
        good = storage.files[name]
        kept = (oldest - 11) * 84
        storage.files[name] = good[:kept] + b"\xff" * (len(good) - kept)
        Reader(journal, release=False)
        self.assertEqual(journal.backlog, 600 - 10)
        found = Reader(journal)
        missing = [n for n in range(1, 601) if (1, n) not in found.keys]
        self.assertEqual(missing, list(range(oldest - 10, oldest)))
        self.assertEqual(journal.lane.losses.ranges, [(1, oldest - 10, oldest - 1)])
        self.assertEqual((journal.dropped, journal.backlog), (10, 0))

    def test_the_cursor_on_flash_waits_until_the_loss_is_told_there(self):
        clock = HandClock()
        journal = EventsLane(self.storage, clock)
        Reader(journal)
        self.assertEqual(journal.cursor, (1, len(SIZES) + BEHIND))
        clock.advance(10000)  # the cursor is due, and so is the report
        for _ in range(6):
            after = EventsLane(Flash(dict(self.storage.files)))  # the power goes here
            found = Reader(after)
            after.step(0)
            found.gaps += Reader(after).gaps
            told = (1, 5) in found.keys or found.names(1, 5)
            self.assertTrue(told, "nobody knows any more")
            journal.step(clock.advance(20))
        self.assertEqual(after.boot, 3)
        self.assertTrue(after.cursor > (1, 5))


class LostReportTest(unittest.TestCase):
    """A report on flash let the cursor pass a loss, and then the report itself is damaged."""

    def setUp(self):
        gc.collect()

    def test_what_a_damaged_report_of_an_earlier_boot_named_is_told(self):
        storage, name, places = lived()
        good = storage.files[name]
        storage.files[name] = replaced(good, places[4] + 9, places[4] + 10, b"!")
        clock = HandClock()
        journal = EventsLane(storage, clock)
        self.assertFalse((1, 5) in Reader(journal).keys)
        for _ in range(6):
            journal.step(clock.advance(10000))
        report = storage.segments()
        self.assertEqual(([each[8] for each in report], journal.cursor[0]), (["2"], 1))
        good = storage.files[report[0]]
        storage.files[report[0]] = replaced(good, 30, 31, bytes([good[30] ^ 4]))
        journal = EventsLane(Flash(storage.files))
        found = Reader(journal)
        journal.step(0)
        found.go_on(journal)
        self.assertIn((2, 1, 1), found.gaps)
        self.assertTrue(found.names(1, 5), found.gaps)


def spoil(storage, number):
    """A bit of a record in the only file of the fine lane, of 30 records that are equally long."""
    name = [name for name in storage.segments() if name[0] == "f"][0]
    good = storage.files[name]
    place = (number - 1) * (len(good) // 30) + 50
    storage.files[name] = replaced(good, place, place + 1, bytes([good[place] ^ 4]))


class ChunkTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.clock = HandClock()
        self.storage = Flash()
        lanes = self.open()
        for _ in range(3):
            add_chunk(lanes, lanes.fine, 10)
        lanes.close()
        self.buffer = memoryview(bytearray(4096))

    def open(self):
        lanes = open_lanes(self.storage, self.clock, segment_bytes=65536)
        lanes.clock = self.clock
        return lanes

    def blocks(self, source, count=99):
        """(first, last, frames) of so many blocks at most."""
        found = []
        while len(found) < count:
            message = next_message(source, self.buffer)
            if message is None:
                break
            self.assertTrue(isinstance(message, Block))
            found.append((message.first, message.last, len(message.instants)))
            source.release(source.mark)
        return found

    def test_a_bit_costs_the_rest_of_its_chunk_and_the_next_chunk_is_whole(self):
        spoil(self.storage, 15)
        lanes = self.open()
        found = self.blocks(lanes.sources()[2])
        self.assertEqual(found, [(1, 10, 10)] * 3 + [(11, 14, 4)] * 3 + [(21, 30, 10)] * 3)
        self.assertEqual(lanes.fine.losses.ranges, [(1, 15, 20)])
        self.assertEqual((lanes.fine.dropped, lanes.corrupt), (6, 1))

    def test_damage_between_two_racks_of_a_chunk_is_told_of_the_second(self):
        lanes = self.open()
        source = lanes.sources()[2]
        self.assertEqual(self.blocks(source, 4)[-1], (11, 20, 10))
        spoil(self.storage, 15)
        lanes.fine.files.close_readers()  # the file is opened anew
        self.assertEqual(self.blocks(source), [(11, 20, 4)] * 2 + [(21, 30, 10)] * 3)
        self.assertEqual(lanes.fine.losses.ranges, [(1, 15, 20)])


if __name__ == "__main__":
    unittest.main()
