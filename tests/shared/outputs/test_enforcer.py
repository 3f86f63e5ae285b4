"""From the register on the wire or the input to the relay, through every part between them."""

import unittest

from enforcer_bench import (
    ARM_MS,
    RELAYS,
    SITE_RELAY,
    Site,
)
from rack_wire import CHARGE_LIMIT, DISCHARGE_LIMIT, OPEN_COMMAND, SUMMARY
from sample_site import LIMITS

from gateway.outputs import closing, opening
from gateway.protection import rules
from gateway.protection.latches import RELEASED

# rule: register and the raw value that is far beyond level 3
BEYOND = {
    "cell_overvoltage": (0x000A, 3700),
    "cell_undervoltage": (0x000C, 2300),
    "deep_discharge": (0x000C, 1900),
    "rack_overvoltage": (0x0006, 7600),
    "rack_undervoltage": (0x0006, 5500),
    "charge_overtemperature": (0x000F, 650),
    "discharge_overtemperature": (0x000F, 650),
    "discharge_undertemperature": (0x0011, -320),
    "insulation": (0x0016, 90),
}


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
            site.wires[1].silent = True
            site.run_ms(5000)
            site.wires[0].wanted_da = current_da
            site.run_ms(9000, 10)
            site.wires[1].silent = False
            site.wires[1].registers[0x0006] = site.wires[0].registers[0x0006] - away_dv
            site.wires[1].registers[0x0011] = coldest_dc
            site.wires[1].registers[0x000F] = coldest_dc + 20
            site.run_ms(90000, 10)
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
        site.wires[1].silent = True
        site.run_ms(5000)
        self.assertEqual(site.closed(), (1, 0))
        site.wires[0].silent = True
        site.run_ms(11000)
        self.assertEqual(site.closed(), (0, 0))
        site.wires[1].silent = False
        site.run_ms(90000, 10)
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


