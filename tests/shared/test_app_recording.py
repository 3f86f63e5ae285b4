"""The whole application: what it records first, and what it asks of the flash while racks trip."""

import struct
import unittest

from app_bench import closed, run, until
from counted_flash import CountedFlash
from fake_board import FakeBoard

from gateway.telemetry import records

FULL = {
    "capacity_bytes": 131072,
    "segment_bytes": 8192,
    "events_pm": 250,
    "rewind_s": 10,
    "minute_period_ms": 3600000,  # after its first set that lane is the test's
}
PIECE = bytes(500)


class Watch:
    """In the place of `recording.step`: keeps a page of samples due, counts each pass."""

    def __init__(self, parts, flash):
        self._recording = parts.recording
        self._lanes = parts.lanes
        self._flash = flash
        self._step = parts.recording.step
        self._append = parts.lanes.events.append
        self.trips = []  # sequence numbers
        self.behind = []  # passes until the trip was on flash
        self.most = 0
        self.deleted = False
        parts.lanes.events.append = self.append
        parts.recording.step = self.step
        parts.lanes.minute.end_chunk()

    def append(self, kind, payload):
        sequence = self._append(kind, payload)
        if kind == records.EVENT and payload[0] == records.TRIP:
            self.trips.append(sequence)
            self.behind.append(0)
        return sequence

    def step(self, now):
        minute = self._lanes.minute
        while minute.ring.waiting < 4500:  # more than a page, and it has room in the small ring
            minute.append(records.CLOCK, PIECE)
        before, names = self._flash.done, set(self._flash.files)
        self._step(now)
        self.most = max(self.most, self._flash.done - before)
        self.deleted = self.deleted or not names <= set(self._flash.files)
        for number, sequence in enumerate(self.trips):
            self.behind[number] += self._lanes.events.stored < sequence


class RecordingTest(unittest.TestCase):
    def test_behind_the_start_stands_which_configuration_runs(self):
        board = FakeBoard()
        crcs = []

        async def scenario(gateway):
            crcs.append(gateway.parts.config_watch.crc)

        run(board, scenario)
        (name,) = [name for name in board.data.files if name.startswith("e")]
        content = board.data.files[name]
        found = []
        at = 0
        while at < len(content):
            length = records.check(content, at, len(content))
            payload = content[at + records.HEADER_BYTES : at + length]
            if content[at + 1] == records.EVENT:
                fields = struct.unpack(records.EVENT_PAYLOAD, payload[: records.EVENT_BYTES])
                found.append((fields, payload[records.EVENT_BYTES :].decode()))
            at += length
        codes = [fields[0] for fields, _ in found]
        at = codes.index(records.BOOT)
        self.assertEqual(codes[at + 1 : at + 4], [records.CONFIG_IN_FORCE] * 3)
        self.assertEqual(codes.count(records.CONFIG_IN_FORCE), 3)
        site, *racks = found[at + 1 : at + 4]
        self.assertEqual((site[0][1], site[0][4] & 0xFFFFFFFF), (records.NO_RACK, crcs[0]))
        self.assertIn("%08x" % crcs[0], site[1])
        self.assertEqual([fields[1] for fields, _ in racks], [0, 1])
        self.assertEqual([name for _, name in racks], ["rack01", "rack02"])

    def test_a_pass_asks_the_flash_once_and_a_trip_does_not_wait(self):
        board = FakeBoard(telemetry=FULL)
        board.data = CountedFlash()

        async def scenario(gateway):
            await until(board, lambda: closed(board) == (1, 1), "both closed", 10000)
            watch = Watch(gateway.parts, board.data)
            await until(board, lambda: watch.deleted, "the flash is full", 10000)
            board.wires[15020].registers[0x000A] = 3700
            board.wires[15021].registers[0x000C] = 2400
            await until(board, lambda: closed(board) == (0, 0), "both tripped", 10000)
            await board.clock.sleep_ms(1000)
            self.assertTrue(len(watch.trips) >= 2)
            self.assertEqual(watch.most, 1)
            self.assertTrue(max(watch.behind) <= 2, watch.behind)
            self.assertEqual(gateway.parts.recording.black_box.boxes, 2)

        run(board, scenario)


if __name__ == "__main__":
    unittest.main()
