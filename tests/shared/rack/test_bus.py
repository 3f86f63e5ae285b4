"""Several racks behind one link: who is asked when, and what a bad one takes from the others."""

import unittest

from bus_bench import PERIOD_MS, BusBench

from gateway.rack import incidents

UNITS = 12


class ShareTest(unittest.TestCase):
    def test_twelve_racks_keep_their_period_and_all_cells_are_read(self):
        bench = BusBench(UNITS, latency_ms=5)
        bench.run_ms(20000)
        for rack in range(UNITS):
            gaps = bench.gaps(rack, 2000)
            self.assertTrue(max(gaps) <= PERIOD_MS + 10, (rack, max(gaps)))
            self.assertTrue(min(gaps) >= PERIOD_MS - 10, (rack, min(gaps)))
            self.assertEqual(bench.racks[rack].cells_mv[415], 3715)
            self.assertTrue(bench.racks[rack].cells_sequence >= 3)
        counts = [data.cells_sequence for data in bench.racks]
        self.assertTrue(max(counts) - min(counts) <= 1, counts)

    def test_a_slow_bus_gives_all_its_spare_time_to_cells_and_shares_it(self):
        # 12 summaries take 300 ms of 500; a cell block of 25 ms fits 7 times into the rest
        bench = BusBench(UNITS, latency_ms=24)
        bench.run_ms(3000)
        shares = bench.count_scans()
        bench.run_ms(30000)
        for rack in range(UNITS):
            self.assertTrue(max(bench.gaps(rack, 4000)) <= PERIOD_MS + 30)
        self.assertTrue(sum(shares) > 60 * 5, shares)
        self.assertTrue(max(shares) <= min(shares) + 3, shares)

    def test_no_spare_read_makes_a_summary_late(self):
        bench = BusBench(2, latency_ms=40)
        bench.run_ms(10000)
        for rack in range(2):
            self.assertTrue(max(bench.gaps(rack, 2000)) <= PERIOD_MS + 5)

    def test_use_of_the_line_is_told(self):
        bench = BusBench(2, latency_ms=40)
        bench.run_ms(25000)
        self.assertTrue(150 <= bench.bus.use_pm <= 1000, bench.bus.use_pm)


