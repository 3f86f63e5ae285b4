"""Between the wire and the relay nothing allocates: each step runs with the heap locked."""

import unittest

import micropython
from bus_bench import generic_map, periods, tcp_link, tcp_poller
from enforcer_bench import INPUTS
from fake_hardware import FakeDeadMan, FakeRelays, HandClock
from protection_bench import Inputs
from rack_wire import LiveRack
from sample_site import settings

from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack.bus import Bus
from gateway.rack.data import RackData

CELLS = 416
ARM_MS = 1000


class QuietWire(LiveRack):
    """Prepares its answers with the heap open, so that only the gateway's work is measured."""

    def __init__(self, cells, relay):
        super().__init__(cells, relay)
        self._request = bytearray(32)
        self._request_bytes = 0
        self._asked = False
        self._reply = bytearray(260)
        self._length = 0
        self._taken = 0

    def write(self, frame):
        for index in range(len(frame)):
            self._request[index] = frame[index]
        self._request_bytes = len(frame)
        self._asked = True
        return len(frame)

    def prepare(self):
        """Between two steps of the gateway, heap open: work out the answer."""
        if self._asked:
            self._asked = False
            answer = self._answer(bytes(self._request[: self._request_bytes]))
            self._length = len(answer)
            self._taken = 0
            for index in range(self._length):
                self._reply[index] = answer[index]

    def readinto(self, buffer, count=-1):
        left = self._length - self._taken
        if not left:
            return None
        count = min(count, left)
        for index in range(count):
            buffer[index] = self._reply[self._taken + index]
        self._taken += count
        return count


class LockedSite:
    def __init__(self):
        self.clock = HandClock()
        now = self.clock.ticks()
        loaded = settings(racks=2, cells=CELLS, outputs={"arm_delay_ms": ARM_MS}, inputs=INPUTS)
        self.relays = FakeRelays(2)
        self.wires = [
            QuietWire(CELLS, lambda: self.relays.state[0] == 1),
            QuietWire(CELLS, lambda: self.relays.state[1] == 1),
        ]
        for index in range(CELLS):
            for wire in self.wires:
                wire.registers[0x1000 + index] = 3300 + index % 7
        for wire in self.wires:
            wire.registers[0x0006] = 3300 * CELLS // 100
        self.inputs = Inputs()
        changes = Changes()
        register_map = generic_map(CELLS)
        pollers = []
        buses = []
        for index in range(2):
            data = RackData(index, "rack", CELLS, CELLS // 2, 1100, now)
            pollers.append(tcp_poller(data, register_map, now, times=periods(cells_ms=2000)))
            buses.append(Bus("rack", tcp_link(self.wires[index]), [pollers[-1]], now))
        interlocks = Interlocks(loaded, self.inputs, changes, now)
        shared = SharedSettings(loaded)
        protections = [
            RackProtection(poller.data, shared, interlocks, changes) for poller in pollers
        ]
        for protection in protections:
            protection.limits_sent = True
        self.enforcer = Enforcer(
            buses, pollers, protections, interlocks, self.relays, FakeDeadMan(), loaded, now
        )

        for _ in range(5):  # connecting is allowed to allocate
            self.enforcer.step(self.clock.advance(1))
            for wire in self.wires:
                wire.prepare()

    def run_locked(self, duration_ms):
        enforcer = self.enforcer
        wires = self.wires
        for _ in range(duration_ms):
            now = self.clock.advance(1)
            micropython.heap_lock()
            try:
                enforcer.step(now)
            finally:
                micropython.heap_unlock()
            for wire in wires:
                wire.prepare()


class HeapLockTest(unittest.TestCase):
    def test_the_lock_bites(self):
        micropython.heap_lock()
        try:
            caught = False
            try:
                bytearray(100)
            except MemoryError:
                caught = True
        finally:
            micropython.heap_unlock()
        self.assertTrue(caught)

    def test_polling_scanning_and_arming(self):
        site = LockedSite()
        site.run_locked(9000)
        self.assertEqual(bytes(site.relays.state), b"\x01\x01")
        data = site.enforcer.pollers[0].data
        self.assertTrue(data.cells_sequence >= 3, data.cells_sequence)
        self.assertEqual(data.cells_mv[CELLS - 1], 3300 + (CELLS - 1) % 7)

    def test_trip_to_relay_and_contactor(self):
        site = LockedSite()
        site.run_locked(3000)
        site.wires[1].registers[0x000A] = 3700
        site.run_locked(2200)
        self.assertEqual(bytes(site.relays.state), b"\x01\x00")
        self.assertIn((0x0100, 0), site.wires[1].written)

    def test_trip_under_load_with_a_welded_contactor(self):
        site = LockedSite()
        site.run_locked(3000)
        site.wires[1].wanted_da = 500
        site.wires[1].stuck = 1
        site.wires[1].obeys = False
        site.run_locked(500)
        site.wires[1].registers[0x000A] = 3700
        site.run_locked(9000)
        self.assertEqual(bytes(site.relays.state), b"\x01\x00")
        self.assertTrue(site.enforcer.escalated)

    def test_interlocks_to_relays(self):
        site = LockedSite()
        site.run_locked(3000)
        for number in range(1, 8):
            site.inputs.levels[number] = False
            site.run_locked(300)
        self.assertEqual(bytes(site.relays.state), b"\x00\x00")

    def test_silence_to_relay(self):
        site = LockedSite()
        site.run_locked(3000)
        # The age grows while nothing answers; the reconnection itself may allocate.
        data = site.enforcer.pollers[0].data
        protection = site.enforcer.protections[0]
        for _ in range(220):
            now = site.clock.advance(50)
            micropython.heap_lock()
            try:
                protection.step(now)
            finally:
                micropython.heap_unlock()
        self.assertTrue(data.age_ms(site.clock.ticks()) > 10000)
        self.assertFalse(protection.decision.permit)

    def test_decode_of_a_whole_cell_block(self):
        data = RackData(0, "rack", CELLS, CELLS // 2, 1100, 0)
        register_map = generic_map(CELLS)
        cells, temps = register_map.cells[0], register_map.temps[0]
        buffer = bytearray([1] * 260)
        micropython.heap_lock()
        try:
            register_map.decode_array(data, cells, buffer, 9)
            register_map.decode_array(data, temps, buffer, 9)
        finally:
            micropython.heap_unlock()
        self.assertEqual((data.cells_mv[0], data.temps_dc[0]), (257, 257))


if __name__ == "__main__":
    unittest.main()
