"""Scans with holes, elements of two registers, thresholds, and a BMS that has not started."""

import unittest

from bus_bench import PERIOD_MS, BusBench, leap, tcp_link, tcp_poller
from fake_hardware import HandClock
from rack_wire import RackWire
from register_frames import RegisterFrames, table
from test_register_map_features import CELLS, HIGH_WORD, U32, Table

from gateway.rack import incidents
from gateway.rack.block_reads import _pieces as cut
from gateway.rack.bus import Bus
from gateway.rack.data import ABSENT, CELL_ABSENT, GOOD, RackData
from gateway.rack.fields_array import checksum, checksum_bytecode
from gateway.rack.incidents import Incidents
from gateway.rack.register_map import RegisterMap

PRE, LEVEL1, LEVEL2 = 0x2080, 0x2040, 0x2400


class ScanTest(unittest.TestCase):
    def test_a_first_block_that_is_missing_stops_no_other(self):
        bench = BusBench(1)
        for address in range(0x1000, 0x1000 + 104):
            del bench.wire.registers[address]
        bench.run_ms(20000)
        data = bench.racks[0]
        before = data.cells_sequence
        bench.run_ms(20000)
        self.assertTrue(data.cells_sequence >= before + 4, data.cells_sequence)
        age_ms = (bench.clock.ticks() - data.cells_acquired) & 0x3FFFFFFF
        self.assertTrue(age_ms < 9000, age_ms)
        self.assertEqual(data.cells_mv[0], CELL_ABSENT)
        self.assertEqual(data.cells_mv[415], 3715)

    def test_any_cell_that_moves_shows_life(self):
        bench = BusBench(1)
        bench.run_ms(12000)
        data = bench.racks[0]
        still_ms = data.values_still_ms()
        self.assertTrue(still_ms > 6000, still_ms)  # nothing moves on this bench
        bench.wire.registers[0x1000 + 415] += 1
        bench.run_ms(4500)
        self.assertTrue(data.values_still_ms() < 4600)
        self.assertTrue(data.heartbeat_still_ms() > 15000)
        bench.run_ms(5000)
        still_ms = data.values_still_ms()
        self.assertTrue(still_ms > 4500, still_ms)
        bench.wire.registers[0x2000] += 1  # a temperature
        bench.run_ms(4500)
        self.assertTrue(data.values_still_ms() < 4600)

    def test_both_ways_of_summing_agree_and_see_every_bit(self):
        buffer = bytearray(range(250))
        found = checksum(buffer, 9, 240)
        self.assertEqual(found, checksum_bytecode(buffer, 9, 240))
        for at in (9, 100, 248):
            for bit in range(8):
                buffer[at] ^= 1 << bit
                self.assertTrue(checksum(buffer, 9, 240) != found)
                buffer[at] ^= 1 << bit
        buffer[8] ^= 1  # outside
        buffer[249] ^= 1
        self.assertEqual(checksum(buffer, 9, 240), found)
        with self.assertRaises(IndexError):
            checksum(buffer, 11, 240)


class WideElementTest(unittest.TestCase):
    """Cells of two registers, the high word first."""

    ARRAYS = ((CELLS, 0, 3, 0, U32, 1, 1, 0, ((HIGH_WORD, (0,)),), 2, 0, 0, 0, 0, 1, 0),)

    def test_either_register_that_is_missing_voids_the_cell(self):
        for missing, cell in ((2, 1), (3, 1), (7, 3), (0, 0)):
            with self.subTest(missing=missing):
                bench = RegisterFrames(Table(arrays=self.ARRAYS), 4, 2)
                bench.put(0, "0000 0CE4 0000 0CE4 0000 0CE4 0000 0CE4")
                block = bench.map.cells[0]
                bench.read_arrays()
                self.assertEqual(list(bench.data.cells_mv), [3300] * 4)
                bench.map.missing(bench.data, block, missing, 1)
                bench.read_arrays()
                wanted = [3300] * 4
                wanted[cell] = CELL_ABSENT
                self.assertEqual(list(bench.data.cells_mv), wanted)

    def test_no_element_is_torn_when_a_block_is_cut(self):
        bench = RegisterFrames(Table(arrays=self.ARRAYS), 4, 2)
        joined = bench.map.joined(bench.map.cells[0])
        self.assertEqual(sorted(joined), [1, 3, 5, 7])
        pieces = [(0, 8)]
        while any(count > 2 for _, count in pieces):
            pieces = [part for piece in pieces for part in cut(piece[0], piece[1], (), joined)]
        self.assertEqual(pieces, [(0, 2), (2, 2), (4, 2), (6, 2)])