class DeadUnitTest(unittest.TestCase):
    def test_a_dead_unit_takes_almost_nothing_from_the_others(self):
        bench = BusBench(UNITS, latency_ms=5)
        bench.run_ms(5000)
        bench.wire.silent_units = (4,)
        bench.run_ms(3000)  # until it counts as down
        start_ms = bench.clock.uptime_ms()
        asked = []

        def note(unit, function, address):
            if unit == 4:
                asked.append(bench.clock.uptime_ms())

        bench.wire.on_request = note
        bench.run_ms(60000)
        for rack in range(UNITS):
            if rack != 3:
                gaps = sorted(bench.gaps(rack, start_ms))
                self.assertTrue(gaps[len(gaps) * 99 // 100] <= 550, (rack, gaps[-3:]))
        pauses = [b - a for a, b in zip(asked, asked[1:])]
        self.assertTrue(5 <= len(asked) <= 9, asked)
        self.assertEqual(pauses, sorted(pauses))
        self.assertIn((3, incidents.UNIT_DOWN, 0), bench.codes())

    def test_it_is_found_again_and_told_everything(self):
        bench = BusBench(3, latency_ms=5)
        bench.run_ms(3000)
        bench.pollers[1].set_limits(500, 600, bench.clock.ticks())
        bench.run_ms(1000)
        bench.wire.silent_units = (2,)
        bench.run_ms(10000)
        bench.wire.silent_units = ()
        bench.wire.written = []
        bench.run_ms(8500)
        self.assertEqual(bench.racks[1].quality(bench.clock.ticks()), 1)
        self.assertIn(500, bench.written(0x0102))
        self.assertIn((1, incidents.UNIT_BACK, 0), bench.codes())

    def test_retry_now_ends_a_long_pause(self):
        bench = BusBench(2, latency_ms=5)
        bench.run_ms(3000)
        bench.wire.silent_units = (2,)
        bench.run_ms(120000)
        bench.wire.silent_units = ()
        bench.bus.retry_now(bench.clock.ticks())
        bench.run_ms(1200)
        self.assertEqual(bench.racks[1].quality(bench.clock.ticks()), 1)

    def test_a_rack_alone_on_its_line_is_asked_all_the_time(self):
        bench = BusBench(1)
        bench.run_ms(3000)
        bench.wire.silent = True
        bench.run_ms(60000)
        bench.wire.silent = False
        bench.run_ms(3500)
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)


class MissingRegisterTest(unittest.TestCase):
    def test_the_bad_register_is_found_and_all_others_are_read(self):
        bench = BusBench(1)
        del bench.wire.registers[0x1000 + 137]
        bench.run_ms(12000)
        cells = bench.racks[0].cells_mv
        self.assertEqual([cells[136], cells[138], cells[415]], [3436, 3438, 3715])
        self.assertIn((0, incidents.REGISTER_MISSING, 0x1000 + 137), bench.codes())
        self.assertTrue(cells[137] not in (0, 3437), cells[137])  # neither zero nor invented
        self.assertTrue(bench.racks[0].cells_sequence >= 1)

    def test_a_missing_value_that_nothing_depends_on_stops_nothing(self):
        bench = BusBench(1)
        del bench.wire.registers[0x0016]  # insulation
        bench.run_ms(5000)
        data = bench.racks[0]
        self.assertEqual(data.quality(bench.clock.ticks()), 1)
        self.assertEqual(data.summary[22], -(1 << 30))
        self.assertEqual(data.summary[10], 3310)
        self.assertTrue(max(bench.gaps(0, 3000)) <= PERIOD_MS + 60)

    def test_a_missing_vital_value_is_never_made_up(self):
        bench = BusBench(1)
        del bench.wire.registers[0x000C]  # lowest cell
        bench.run_ms(6000)
        self.assertEqual(bench.racks[0].sequence, 0)

    def test_a_register_that_comes_back_is_read_again(self):
        bench = BusBench(1)
        del bench.wire.registers[0x000C]
        bench.run_ms(3000)
        bench.wire.registers[0x000C] = 3290
        bench.bus.retry_now(bench.clock.ticks())
        bench.run_ms(1500)
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)

    def test_a_device_without_any_summary_costs_one_question_per_slot(self):
        bench = BusBench(3, latency_ms=5)
        bench.run_ms(3000)
        own = dict(bench.wire.registers)
        for address in range(0x0019):
            del own[address]
        bench.wire.units[2] = own
        bench.run_ms(10000)
        asked = []
        bench.wire.on_request = lambda unit, function, address: asked.append(unit)
        bench.run_ms(20000)
        self.assertTrue(asked.count(2) <= 2 * asked.count(1), (asked.count(2), asked.count(1)))
        self.assertTrue(len(bench.racks[1].missing_registers) <= 25)
        bench.wire.units.clear()
        bench.run_ms(3000)
        self.assertEqual(bench.racks[1].quality(bench.clock.ticks()), 1)

    def test_a_burst_of_refusals_does_not_end_in_silence(self):
        bench = BusBench(1, latency_ms=5)
        bench.run_ms(3000)
        summary = {}
        for address in range(0x0019):
            summary[address] = bench.wire.registers.pop(address)
        bench.run_ms(700)
        bench.wire.registers.update(summary)
        bench.run_ms(4000)
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)
        self.assertTrue(max(bench.gaps(0)) <= 5000, max(bench.gaps(0)))

    def test_a_block_that_is_missing_stops_no_other(self):
        bench = BusBench(1)
        for address in range(0x1000 + 104, 0x1000 + 208):
            del bench.wire.registers[address]
        bench.run_ms(20000)
        before = bench.racks[0].cells_sequence
        bench.run_ms(20000)
        self.assertTrue(bench.racks[0].cells_sequence >= before + 4)

    def test_other_refusals_split_nothing(self):
        bench = BusBench(1)
        bench.run_ms(2000)
        busy = {"on": True}

        def refuse(answer):
            if busy["on"] and answer[7] == 3:
                return answer[:4] + b"\x00\x03" + answer[6:7] + b"\x83\x06"
            return answer

        bench.wire.change = refuse
        bench.run_ms(2000)
        busy["on"] = False
        bench.run_ms(5000)
        self.assertEqual([code for _, code, _ in bench.codes()], [])
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)


