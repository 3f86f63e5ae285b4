"""When a contactor may be commanded open, what proves that it is, and refusals by the hundred."""

import unittest

from bus_bench import BusBench
from test_rack_writes import LIMIT, refusing

from gateway.rack import incidents
from gateway.rack.data import SUMMARY_FIELDS

COMMAND, CONTACTOR, STATE, CELL_MIN = 0x0100, 0x0002, 0x0001, 0x000C
STATE_SLOT = SUMMARY_FIELDS.index("state")
STANDBY, DISCHARGE = 0, 1


class OpeningTest(unittest.TestCase):
    def setUp(self):
        self.bench = BusBench(1)
        self.poller = self.bench.pollers[0]
        self.command = self.poller._map.open_contactor  # of the map of this bench alone
        self.bench.run_ms(2000)

    def now(self):
        return self.bench.clock.ticks()

    def allow(self, values):
        self.command.when_slot = STATE_SLOT
        self.command.when_values = values

    def test_an_interlocked_command_waits_and_is_told(self):
        self.allow((STANDBY,))
        self.poller.open_contactor(self.now())
        self.bench.run_ms(5000)
        self.assertEqual(self.bench.written(COMMAND), [])
        self.assertEqual(self.poller.writes.forbidden, 1)
        told = (0, incidents.OPEN_FORBIDDEN, COMMAND)
        self.assertEqual(self.bench.codes().count(told), 1)
        self.bench.wire.registers[STATE] = STANDBY
        self.bench.run_ms(600)
        self.assertEqual(self.bench.written(COMMAND), [0])
        self.bench.wire.registers[STATE] = DISCHARGE
        self.bench.run_ms(3000)
        self.assertEqual(self.poller.writes.forbidden, 2)
        self.assertEqual(self.bench.codes().count(told), 1)

    def test_what_is_not_known_forbids_no_opening(self):
        self.allow((STANDBY,))
        self.bench.wire.registers[CELL_MIN] = 0  # void from now on
        self.bench.run_ms(1000)
        self.poller.open_contactor(self.now())
        self.bench.run_ms(100)
        self.assertEqual(self.bench.written(COMMAND), [0])
        self.assertEqual(self.poller.writes.forbidden, 0)

    def test_only_fresh_good_data_prove_an_open_contactor(self):
        self.assertFalse(self.poller.contactor_open(self.now()))
        self.assertFalse(self.poller.open_proved(self.now()))
        self.bench.wire.registers[CONTACTOR] = 0
        self.bench.run_ms(600)
        self.assertTrue(self.poller.contactor_open(self.now()))
        self.assertTrue(self.poller.open_proved(self.now()))
        self.bench.wire.silent = True
        self.bench.run_ms(1800)
        self.assertFalse(self.poller.contactor_open(self.now()))
        self.assertFalse(self.poller.open_proved(self.now()))

    def test_void_data_prove_nothing(self):
        self.bench.wire.registers[CONTACTOR] = 0
        self.bench.run_ms(600)
        self.bench.wire.registers[CELL_MIN] = 0
        self.bench.run_ms(600)
        self.assertFalse(self.poller.contactor_open(self.now()))
        self.assertFalse(self.poller.open_proved(self.now()))

    def test_a_map_may_name_another_proof(self):
        self.command.slot = STATE_SLOT
        self.command.expected = STANDBY
        self.poller.open_contactor(self.now())
        self.bench.run_ms(2500)
        self.assertEqual(self.bench.written(COMMAND), [0, 0, 0])
        self.bench.wire.registers[STATE] = STANDBY
        self.bench.run_ms(600)
        self.assertTrue(self.poller.open_proved(self.now()))
        self.assertFalse(self.poller.contactor_open(self.now()))
        count = len(self.bench.written(COMMAND))
        self.bench.run_ms(3000)
        self.assertEqual(len(self.bench.written(COMMAND)), count)


class FloodTest(unittest.TestCase):
    def test_a_device_that_refuses_every_write_leaves_room_for_others(self):
        bench = BusBench(1)
        bench.pollers[0].set_limits(1570, 1570, bench.clock.ticks())
        bench.run_ms(6000)
        bench.log.put(0, incidents.UNIT_BACK, 0, 0)
        bench.wire.change = refusing(6)
        bench.pollers[0].set_limits(0, 0, bench.clock.ticks())
        bench.pollers[0].open_contactor(bench.clock.ticks())
        bench.run_ms(60000)
        job = bench.pollers[0].writes.jobs[2]
        self.assertTrue(job.refused > 100, job.refused)  # each is counted where it belongs
        codes = bench.codes()
        self.assertIn((0, incidents.UNIT_BACK, 0), codes)
        for address in (COMMAND, job.address):
            self.assertEqual(codes.count((0, incidents.WRITE_REFUSED, address)), 1)
        self.assertEqual(codes.count((0, incidents.WRITE_FAILED, job.address)), 1)

    def test_numbers_beyond_an_entry_end_at_its_highest(self):
        log = incidents.Incidents()
        log.put(0, incidents.UNIT_DOWN, 0, 70000)
        self.assertEqual(log.get(0), (0, incidents.UNIT_DOWN, 0, 65535))

    def test_it_is_told_again_after_a_while(self):
        log = incidents.Incidents()
        log.make_room(1)

        def is_news(now, rack=1, write=3, code=incidents.WRITE_FAILED):
            before = log.count
            log.put_of_write(rack, code, write, LIMIT, 0, now)
            return log.count > before

        self.assertTrue(is_news(0x3FFFFFFF))  # ticks wrap now
        self.assertFalse(is_news(599990))
        self.assertTrue(is_news(600000))
        self.assertFalse(is_news(600001))
        for other in ({"rack": 0}, {"write": 2}, {"code": incidents.WRITE_REFUSED}):
            self.assertTrue(is_news(600001, **other))
            self.assertFalse(is_news(600001, **other))
        self.assertFalse(is_news(600001))
        now = 600001
        for _ in range(20):  # weeks later
            now = (now + 24 * 3600 * 1000) & 0x3FFFFFFF
            log.keep_comparable(1, now)
        self.assertTrue(is_news(now))


if __name__ == "__main__":
    unittest.main()
