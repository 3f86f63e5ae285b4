"""When a relay may be energised, and when it may stay so: from the registers to the relay."""

import unittest

from enforcer_bench import (
    ARM_MS,
    RELAYS,
    SITE_RELAY,
    Site,
)
from rack_wire import CHARGE_LIMIT, OPEN_COMMAND

from gateway.outputs import closing
from gateway.protection import rules
from gateway.protection.latches import RELEASED


class PermitTest(unittest.TestCase):
    def test_relays_stay_open_until_the_site_is_armed(self):
        site = Site()
        site.run_ms(ARM_MS - 100)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.relays.state[SITE_RELAY], 0)
        site.run_ms(700)
        self.assertEqual(site.closed(), (1, 1))
        self.assertEqual(site.relays.state[SITE_RELAY], 1)

    def test_a_rack_that_never_answered_stays_open(self):
        site = Site()
        site.wires[1].silent = True
        site.run_ms(8000)
        self.assertEqual(site.closed(), (1, 0))
        self.assertEqual(site.enforcer.closing.reasons[1], closing.NO_PERMIT)

    def test_a_latched_rack_stays_open_after_a_restart_and_is_commanded_open(self):
        site = Site(latched=((0, rules.CELL_OVERVOLTAGE),))
        site.run_ms(15000, 10)
        self.assertEqual(site.closed(), (0, 1))
        self.assertEqual(site.last_written(0, OPEN_COMMAND), 0)
        self.assertFalse(site.enforcer.escalated)

    def test_contactors_are_never_commanded_closed(self):
        site = Site()
        site.run_ms(10000)
        for wire in site.wires:
            self.assertEqual([entry for entry in wire.written if entry[0] == OPEN_COMMAND], [])

    def test_a_broken_relay_keeps_no_other_closed(self):
        site = Site()
        site.run_ms(5000)
        healthy = site.relays.set

        def broken(number, energised):
            if number == RELAYS[0]:
                raise OSError(5)
            healthy(number, energised)

        site.relays.set = broken
        site.enforcer.stop()
        self.assertEqual(site.relays.state[RELAYS[1]], 0)
        self.assertEqual(site.enforcer.bank.errors, 1)

    def test_an_open_rack_is_closed_on_good_data_only(self):
        site = Site(latched=((0, rules.CELL_OVERVOLTAGE),))
        site.run_ms(9000)
        site.wires[0].registers[0x000C] = 0  # implausible from now on
        site.run_ms(600)
        self.assertEqual(site.reset(0), RELEASED)
        site.run_ms(300)
        self.assertEqual(site.closed(), (0, 1))
        site.wires[0].registers[0x000C] = 3290
        site.run_ms(700)
        self.assertEqual(site.closed(), (1, 1))

    def test_after_a_reset_the_contactor_is_left_to_the_bms(self):
        site = Site(latched=((0, rules.CELL_OVERVOLTAGE),))
        site.run_ms(9000)
        self.assertEqual(site.reset(0), RELEASED)
        site.run_ms(100)
        site.wires[0].written = []
        site.run_ms(5000)
        self.assertIsNone(site.last_written(0, OPEN_COMMAND))

    def test_stop_opens_everything_for_good(self):
        site = Site()
        site.run_ms(5000)
        site.enforcer.stop()
        self.assertEqual(sum(site.relays.state), 0)
        site.run_ms(5000)
        self.assertEqual(sum(site.relays.state), 0)

    def test_a_rack_joins_others_near_and_at_rest_only(self):
        for away_dv, current_da, coldest_dc, joins in (
            (31, 0, 240, False),
            (30, 0, 240, True),
            (11, 0, -10, False),
            (10, 0, -10, True),
            (0, 500, 240, False),
        ):
            site = Site()
            voltage_dv = site.wires[0].registers[0x0006]
            site.wires[1].registers[0x0006] = voltage_dv - 200
            site.run_ms(3000)
            site.wires[0].wanted_da = current_da
            site.run_ms(5000)
            self.assertEqual(site.closed(), (1, 0))
            site.wires[1].registers[0x0011] = coldest_dc
            site.wires[1].registers[0x000F] = coldest_dc + 20
            site.run_ms(1000)
            site.wires[1].registers[0x0006] = voltage_dv - away_dv
            site.run_ms(2000)
            self.assertEqual(site.closed()[1] == 1, joins, (away_dv, current_da, coldest_dc))

    def test_a_relay_is_taken_back_before_a_contactor_closes_onto_another_voltage(self):
        site = Site()
        site.wires[1].stuck = 0  # its BMS has not closed yet
        site.run_ms(5000)
        self.assertEqual(site.closed(), (1, 1))
        site.wires[1].registers[0x0006] -= 60
        site.run_ms(600)
        self.assertEqual(site.closed(), (1, 0))
        self.assertFalse(site.protections[1].latches.any_held)

    def test_a_contactor_that_reads_closed_behind_an_open_relay_takes_the_site_down(self):
        site = Site()
        site.wires[1].stuck = 1
        site.run_ms(1800)
        self.assertEqual(site.closed(), (0, 0))
        site.run_ms(6000)
        self.assertTrue(site.protections[1].latches.held(rules.CONTACTOR_MISMATCH))
        self.assertTrue(site.enforcer.escalated)
        self.assertEqual(site.relays.state[SITE_RELAY], 0)

    def test_a_rack_that_fell_silent_counts_as_joined_at_its_last_voltage(self):
        site = Site()
        site.wires[0].registers[0x0006] += 40
        site.wires[1].registers[0x0200] = 1  # another BMS: it is not believed
        site.run_ms(5000)
        self.assertEqual(site.closed(), (1, 0))
        site.wires[0].silent = True
        site.run_ms(3000)
        site.wires[1].registers[0x0200] = 0x4716
        site.run_ms(9000)
        self.assertEqual(site.closed(), (0, 0))
        site.run_ms(120000, 20)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.enforcer.closing.reasons[1], closing.VOLTAGE_APART)

    def test_a_loop_that_stood_still_begins_as_at_a_start(self):
        site = Site()
        site.run_ms(150000, 10)
        self.assertEqual(site.last_written(0, CHARGE_LIMIT), 1570)
        site.enforcer.step(site.clock.advance(500))
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.enforcer.stalls, 1)
        site.run_ms(1500)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.last_written(0, CHARGE_LIMIT), 0)
        site.run_ms(1500)
        self.assertEqual(site.closed(), (1, 1))


if __name__ == "__main__":
    unittest.main()
