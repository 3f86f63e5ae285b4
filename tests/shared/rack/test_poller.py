import unittest

from bus_bench import PERIOD_MS, BusBench

from gateway.clock import diff
from gateway.modbus.link import WAITING
from gateway.rack.data import GOOD, STALE


class PollerTest(unittest.TestCase):
    def setUp(self):
        self.bench = BusBench(1, latency_ms=0)
        self.clock = self.bench.clock
        self.wire = self.bench.wire
        self.data = self.bench.racks[0]
        self.poller = self.bench.pollers[0]
        self.link = self.bench.bus.link
        self.fresh_at = self.bench.fresh_at[0]
        self.run_ms = self.bench.run_ms
        self.written = self.bench.written

    def test_summary_keeps_its_grid_whatever_else_is_read(self):
        self.bench.longest_leap_ms = 1  # as fine as the grid is looked at
        self.run_ms(20000)
        self.assertEqual(len(self.fresh_at), 40)
        steps = [b - a for a, b in zip(self.fresh_at, self.fresh_at[1:])]
        self.assertTrue(max(steps) <= PERIOD_MS + 5, max(steps))
        self.assertTrue(min(steps) >= PERIOD_MS - 5, min(steps))
        self.assertEqual(self.poller.skipped, 0)

    def test_every_cell_and_temperature_is_read_every_few_seconds(self):
        self.run_ms(4500)
        self.assertEqual(self.data.cells_mv[0], 3300)
        self.assertEqual(self.data.cells_mv[415], 3715)
        self.assertEqual(self.data.temps_dc[207], 447)
        self.run_ms(20000)
        self.assertTrue(5 <= self.data.cells_sequence <= 6, self.data.cells_sequence)
        self.assertTrue(diff(self.clock.ticks(), self.data.cells_acquired) < 8500)

    def test_silent_rack_goes_stale_and_comes_back(self):
        self.run_ms(3000)
        self.wire.silent = True
        self.run_ms(2000)
        self.assertEqual(self.data.quality(self.clock.ticks()), STALE)
        self.wire.silent = False
        self.run_ms(3000)
        self.assertEqual(self.data.quality(self.clock.ticks()), GOOD)

    def test_contactor_is_commanded_open_until_it_reads_open(self):
        self.run_ms(1000)
        self.assertEqual(self.written(0x0100), [])
        self.poller.open_contactor(self.clock.ticks())
        self.run_ms(20)
        self.assertEqual(self.written(0x0100), [0])
        self.run_ms(3000)  # it still reads closed: told again each second
        self.assertEqual(self.written(0x0100), [0, 0, 0, 0])
        self.wire.registers[0x0002] = 0
        self.run_ms(3000)
        self.assertTrue(len(self.written(0x0100)) <= 5)
        self.assertTrue(self.poller.writes.open_commands >= 4)

    def test_void_data_do_not_prove_a_contactor_open(self):
        self.run_ms(1000)
        self.wire.registers[0x0002] = 0
        self.poller.open_contactor(self.clock.ticks())
        self.run_ms(3000)
        told = len(self.written(0x0100))
        self.run_ms(3000)
        self.assertEqual(len(self.written(0x0100)), told)
        self.wire.registers[0x000C] = 0  # void from now on
        self.run_ms(5000)
        self.assertTrue(len(self.written(0x0100)) >= told + 4)

    def test_granted_current_is_written_at_once_and_repeated(self):
        self.poller.set_limits(1570, 1570, self.clock.ticks())
        self.run_ms(6000)
        self.poller.set_limits(785, 0, self.clock.ticks())
        self.run_ms(20)
        self.assertEqual(self.written(0x0102)[-1], 785)
        self.assertEqual(self.written(0x0103)[-1], 0)
        count = len(self.written(0x0102))
        self.run_ms(31000)
        self.assertEqual(len(self.written(0x0102)), count + 1)

    def test_limit_changed_while_its_write_is_under_way(self):
        self.poller.set_limits(1570, 1570, self.clock.ticks())
        self.run_ms(6000)
        self.poller.set_limits(785, 785, self.clock.ticks())
        self.bench.bus.step(self.clock.advance(1))
        self.poller.set_limits(0, 0, self.clock.ticks())
        self.run_ms(50)
        self.assertEqual(self.written(0x0102)[-1], 0)
        self.assertEqual(self.link.losses, 0)

    def test_silence_of_weeks_delays_nothing_afterwards(self):
        self.run_ms(3000)
        self.wire.refuse_connection = True
        self.wire.closed = True
        for _ in range(8 * 24):
            self.bench.bus.step(self.clock.advance(3600000))
            self.data.hold_age(self.clock.ticks())
        self.assertEqual(self.data.quality(self.clock.ticks()), STALE)
        self.wire.refuse_connection = False
        self.wire.written = []
        self.wire.registers[0x1000] = 3456
        self.run_ms(9000)
        self.assertEqual(self.data.quality(self.clock.ticks()), GOOD)
        self.assertEqual(self.data.cells_mv[0], 3456)
        self.assertTrue(self.written(0x0102) and self.written(0x0101))

    def test_weeks_of_waiting_do_not_delay_an_opening(self):
        for _ in range(8 * 24):
            self.run_ms(3)
            self.clock.advance(3600000)
        self.run_ms(3000)
        self.poller.open_contactor(self.clock.ticks())
        self.run_ms(20)
        self.assertEqual(self.written(0x0100), [0])

    def test_a_refused_block_does_not_stop_the_others(self):
        for address in range(0x1000 + 104, 0x1000 + 208):
            del self.wire.registers[address]
        self.run_ms(9000)
        self.assertEqual(self.data.cells_mv[0], 3300)
        self.assertEqual(self.data.cells_mv[415], 3715)
        self.assertEqual(self.data.temps_dc[207], 447)
        self.assertEqual(set(self.data.cells_mv[104:208]), {0xFFFF})  # not available
        self.assertTrue(self.data.cells_sequence >= 1)

    def test_age_counts_from_the_question(self):
        self.run_ms(2000)
        held = []
        self.wire.change = lambda answer: held.append(answer) or b""
        summary_bytes = 9 + 2 * 25
        while not held or len(held[-1]) != summary_bytes:
            self.run_ms(1)
        asked = self.clock.ticks()
        self.assertEqual(self.link.state, WAITING)
        before = len(self.fresh_at)
        self.run_ms(40)
        self.wire.outbox.extend(held[-1])
        self.run_ms(1)
        self.assertEqual(len(self.fresh_at), before + 1)
        self.assertEqual(self.data.acquired, asked)

    def test_heartbeat_counts_up_every_ten_seconds(self):
        self.run_ms(51000)
        beats = self.written(0x0101)
        self.assertEqual(beats, list(range(1, len(beats) + 1)))
        self.assertTrue(len(beats) in (5, 6), beats)


if __name__ == "__main__":
    unittest.main()
