"""The enforcing loop where it turns: its times, what counts as warm, data nobody believes."""

import unittest

from enforcer_bench import ARM_MS, INPUTS, OUTPUTS, SITE_RELAY, SUPPRESSION, VENTILATION, Site
from rack_wire import CHARGE_LIMIT
from sample_site import tree

from gateway.clock import diff
from gateway.outputs import closing, opening
from gateway.protection import rules
from gateway.rack import data as slots

COOLANT = 6  # input
TEMP_MAX, TEMP_MIN, INSULATION = 0x000F, 0x0011, 0x0016


def closed(**changes):
    site = Site(**changes)
    site.run_until(lambda: site.closed() == (1, 1), ARM_MS + 2000)
    return site


class TimeTest(unittest.TestCase):
    def test_inputs_are_read_a_hundred_times_a_second_and_racks_judged_twenty_times(self):
        site = Site()
        reads = [0]
        get = site.inputs.get

        def counted(number):
            reads[0] += number == COOLANT
            return get(number)

        site.inputs.get = counted
        site.run_ms(1000, 1)
        self.assertEqual(reads[0], 100)
        self.assertEqual(site.dead_man.toggles, 19)  # each vouches for the cycle before

    def test_a_loop_with_nothing_to_do_comes_round_after_ten_milliseconds(self):
        site = closed()
        waits_us = [site.enforcer.step(site.clock.advance(1)) for _ in range(600)]
        self.assertEqual(max(waits_us), 10000)

    def test_it_comes_round_for_the_first_of_the_buses(self):
        site = closed()
        for first in (0, 1):
            buses = site.enforcer.buses
            waits_us = [bus.wait_us for bus in buses]
            buses[first].wait_us = lambda now: 1234
            buses[1 - first].wait_us = lambda now: 5678
            self.assertEqual(site.enforcer.step(site.clock.advance(1)), 1234)
            for bus, wait_us in zip(buses, waits_us):
                bus.wait_us = wait_us

    def test_a_pause_of_half_a_second_is_a_stall_and_a_shorter_one_is_not(self):
        site = closed()
        site.run_ms(50, 50)  # every rack is judged in this step
        site.enforcer.step(site.clock.advance(499))
        self.assertEqual((site.enforcer.stalls, site.closed()), (0, (1, 1)))
        site.enforcer.step(site.clock.advance(500))
        self.assertEqual((site.enforcer.stalls, site.closed()), (1, (0, 0)))

    def test_a_start_that_takes_long_is_no_stall(self):
        site = Site()
        site.enforcer.begin(site.clock.advance(2000))
        site.enforcer.step(site.clock.advance(499))
        self.assertEqual(site.enforcer.stalls, 0)

    def test_after_a_stall_everything_is_open_before_the_dead_man_hears_of_it(self):
        site = closed()
        self.assertEqual(site.relays.state[SITE_RELAY], 1)
        states = []
        site.dead_man.toggle = lambda: states.append(bytes(site.relays.state))
        site.enforcer.step(site.clock.advance(700))
        self.assertEqual(states, [])  # not before a cycle that was complete
        self.assertEqual((site.closed(), site.relays.state[SITE_RELAY]), ((0, 0), 0))
        site.run_ms(60)
        self.assertEqual(states, [bytes(6)])

    def test_nothing_is_driven_before_a_stall_is_seen(self):
        """A late answer may ask for a relay to close."""
        site = closed()
        driven = []
        bus = site.enforcer.buses[0]
        step = bus.step
        bus.step = lambda now: driven.append(bytes(site.relays.state)) or step(now)
        site.enforcer.step(site.clock.advance(700))
        self.assertEqual(driven, [bytes(6)])

    def test_no_dead_man_acts_on_a_pause_that_is_not_counted(self):
        """However the time is split between a pass and the wait behind it."""
        for pass_ms in (1, 300, 449, 450, 480, 499, 500, 700):
            for wait_ms in (1, 250, 499, 500):
                with self.subTest(pass_ms=pass_ms, wait_ms=wait_ms):
                    site = closed()
                    site.run_ms(50, 50)
                    toggled = []
                    site.dead_man.toggle = lambda site=site, at=toggled: at.append(
                        site.clock.ticks()
                    )
                    site.enforcer.step(site.clock.advance(50))
                    step = site.protections[1].step

                    def slow(now, site=site, step=step, pass_ms=pass_ms):
                        step(now)
                        site.protections[1].step = step
                        site.clock.advance(pass_ms)

                    site.protections[1].step = slow
                    site.enforcer.step(site.clock.advance(50))
                    site.enforcer.step(site.clock.advance(wait_ms))
                    site.run_ms(50, 50)
                    gaps_ms = [diff(b, a) for a, b in zip(toggled, toggled[1:])]
                    self.assertTrue(max(gaps_ms) < 500 or site.enforcer.stalls, gaps_ms)