class ThresholdBench:
    """A rack whose BMS lets its limits be read; a clock that leaps makes hours pass."""

    def __init__(self):
        self.clock = HandClock(0x3FFFE000)
        now = self.clock.ticks()
        self.wire = RackWire(4, self.clock, 2)
        registers = self.wire.registers
        registers.clear()
        for address in range(0x2000, 0x3000):
            registers[address] = 0
        values = (3, 0x2010), (13312, 0x2100), (3300, 0x2106), (3200, 0x2108), (3250, 0x210D)
        for value, address in values:
            registers[address] = value
        for base in (PRE, LEVEL1, LEVEL2):
            for offset in range(34):
                registers[base + offset] = base + offset
        self.log = Incidents()
        self.data = RackData(0, "rack", 4, 2, 1100, now)
        register_map = RegisterMap(table("soltaro_single_c"), 4, 2, 125)
        self.names = register_map.threshold_names
        self.poller = tcp_poller(self.data, register_map, now, self.log)
        self.bus = Bus("bus", tcp_link(self.wire), [self.poller], now)
        self.asked = []
        self.wire.on_request = self.note
        self.fresh = 0

    def note(self, unit, function, address):
        if function == 3 and address in (PRE, LEVEL1, LEVEL2):
            self.asked.append(address)

    def run_ms(self, duration_ms):
        while duration_ms > 0:
            leap_ms = leap(self.bus, self.wire, self.clock)
            duration_ms -= leap_ms
            self.fresh += self.bus.step(self.clock.advance(leap_ms)) >= 0

    def value(self, name):
        return self.data.thresholds[self.names.index(name)]


class StartOnTheBusTest(unittest.TestCase):
    """A BMS that starts when its contactor is allowed to close."""

    def test_it_lives_before_it_starts_and_its_open_contactor_is_believed(self):
        bench = ThresholdBench()
        registers = bench.wire.registers
        started = {address: registers[address] for address in (0x2010, 0x2100, 0x2106, 0x2108)}
        for address in started:
            registers[address] = 0
        bench.run_ms(20000)
        data, poller, now = bench.data, bench.poller, bench.clock.ticks()
        self.assertEqual((bench.fresh, data.sequence, data.implausible), (0, 0, 0))
        self.assertTrue(data.is_starting(now) and poller.contactor_open(now))
        self.assertTrue(data.silence_age_ms(now) < 600)
        poller.open_contactor(now)
        bench.run_ms(5000)
        self.assertEqual(bench.wire.written.count((0x2010, 0)), 1)  # its answer was the proof
        poller.leave_contactor()
        registers.update(started)
        bench.run_ms(600)
        self.assertEqual(data.quality(bench.clock.ticks()), GOOD)
        self.assertFalse(data.is_starting(bench.clock.ticks()))
        self.assertFalse(poller.contactor_open(bench.clock.ticks()))


class ThresholdTest(unittest.TestCase):
    def setUp(self):
        self.bench = ThresholdBench()
        self.data = self.bench.data

    def pass_an_hour(self):
        for _ in range(60):
            self.bench.clock.advance(60000)
            self.bench.run_ms(20)

    def test_they_are_read_after_the_identity_and_then_each_hour(self):
        self.assertEqual(set(self.data.thresholds), {ABSENT})
        self.assertEqual(self.data.thresholds_sequence, 0)
        self.bench.run_ms(6000)
        self.assertEqual(self.data.thresholds_sequence, 1)
        self.assertEqual(self.bench.value("pre_cell_over_set_mv"), PRE)
        self.assertEqual(self.bench.value("level2_temp_spread_clear_dc"), LEVEL2 + 33)
        self.assertEqual(self.data.thresholds.count(ABSENT), 0)
        self.assertEqual(sorted(self.bench.asked), [LEVEL1, PRE, LEVEL2])
        self.bench.run_ms(60000)
        self.assertEqual(len(self.bench.asked), 3)
        self.pass_an_hour()
        self.bench.run_ms(6000)
        self.assertTrue(self.data.thresholds_sequence >= 2)

    def test_they_take_nothing_from_the_summaries(self):
        self.bench.run_ms(20000)
        self.assertTrue(self.bench.fresh >= 20000 // PERIOD_MS - 1, self.bench.fresh)

    def test_on_request_they_are_read_anew(self):
        self.bench.run_ms(6000)
        self.bench.wire.registers[LEVEL2] = 3700
        self.bench.poller.read_thresholds(self.bench.clock.ticks())
        self.bench.run_ms(6000)
        self.assertEqual(self.data.thresholds_sequence, 2)
        self.assertEqual(self.bench.value("level2_cell_over_set_mv"), 3700)

    def test_a_request_during_a_reading_makes_another_whole_one(self):
        while len(self.bench.asked) < 2:
            self.bench.run_ms(1)
        self.bench.poller.read_thresholds(self.bench.clock.ticks())
        self.bench.run_ms(8000)
        self.assertEqual(self.data.thresholds_sequence, 2)
        self.assertEqual(len(self.bench.asked), 6)
        for base in ("pre", "level1", "level2"):
            wanted = {"pre": PRE, "level1": LEVEL1, "level2": LEVEL2}[base]
            self.assertEqual(self.bench.value(base + "_cell_over_set_mv"), wanted)

    def test_a_device_that_lacks_one_leaves_it_unknown(self):
        del self.bench.wire.registers[LEVEL1]
        self.bench.run_ms(20000)
        self.assertEqual(self.data.thresholds_sequence, 1)
        self.assertEqual(self.bench.value("level1_cell_over_set_mv"), ABSENT)
        self.assertEqual(self.bench.value("level1_cell_over_clear_mv"), LEVEL1 + 1)
        found = [self.bench.log.get(number) for number in range(self.bench.log.count)]
        self.assertIn((0, incidents.REGISTER_MISSING, LEVEL1, 1), found)

    def test_a_map_without_thresholds_needs_no_room(self):
        bench = BusBench(1)
        bench.run_ms(3000)
        self.assertEqual(bench.racks[0].thresholds, [])
        self.assertEqual(bench.racks[0].thresholds_sequence, 0)


if __name__ == "__main__":
    unittest.main()