class MalformedTest(unittest.TestCase):
    def test_a_unit_that_answers_badly_does_not_take_the_link_from_the_others(self):
        bench = BusBench(4, latency_ms=5)
        bench.run_ms(5000)

        def shorten(answer):
            if answer[6] != 4 or answer[7] != 3:
                return answer
            return answer[:5] + bytes([answer[5] - 2]) + answer[6:8] + answer[9:-1]

        bench.wire.change = shorten
        bench.run_ms(5000)
        start_ms = bench.clock.uptime_ms()
        bench.run_ms(60000)
        for rack in range(3):
            gaps = sorted(bench.gaps(rack, start_ms))
            self.assertTrue(gaps[len(gaps) * 95 // 100] <= 550, gaps[-5:])
            self.assertTrue(bench.racks[rack].cells_sequence >= 5)
        self.assertTrue(bench.pollers[3].health.down)

    def test_another_bms_behind_a_new_connection_is_not_believed(self):
        bench = BusBench(1)
        bench.run_ms(3000)
        bench.wire.closed = True
        bench.wire.refuse_connection = True
        bench.run_ms(20000)
        bench.wire.refuse_connection = False
        bench.wire.registers[0x0200] = 0x1234
        sequence = bench.racks[0].sequence
        bench.wire.written = []
        bench.run_ms(10000)
        self.assertEqual(bench.racks[0].sequence, sequence)
        self.assertEqual(bench.wire.written, [])
        self.assertIn((0, incidents.IDENTITY, 0), bench.codes())


class LongLifeTest(unittest.TestCase):
    """Weeks of health, then trouble: every due time must still be comparable."""

    def live(self, bench, days):
        for _ in range(days * 24 * 2):
            bench.run_ms(40)  # some work, then half an hour at once
            bench.clock.advance(1800000)
            bench.wire.closed = False
            bench.wire.written = []
        bench.run_ms(5000)

    def test_an_opening_after_a_week_of_a_contactor_that_read_open(self):
        bench = BusBench(1, latency_ms=0)
        bench.run_ms(2000)
        bench.wire.registers[0x0002] = 0
        bench.pollers[0].open_contactor(bench.clock.ticks())
        self.live(bench, 7)
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)
        bench.wire.written = []
        bench.wire.registers[0x0002] = 1  # somebody closes it at the BMS
        bench.run_ms(3000)
        self.assertTrue(len(bench.written(0x0100)) >= 2)

    def test_a_rack_that_is_identified_after_a_week(self):
        bench = BusBench(1, latency_ms=0)
        bench.wire.registers[0x0200] = 0x1234
        bench.pollers[0].set_limits(0, 0, bench.clock.ticks())
        self.live(bench, 7)
        bench.wire.registers[0x0200] = 0x4716
        bench.run_ms(45000)
        self.assertEqual(bench.written(0x0102)[-1:], [0])
        self.assertTrue(bench.racks[0].cells_sequence >= 1)


class HotTest(unittest.TestCase):
    def test_a_hot_rack_is_read_every_100_ms(self):
        bench = BusBench(1, latency_ms=5)
        bench.run_ms(5000)
        bench.pollers[0].hot = True
        start_ms = bench.clock.uptime_ms() + 500
        bench.run_ms(10000)
        self.assertTrue(max(bench.gaps(0, start_ms)) <= 112, max(bench.gaps(0, start_ms)))
        self.assertTrue(bench.racks[0].cells_sequence >= 3)

    def test_behind_a_shared_link_it_waits_for_the_others_but_they_do_not_pay(self):
        bench = BusBench(UNITS, latency_ms=5)
        bench.run_ms(5000)
        bench.pollers[7].hot = True
        start_ms = bench.clock.uptime_ms() + 500
        bench.run_ms(10000)
        burst_ms = UNITS * 6
        self.assertTrue(max(bench.gaps(7, start_ms)) <= 112 + burst_ms)
        for rack in range(UNITS):
            if rack != 7:
                self.assertTrue(max(bench.gaps(rack, start_ms)) <= PERIOD_MS + 10)
        self.assertTrue(bench.racks[0].cells_sequence >= 3)

    def test_on_a_crowded_line_hot_racks_leave_room_for_the_cells(self):
        bench = BusBench(UNITS, latency_ms=24)
        bench.run_ms(5000)
        for poller in bench.pollers:
            poller.hot = True
        shares = bench.count_scans()
        bench.run_ms(10000)
        self.assertTrue(sum(shares) >= 20 * 2, shares)
        for rack in range(UNITS):
            self.assertTrue(max(bench.gaps(rack, 6000)) <= PERIOD_MS + 30)


if __name__ == "__main__":
    unittest.main()