class TripTest(unittest.TestCase):
    def test_every_rule_drops_its_relay_and_opens_its_contactor_in_time(self):
        for rule in BEYOND:
            with self.subTest(rule=rule):
                site = Site()
                site.run_ms(5000)
                address, value = BEYOND[rule]
                site.wires[0].registers[address] = value
                delay_ms = LIMITS[rule][2][2]
                if rule != "deep_discharge":  # under-voltage is earlier
                    site.run_ms(delay_ms - 10)
                    self.assertEqual(site.closed(), (1, 1))
                site.run_ms(1600)
                self.assertEqual(site.closed(), (0, 1))
                site.run_ms(9000 if rule == "deep_discharge" else 50)
                self.assertTrue(site.protections[0].latches.held(rules.NAMES.index(rule)))
                self.assertEqual(site.last_written(0, OPEN_COMMAND), 0)
                self.assertIsNone(site.last_written(1, OPEN_COMMAND))
                self.assertEqual(site.last_written(0, CHARGE_LIMIT), 0)
                self.assertEqual(site.last_written(0, DISCHARGE_LIMIT), 0)
                site.wires[0].registers[address] = SUMMARY[address]
                site.run_ms(12000, 10)
                self.assertEqual(site.closed(), (0, 1))

    def test_under_load_the_current_is_asked_to_go_first(self):
        site = Site()
        site.run_ms(3000)
        site.wires[0].wanted_da = 1000
        site.run_ms(60000, 10)
        loaded_da = site.wires[0].registers[0x0007]
        self.assertTrue(loaded_da > 500, loaded_da)
        site.wires[0].registers[0x000A] = 3700
        site.run_until(lambda: not site.closed()[0], 3000)
        self.assertEqual(site.wires[0].registers[0x0007], 0)
        self.assertEqual(site.last_written(0, CHARGE_LIMIT), 0)
        site.run_ms(1000)
        self.assertEqual(site.enforcer.openings[0].state, opening.PROVEN)
        self.assertEqual(site.enforcer.openings[0].loaded, 0)

    def test_a_converter_that_does_not_obey_gains_two_seconds_and_no_more(self):
        # Then the BMS is told to open; if that does not help either, the relay drops a second on.
        for stuck, longest_ms in ((None, 2000), (1, 3000)):
            site = Site()
            site.run_ms(3000)
            site.wires[0].obeys = False
            site.wires[0].stuck = stuck
            site.wires[0].wanted_da = 800
            site.wires[0].registers[0x000A] = 3700
            waited_ms = site.run_until(lambda site=site: not site.closed()[0], 8000)
            self.assertTrue(1000 + longest_ms <= waited_ms <= 1700 + longest_ms, waited_ms)
            self.assertEqual(site.last_written(0, OPEN_COMMAND), 0)

    def test_a_welded_contactor_takes_the_site_down(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].stuck = 1
        site.wires[0].registers[0x000A] = 3700
        site.run_until(lambda: not site.closed()[0], 3000)
        self.assertEqual(site.relays.state[SITE_RELAY], 1)
        waited_ms = site.run_until(lambda: not site.relays.state[SITE_RELAY], 5000)
        self.assertTrue(3000 <= waited_ms <= 3200, waited_ms)
        self.assertTrue(site.protections[0].latches.held(rules.CONTACTOR_MISMATCH))
        self.assertTrue(site.enforcer.escalated)
        site.run_ms(200)
        self.assertEqual(site.last_written(1, CHARGE_LIMIT), 0)
        self.assertEqual(site.last_written(1, DISCHARGE_LIMIT), 0)

    def test_a_contactor_state_that_nobody_knows_is_no_escalation_at_rest(self):
        for state in (2, 3):
            site = Site()
            site.run_ms(5000)
            site.wires[0].registers[0x0016] = 90
            site.wires[0].state_when_open = state
            site.run_ms(9000)
            self.assertEqual(site.closed(), (0, 1))
            self.assertFalse(site.enforcer.escalated)
            self.assertEqual(site.enforcer.openings[0].state, opening.PROVEN)

    def test_silence_drops_the_relay_at_its_level_three(self):
        site = Site()
        site.run_ms(5000)
        site.wires[1].silent = True
        site.run_ms(9400)
        self.assertEqual(site.closed(), (1, 1))
        site.run_ms(1200)
        self.assertEqual(site.closed(), (1, 0))
        site.wires[1].silent = False
        site.run_ms(70000, 10)
        self.assertEqual(site.closed(), (1, 0))
        site.run_ms(15000)
        self.assertEqual(site.closed(), (1, 1))
        self.assertIsNone(site.last_written(1, OPEN_COMMAND))  # it would stay in the BMS
        self.assertFalse(site.enforcer.escalated)

    def test_a_rack_that_is_late_at_the_start_is_not_commanded_open(self):
        site = Site()
        site.wires[0].silent = True
        site.run_ms(2500)
        site.wires[0].silent = False
        site.run_ms(15000)
        self.assertEqual(site.closed(), (1, 1))
        self.assertIsNone(site.last_written(0, OPEN_COMMAND))

    def test_implausible_data_open_within_ten_seconds(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].registers[0x000C] = 0
        site.run_ms(10700)
        self.assertEqual(site.closed(), (0, 1))
        self.assertTrue(site.protections[0].latches.held(rules.IMPLAUSIBLE))

    def test_levels_one_and_two_limit_the_current_and_keep_the_relay(self):
        for value, charge_da in ((3500, 785), (3600, 0)):
            with self.subTest(value=value):
                site = Site()
                site.run_ms(150000, 10)
                self.assertEqual(site.last_written(0, CHARGE_LIMIT), 1570)
                site.wires[0].registers[0x000A] = value
                site.run_ms(6000)
                self.assertEqual(site.last_written(0, CHARGE_LIMIT), charge_da)
                self.assertEqual(site.last_written(0, DISCHARGE_LIMIT), 1570)
                self.assertEqual(site.closed(), (1, 1))

    def test_a_value_past_a_set_point_makes_its_rack_be_read_ten_times_a_second(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].registers[0x000A] = 3505  # past level 1, whose delay is 5 s
        site.run_ms(1000)
        before = [poller.data.sequence for poller in site.enforcer.pollers]
        site.run_ms(3000)
        reads = [p.data.sequence - b for p, b in zip(site.enforcer.pollers, before)]
        self.assertTrue(27 <= reads[0] <= 33, reads)
        self.assertEqual(reads[1], 6)
        site.wires[0].registers[0x000A] = 3310
        site.run_ms(12000)
        before = site.enforcer.pollers[0].data.sequence
        site.run_ms(3000)
        self.assertEqual(site.enforcer.pollers[0].data.sequence - before, 6)

    def test_a_tripped_rack_is_read_as_usual_once_it_is_proven_open(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].registers[0x0016] = 90  # insulation
        site.run_ms(10000)
        self.assertEqual(site.enforcer.openings[0].state, opening.PROVEN)
        before = site.enforcer.pollers[0].data.sequence
        site.run_ms(3000)
        self.assertEqual(site.enforcer.pollers[0].data.sequence - before, 6)

    def test_a_dead_connection_does_not_hold_the_other_rack_up(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].refuse_connection = True
        site.wires[0].closed = True
        site.wires[1].registers[0x000A] = 3700
        site.run_ms(2200)
        self.assertEqual(site.closed(), (1, 0))


if __name__ == "__main__":
    unittest.main()
