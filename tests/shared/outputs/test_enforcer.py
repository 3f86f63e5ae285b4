"""From the register on the wire to the relay, through every part between them."""

import unittest

from bus_bench import generic_map, tcp_link, tcp_poller
from fake_hardware import FakeRelays, HandClock
from rack_wire import SUMMARY, RackWire
from sample_site import LIMITS, settings

from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.rack.bus import Bus
from gateway.rack.data import RackData

ARM_MS = 2000
CONTACTOR, CHARGE_LIMIT, DISCHARGE_LIMIT = 0x0100, 0x0102, 0x0103


class Site:
    """Two racks on the wire, one enforcer, relays; time passes in 1 ms steps."""

    def __init__(self, latches=(0, 0)):
        self.clock = HandClock(0x3FFFF800)
        now = self.clock.ticks()
        loaded = settings()
        self.wires = [RackWire(), RackWire()]
        self.relays = FakeRelays(4)
        pollers = []
        buses = []
        for index, wire in enumerate(self.wires):
            data = RackData(index, "rack%d" % index, 4, 2, 1100, now)
            pollers.append(tcp_poller(data, generic_map(4), now))
            buses.append(Bus("rack", tcp_link(wire), [pollers[-1]], now))
        protections = [RackProtection(poller.data, loaded, Changes()) for poller in pollers]
        for protection, bits in zip(protections, latches):
            protection.restore_latches(bits)
        self.enforcer = Enforcer(buses, pollers, protections, self.relays, [2, 0], ARM_MS, now)

    def run_ms(self, duration_ms, step_ms=1):
        for _ in range(duration_ms // step_ms):
            self.enforcer.step(self.clock.advance(step_ms))

    def closed(self):
        return self.relays.state[2], self.relays.state[0]

    def last_written(self, rack, address):
        values = [value for each, value in self.wires[rack].written if each == address]
        return values[-1] if values else None


# rule: register and the raw value that is far beyond level 3
BEYOND = {
    "cell_overvoltage": (0x000A, 3700),
    "cell_undervoltage": (0x000C, 2300),
    "rack_overvoltage": (0x0006, 7600),
    "rack_undervoltage": (0x0006, 5500),
    "charge_overcurrent": (0x0007, 2200),
    "discharge_overcurrent": (0x0007, -2200),
    "overtemperature": (0x000F, 650),
    "undertemperature": (0x0011, -320),
}


class PermitTest(unittest.TestCase):
    def test_relays_stay_open_until_the_site_is_armed(self):
        site = Site()
        site.run_ms(ARM_MS - 100)
        self.assertEqual(site.closed(), (0, 0))
        site.run_ms(700)
        self.assertEqual(site.closed(), (1, 1))

    def test_a_rack_that_never_answered_stays_open(self):
        site = Site()
        site.wires[1].silent = True
        site.run_ms(8000)
        self.assertEqual(site.closed(), (1, 0))

    def test_a_latched_rack_stays_open_after_a_restart(self):
        site = Site(latches=(1, 0))
        site.run_ms(30000, 10)
        self.assertEqual(site.closed(), (0, 1))
        self.assertEqual(site.last_written(0, CONTACTOR), 0)

    def test_contactors_are_never_commanded_closed(self):
        site = Site()
        site.run_ms(10000)
        for wire in site.wires:
            self.assertEqual([entry for entry in wire.written if entry[0] == CONTACTOR], [])

    def test_a_broken_relay_keeps_no_other_closed(self):
        site = Site()
        site.run_ms(5000)
        healthy = site.relays.set

        def broken(number, energised):
            if number == 2:
                raise OSError(5)
            healthy(number, energised)

        site.relays.set = broken
        site.enforcer.stop()
        self.assertEqual(site.relays.state[0], 0)
        self.assertEqual(site.enforcer.relay_errors, 1)

    def test_an_open_rack_is_closed_on_good_data_only(self):
        site = Site(latches=(1, 0))
        site.run_ms(9000)
        site.wires[0].registers[0x000C] = 0  # implausible from now on
        site.run_ms(700)
        self.assertTrue(site.enforcer.protections[0].reset())
        site.run_ms(300)
        self.assertEqual(site.closed(), (0, 1))
        site.wires[0].registers[0x000C] = 3290
        site.run_ms(700)
        self.assertEqual(site.closed(), (1, 1))

    def test_after_a_reset_the_contactor_is_left_to_the_bms(self):
        site = Site(latches=(1, 0))
        site.run_ms(9000)
        self.assertTrue(site.enforcer.protections[0].reset())
        site.run_ms(100)
        site.wires[0].written = []
        site.run_ms(5000)
        self.assertIsNone(site.last_written(0, CONTACTOR))

    def test_stop_opens_everything_for_good(self):
        site = Site()
        site.run_ms(5000)
        site.enforcer.stop()
        self.assertEqual(site.closed(), (0, 0))
        site.run_ms(5000)
        self.assertEqual(site.closed(), (0, 0))


class TripTest(unittest.TestCase):
    def test_every_rule_drops_its_relay_and_opens_its_contactor_in_time(self):
        for rule in BEYOND:
            with self.subTest(rule=rule):
                site = Site()
                site.run_ms(5000)
                address, value = BEYOND[rule]
                site.wires[0].registers[address] = value
                delay_ms = LIMITS[rule][2][2]
                site.run_ms(delay_ms - 10)
                self.assertEqual(site.closed(), (1, 1))
                site.run_ms(1100 + 10)
                self.assertEqual(site.closed(), (0, 1))
                site.run_ms(50)
                self.assertEqual(site.last_written(0, CONTACTOR), 0)
                self.assertIsNone(site.last_written(1, CONTACTOR))
                self.assertEqual(site.last_written(0, CHARGE_LIMIT), 0)
                self.assertEqual(site.last_written(0, DISCHARGE_LIMIT), 0)
                site.wires[0].registers[address] = SUMMARY[address]
                site.run_ms(70000, 10)
                self.assertEqual(site.closed(), (0, 1))

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
        self.assertIsNone(site.last_written(1, CONTACTOR))  # the command would stay in the BMS

    def test_a_rack_that_is_late_at_the_start_is_not_commanded_open(self):
        site = Site()
        site.wires[0].silent = True
        site.run_ms(2500)
        site.wires[0].silent = False
        site.run_ms(15000)
        self.assertEqual(site.closed(), (1, 1))
        self.assertIsNone(site.last_written(0, CONTACTOR))

    def test_implausible_data_counts_as_silence(self):
        site = Site()
        site.run_ms(5000)
        site.wires[0].registers[0x000C] = 0
        site.run_ms(10700)
        self.assertEqual(site.closed(), (0, 1))

    def test_levels_one_and_two_limit_the_current_and_keep_the_relay(self):
        for value, charge_da in ((3500, 785), (3600, 0)):
            with self.subTest(value=value):
                site = Site()
                site.run_ms(3000)
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