class StartTest(unittest.TestCase):
    def test_nothing_is_escalated_before_the_first_step(self):
        site = Site()
        self.assertFalse(site.enforcer.escalated)
        self.assertFalse(site.enforcer.armed)
        self.assertEqual(site.enforcer.stalls, 0)
        self.assertEqual(bytes(site.enforcer.joined), b"\x00\x00")

    def test_a_start_in_the_middle_of_a_fire_counts_its_delay_from_there(self):
        outputs = dict(OUTPUTS)
        outputs["arm_delay_ms"] = 0
        site = Site(outputs=outputs)
        site.interlocks.latches.trip(rules.SMOKE)
        site.interlocks.restored()
        site.alarm(4, 5)
        site.run_ms(9900, 60)
        self.assertEqual(site.relays.state[SUPPRESSION], 0)
        site.run_ms(180, 60)
        self.assertEqual(site.relays.state[SUPPRESSION], 1)
        self.assertEqual(site.closed(), (0, 0))


class WarmTest(unittest.TestCase):
    """Without coolant flow the currents stop, but only where it is or may be warm."""

    def levels(self, change):
        """Of the lost flow, a while after `change(site)`."""
        limits = tree()["limits"]
        limits["coolant"]["l2"]["delay_ms"] = 1500
        site = closed(limits=limits)
        change(site)
        site.run_ms(1000)  # its readings are there
        site.alarm(COOLANT)
        site.run_ms(1700)
        return site.interlocks.level(rules.COOLANT)

    def test_above_forty_degrees_of_any_rack(self):
        for rack in (0, 1):
            for hottest_dc, level in ((400, 1), (401, 2)):

                def warm(site, rack=rack, hottest_dc=hottest_dc):
                    site.wires[rack].registers[TEMP_MAX] = hottest_dc
                    site.wires[rack].registers[TEMP_MIN] = hottest_dc - 10

                self.assertEqual(self.levels(warm), level, (rack, hottest_dc))

    def test_also_where_nobody_knows_how_warm_it_is(self):
        def silent(site):
            site.wires[1].silent = True
            site.run_ms(1000)

        self.assertEqual(self.levels(silent), 2)


class StopTest(unittest.TestCase):
    def test_fans_go_on_while_every_switch_of_power_opens_for_good(self):
        site = closed()
        site.alarm(2)  # gas at its lower point
        site.run_ms(100)
        self.assertEqual(site.relays.state[VENTILATION], 1)
        site.enforcer.stop()
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual((site.relays.state[SITE_RELAY], site.relays.state[VENTILATION]), (0, 1))
        site.inputs.levels[2] = True
        site.run_ms(6000)
        self.assertEqual(site.relays.state[VENTILATION], 0)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.enforcer.closing.reasons[0], closing.STOPPED)


class WayTest(unittest.TestCase):
    """Under a load that does not go, the relay drops with the permit for each of three reasons
    alone, and for none of them it waits: modified condition and decision coverage.
    """

    def opened(self, change, site=None):
        """(why, relay) in the step in which `change(site)` has taken the permit."""
        site = site or Site()
        site.run_ms(3000)
        site.wires[0].wanted_da = 800
        site.wires[0].obeys = False
        site.run_ms(3000)
        change(site)
        site.run_until(lambda: not site.protections[0].decision.permit, 20000)
        return self.why(site), site.closed()[0]

    def why(self, site):
        decision = site.protections[0].decision
        return decision.at_once, decision.data_lost, site.enforcer.views[0].known

    def too_high(self, site):
        site.wires[0].registers[0x000A] = 3700

    def test_a_current_that_is_seen_is_waited_for(self):
        self.assertEqual(self.opened(self.too_high), ((False, False, True), 1))

    def test_gas_waits_for_nothing(self):
        def gas(site):
            site.alarm(3)

        self.assertEqual(self.opened(gas), ((True, False, True), 0))

    def test_data_that_nobody_can_believe_are_not_waited_for(self):
        def still(site):
            site.wires[0].beating = False  # the answers are good, and their heartbeat stands still

        self.assertEqual(self.opened(still), ((False, True, True), 0))

    def test_a_current_that_is_not_seen_any_more_is_not_waited_for_either(self):
        site = Site()
        self.assertEqual(self.opened(self.too_high, site), ((False, False, True), 1))
        site.wires[0].silent = True
        waited_ms = site.run_until(lambda: not site.closed()[0], 3000)
        self.assertTrue(1300 <= waited_ms <= 1600, waited_ms)  # its data are stale; not 2 s
        self.assertEqual(self.why(site), (False, False, False))


