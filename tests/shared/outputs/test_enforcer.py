"""From the register on the wire or the input to the relay, through every part between them."""

import unittest

from enforcer_bench import (
    RELAYS,
    SITE_RELAY,
    Site,
)
from rack_wire import CHARGE_LIMIT, DISCHARGE_LIMIT, OPEN_COMMAND, SUMMARY
from sample_site import LIMITS

from gateway.outputs import closing, opening
from gateway.outputs.relay_faults import NO_ANSWER
from gateway.protection import rules

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

    def test_a_relay_that_stays_closed_takes_the_site_down_though_its_rack_opened(self):
        site = Site()
        site.run_ms(5000)
        self.assertEqual(site.relays.state[SITE_RELAY], 1)
        site.wires[0].registers[0x000A] = 3700
        site.run_until(lambda: not site.closed()[0], 3000)
        site.relays.faults = 1 << RELAYS[0]  # its contact opened, the pin did not follow
        waited_ms = site.run_until(lambda: not site.relays.state[SITE_RELAY], 2000)
        self.assertTrue(400 <= waited_ms <= 600, waited_ms)
        self.assertTrue(site.enforcer.escalated)
        site.run_ms(200)
        self.assertEqual(site.last_written(1, CHARGE_LIMIT), 0)
        site.relays.faults = 0
        site.run_ms(9000)
        self.assertTrue(site.enforcer.escalated)  # what stuck once may stick again
        site.run_ms(2000)
        self.assertFalse(site.enforcer.escalated)

    def test_beside_a_standing_fault_lost_transfers_open_no_site_relay(self):
        site = Site()
        site.run_ms(5000)
        site.relays.faults = 1 << RELAYS[0]  # did not close
        site.run_ms(1000)
        changes = site.relays.changes
        granted = 0
        for _ in range(20):
            site.relays.faults = NO_ANSWER
            site.run_ms(50)
            self.assertFalse(site.enforcer.escalated)
            site.relays.faults = 1 << RELAYS[0]
            site.run_ms(200)
            self.assertTrue(site.last_written(1, DISCHARGE_LIMIT) >= granted)  # it ramps up
            granted = site.last_written(1, DISCHARGE_LIMIT)
        self.assertTrue(granted > 0)
        self.assertEqual(site.relays.changes, changes)

    def test_relays_whose_driver_is_silent_leave_no_current_to_any_rack(self):
        site = Site()
        site.run_ms(5000)
        site.relays.faults = NO_ANSWER
        site.run_ms(1000)
        self.assertTrue(site.enforcer.escalated)
        for rack in range(2):
            self.assertEqual(site.last_written(rack, DISCHARGE_LIMIT), 0)

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
        self.assertEqual(site.enforcer.closing.reasons[0], closing.TRIPPED)
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
