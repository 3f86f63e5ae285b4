"""Sets of samples in a lane: when, how many, what a chunk holds; CPython reads their content."""

import gc
import json
import struct
import unittest
from array import array

from fake_hardware import Flag, HandClock, MemoryStorage
from recorded_site import RecordedSite
from sample_site import tree

from gateway import config
from gateway.errors import ConfigError
from gateway.rack.data import RackData
from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.rewind import CELLS as CELL_SCANS
from gateway.telemetry.rewind import Rewind
from gateway.telemetry.tier import INSTANTS, Tier, instant_bytes

RACKS = 3
CELLS = 16
TEMPS = 4
PERIOD_MS = 1000


def check_permitted(cells, temps):
    """ConfigError when no configuration may say so."""
    entries = tree(cells=416)
    entries["cells_per_rack"], entries["temps_per_rack"] = cells, temps
    try:
        config.load(json.dumps(entries))
    except ConfigError as error:
        if "temps_per_rack" in str(error):
            raise


class Summary:
    """Fills in the rack's number and a value that always changes."""

    def __init__(self):
        self.count = 0

    def fill(self, rack, values):
        self.count += 1
        values[records.SAMPLE_FIELDS.index("rack")] = rack
        values[records.SAMPLE_FIELDS.index("rack_current_da")] = self.count


class ScarceClock(HandClock):
    """Asked for the wall clock, as for each record, it finds no memory `short` times."""

    short = 0

    def utc_ms(self):
        if self.short:
            self.short -= 1
            raise MemoryError("memory allocation failed, allocating 3900 bytes")
        return super().utc_ms()


class Bench:
    def __init__(self, segment_bytes=65536, message_bytes=16384, cells=CELLS, temps=TEMPS):
        self.clock = ScarceClock()
        now = self.clock.ticks()
        self.storage = MemoryStorage()
        self.lanes = Lanes(
            self.storage,
            self.clock,
            Flag(),
            segment_bytes=segment_bytes,
            capacity_bytes=1 << 20,
            events_pm=250,
            flush_ms=1000,
            instant_bytes=instant_bytes(RACKS, cells, temps),
        )
        self.lanes.open()
        self.racks = [
            RackData(each, "rack%02d" % each, cells, temps, 1100, now) for each in range(RACKS)
        ]
        self.tier = Tier(
            self.lanes.fine, self.racks, Summary(), self.clock, PERIOD_MS, message_bytes
        )
        self._source = self.lanes.sources()[records.FINE]
        self._buffer = memoryview(bytearray(message_bytes))

    def scan(self):
        """Every rack has been read anew."""
        for data in self.racks:
            data.cells_mv[:] = array("H", range(3300, 3300 + len(data.cells_mv)))
            data.temps_dc[:] = array("h", range(200, 200 + len(data.temps_dc)))
            data.cells_sequence += 1
            data.temps_sequence += 1
            data.cells_acquired = self.clock.ticks()

    def run_ms(self, duration_ms):
        for _ in range(0, duration_ms, 20):
            now = self.clock.advance(20)
            self.tier.step(now)
            self.lanes.step(now)

    def run_over_errors(self, duration_ms):
        """As `run_ms`; the errors that came out."""
        errors = []
        for _ in range(0, duration_ms, 20):
            try:
                self.run_ms(20)
            except (MemoryError, ValueError, IndexError) as error:
                errors.append(error)
        return errors

    def blocks(self):
        """(lane, rack, frames, first, last) of each block that is complete."""
        found = []
        while True:
            length = self._source.next(self._buffer)
            if length:
                _, lane, rack, _, frames, _, first, last = struct.unpack_from(
                    records.BLOCK, self._buffer, 0
                )
                found.append((lane, rack, frames, first, last))
                self._source.release(self._source.mark)
            elif not self._source.busy:
                return found