class LostTest(unittest.TestCase):
    def test_a_rack_that_lost_its_data_is_not_commanded_open_and_a_tripped_one_is(self):
        for trips, commanded in ((False, False), (True, True)):
            site = closed()
            if trips:
                site.wires[1].registers[INSULATION] = 90
                site.run_ms(4000)
            site.wires[1].silent = True
            site.run_ms(11000)
            self.assertEqual(site.closed(), (1, 0))
            self.assertEqual(site.enforcer.openings[1].command_open, commanded)


class ProofTest(unittest.TestCase):
    def test_what_the_map_names_as_proof_must_be_seen_for_an_opening_to_end(self):
        site = closed()
        command = site.enforcer.pollers[0].opening_write
        command.slot, command.expected = slots.STATE, 4
        site.wires[0].registers[INSULATION] = 90
        site.run_until(lambda: not site.closed()[0], 5000)
        site.run_ms(1500)
        self.assertFalse(site.enforcer.openings[0].proven)
        site.wires[0].registers[0x0001] = 4
        site.run_ms(1000)
        self.assertEqual(site.enforcer.openings[0].state, opening.PROVEN)


class RelayTestTest(unittest.TestCase):
    def test_a_test_moves_its_own_rack_alone_and_takes_its_current_away(self):
        for rack in (0, 1):
            site = closed()
            site.run_ms(60000, 10)
            other = 1 - rack
            limits = [site.last_written(each, CHARGE_LIMIT) for each in (0, 1)]
            self.assertTrue(min(limits) > 0)
            site.wires[rack].stuck = 1  # it will not be seen open
            self.assertTrue(site.enforcer.relay_test.order(rack))
            site.run_ms(900)
            self.assertTrue(site.enforcer.relay_test.busy)
            self.assertEqual((site.closed()[rack], site.closed()[other]), (0, 1))
            self.assertEqual(site.last_written(rack, CHARGE_LIMIT), 0)
            self.assertTrue(site.last_written(other, CHARGE_LIMIT) >= limits[other])
            site.run_ms(200)
            self.assertFalse(site.enforcer.relay_test.busy)

    def test_a_contactor_that_reads_neither_way_does_not_let_the_relay_back(self):
        site = closed()
        site.run_ms(1000)
        site.wires[1].state_when_open = 3  # unknown
        self.assertTrue(site.enforcer.relay_test.order(1))
        site.run_ms(100)
        for _ in range(85):
            site.run_ms(10)
            self.assertEqual(site.closed(), (1, 0))
        site.run_ms(200)
        self.assertFalse(site.enforcer.relay_test.busy)


class ClosingTest(unittest.TestCase):
    def test_a_reset_does_not_close_what_is_not_proven_open(self):
        site = closed()
        site.wires[0].registers[INSULATION] = 90
        site.run_until(lambda: not site.closed()[0], 5000)
        site.wires[0].stuck = 1
        site.protections[0].latches.reset(bytearray(rules.RACK_RULES), 1, True)
        site.protections[0].levels[rules.INSULATION] = 0
        first = site.protections[0].thresholds.first
        site.protections[0].detectors.release(first[rules.INSULATION], first[rules.INSULATION + 1])
        site.wires[0].registers[INSULATION] = 5000
        site.run_ms(20)
        site.run_ms(100)
        self.assertTrue(site.protections[0].decision.permit)
        self.assertEqual(site.closed()[0], 0)
        self.assertEqual(site.enforcer.closing.reasons[0], closing.OPENING)

    def test_a_bms_that_has_not_started_is_let_on_while_it_lives(self):
        site = Site(racks=1)
        site.wires[0].silent = True
        data = site.protections[0].data
        for _ in range(ARM_MS // 50 + 10):
            self.assertEqual(site.closed(), (1 if site.enforcer.armed else 0,))
            data.take_sign_of_life(site.clock.ticks(), True)
            site.run_ms(50)
        self.assertEqual(site.closed(), (1,))


class SharedBusTest(unittest.TestCase):
    def test_racks_of_separate_buses_close_whatever_their_voltages_are(self):
        outputs = dict(OUTPUTS)
        for shared, expected in ((0, (1, 1)), (1, (1, 0))):
            outputs["shared_dc_bus"] = shared
            site = Site(outputs=outputs, inputs=list(INPUTS))
            site.wires[1].registers[0x0006] -= 100
            site.run_ms(ARM_MS + 1000)
            self.assertEqual(site.closed(), expected, shared)


if __name__ == "__main__":
    unittest.main()