class TierTest(unittest.TestCase):
    def test_one_set_of_all_racks_per_period(self):
        bench = Bench()
        bench.run_ms(10 * PERIOD_MS - 20)
        bench.tier.finish()
        self.assertEqual(
            bench.blocks(), [(records.FINE, rack, 10, 1, 10) for rack in range(RACKS)]
        )

    def test_a_chunk_ends_after_sixty_instants(self):
        bench = Bench()
        bench.run_ms((2 * INSTANTS + 5) * PERIOD_MS)
        blocks = bench.blocks()
        self.assertEqual([frames for _, _, frames, _, _ in blocks], [INSTANTS] * 2 * RACKS, blocks)
        self.assertEqual(blocks[0][3:], (1, INSTANTS))
        self.assertEqual(blocks[RACKS][3:], (INSTANTS + 1, 2 * INSTANTS))

    def test_no_rack_outgrows_a_message(self):
        bench = Bench(message_bytes=2048, cells=64)
        for _ in range(100):
            bench.scan()
            for cell in range(64):
                noise = (cell * 37 + bench.clock.ticks() * 17) % 401
                bench.racks[1].cells_mv[cell] = 3300 + noise
            bench.run_ms(PERIOD_MS)
        blocks = bench.blocks()
        self.assertEqual(bench.lanes.dropped, 0)
        for rack in range(RACKS):
            self.assertTrue(sum([each[2] for each in blocks if each[1] == rack]) > 80)
        self.assertTrue(len(blocks) > 2 * RACKS, len(blocks))

    def test_a_chunk_stays_within_one_file(self):
        bench = Bench(segment_bytes=8192, cells=64)
        for _ in range(90):
            bench.scan()
            bench.run_ms(PERIOD_MS)
        bench.tier.finish()
        bench.lanes.close()
        names = [name for name in bench.storage.files if name.endswith(".seg")]
        self.assertTrue(len(names) > 1, names)
        firsts = {first for _, _, _, first, _ in bench.blocks()}
        for name in sorted(names):
            self.assertIn(int(name.split("-")[-1][:-4], 16), firsts)

    def test_a_set_that_was_begun_is_completed_at_the_end(self):
        bench = Bench()
        bench.run_ms(PERIOD_MS + 40)  # two racks of the second set
        bench.tier.finish()
        self.assertEqual([each[2] for each in bench.blocks()], [2] * RACKS)

    def test_a_step_takes_one_rack_only(self):
        bench = Bench()
        for _ in range(RACKS):
            self.assertEqual(bench.lanes.fine.ring.next, 1)
            bench.run_ms(20)
        self.assertEqual(bench.lanes.fine.ring.next, 2)

    def test_a_period_that_was_slept_through_is_not_made_up_for(self):
        bench = Bench()
        bench.run_ms(2 * PERIOD_MS - 20)
        bench.clock.advance(10 * PERIOD_MS)
        bench.run_ms(PERIOD_MS - 20)
        bench.tier.finish()
        self.assertEqual([each[2] for each in bench.blocks()], [3] * RACKS)

    def test_one_error_costs_one_set_and_begins_a_new_chunk(self):
        bench = Bench()
        bench.scan()
        bench.run_ms(3 * PERIOD_MS - 20)
        bench.clock.short = 1
        errors = bench.run_over_errors(5 * PERIOD_MS)
        self.assertEqual([type(error) for error in errors], [MemoryError])
        bench.tier.finish()
        blocks = bench.blocks()
        self.assertEqual([each[2] for each in blocks], [3] * RACKS + [4] * RACKS)
        self.assertEqual(blocks[RACKS][3:], (4, 7))

    def test_an_error_while_a_chunk_begins_costs_no_more(self):
        bench = Bench()
        bench.lanes.fine.losses.add(1, 7, 9)  # so that a gap is to be appended first
        bench.clock.short = 1
        self.assertEqual(len(bench.run_over_errors(3 * PERIOD_MS)), 1)
        bench.tier.finish()
        self.assertEqual([each[2] for each in bench.blocks()][-RACKS:], [3] * RACKS)

    def test_the_largest_sections_stand_behind_each_other(self):
        bench = Bench(cells=720, message_bytes=65536)
        for data in bench.racks:
            for cell in range(720):
                data.cells_mv[cell] = 1 + cell * 7919 % 65000
            data.cells_sequence = 1
        self.assertEqual(bench.run_over_errors(3 * PERIOD_MS - 20), [])
        bench.tier.finish()
        self.assertEqual([each[2] for each in bench.blocks()], [3] * RACKS)
        self.assertEqual(bench.lanes.dropped, 0)

    def test_the_noisiest_rack_that_a_configuration_permits_is_recorded_whole(self):
        for cells, temps in ((1024, 67), (546, 545), (67, 1024)):
            check_permitted(cells, temps)
            bench = Bench(cells=cells, temps=temps, message_bytes=65536)
            bench.scan()
            noisy = bench.racks[1]
            for cell in range(cells):
                noisy.cells_mv[cell] = 1 + cell * 7919 % 65000
            for sensor in range(temps):
                noisy.temps_dc[sensor] = sensor * 7919 % 64000 - 32000
            bench.run_ms(2 * PERIOD_MS - 20)
            bench.tier.finish()
            self.assertEqual([each[2] for each in bench.blocks()], [2] * RACKS)
            self.assertEqual(bench.lanes.dropped, 0)
            rewind = Rewind(1, cells, temps, 10)
            rewind.take_cells(0, noisy.cells_mv, noisy.temps_dc, 0)
            self.assertEqual((rewind.left_out, rewind.ring(0, CELL_SCANS).next), (0, 1))
            del bench, noisy, rewind
            gc.collect()

    def test_one_value_more_is_refused_and_so_is_a_record_that_does_not_fit(self):
        for cells, temps in ((1024, 68), (546, 546), (68, 1024)):
            with self.assertRaises(ConfigError) as caught:
                check_permitted(cells, temps)
            self.assertIn("cells_per_rack: more than 1091", str(caught.exception))
        with self.assertRaises(ValueError):
            Bench(cells=1024, temps=1024, message_bytes=65536)

    def test_a_whole_site_is_recorded(self):
        site = RecordedSite()
        site.run_ms(10000)
        site.sampler.finish()
        messages = site.messages(records.FINE)
        self.assertEqual([topic for topic, _ in messages], ["blocks"])
        self.assertEqual(struct.unpack_from(records.BLOCK, messages[0][1], 0)[4], 10)


if __name__ == "__main__":
    unittest.main()
