"""A serial line with several racks, polled with the heap locked: also when answers stay away."""

import unittest

import micropython
from bus_bench import periods
from fake_hardware import HandClock
from serial_racks import CELLS, TEMPS, good_answer

from gateway.modbus.pdu import RTU
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests
from gateway.modbus.rtu_link import RtuLink
from gateway.rack.bus import Bus
from gateway.rack.data import RackData
from gateway.rack.incidents import Incidents
from gateway.rack.maps import generic_416s
from gateway.rack.poller import RackPoller
from gateway.rack.register_map import RegisterMap
from gateway.rack.unit_address import UnitAddress
from gateway.rack.unit_health import UnitHealth

UNITS = 3


class QuietLine:
    """Works its answers out with the heap open; they are there 20 ms after the request."""

    baud = 115200
    char_bits = 10

    def __init__(self, clock):
        self.clock = clock
        self.silent = 0  # a unit that does not answer
        self._request = bytearray(256)
        self._request_bytes = 0
        self._answer = bytearray(256)
        self._length = 0
        self._taken = 0
        self._wait_ms = -1

    def micros(self):
        return self.clock.ticks() * 1000 & 0x3FFFFFFF

    def write(self, frame):
        for index in range(len(frame)):
            self._request[index] = frame[index]
        self._request_bytes = len(frame)
        self._wait_ms = 20
        return len(frame)

    def sending(self):
        return False

    def readinto(self, buffer, count):
        left = self._length - self._taken
        if not left:
            return None
        count = min(count, left)
        for index in range(count):
            buffer[index] = self._answer[self._taken + index]
        self._taken += count
        return count

    def prepare(self):
        """A millisecond has passed, the heap is open."""
        if self._wait_ms < 0:
            return
        self._wait_ms -= 1
        if self._wait_ms < 0 and self._request[0] != self.silent:
            answer = good_answer(bytes(self._request[: self._request_bytes]))
            self._length = len(answer)
            self._taken = 0
            for index in range(self._length):
                self._answer[index] = answer[index]


class LockedBus:
    def __init__(self):
        self.clock = HandClock(0x3FFFF000)
        now = self.clock.ticks()
        self.line = QuietLine(self.clock)
        register_map = RegisterMap(generic_416s, CELLS, TEMPS, 30)
        self.racks = [RackData(i, "rack", CELLS, TEMPS, 1100, now) for i in range(UNITS)]
        pollers = []
        requests = Requests(RTU)
        log = Incidents()
        for data in self.racks:
            reply_time = ReplyTime(60, 60, 20)
            health = UnitHealth(False, True, now)
            address = UnitAddress(requests, data.index + 1, 0, reply_time, reply_time, health)
            times = periods(cells_ms=4000, temps_ms=8000)
            pollers.append(RackPoller(data, register_map, address, times, now, log))
        self.pollers = pollers
        self.bus = Bus("line", RtuLink(self.line, self.line.micros), pollers, now)

    def run_locked(self, duration_ms):
        bus = self.bus
        line = self.line
        for _ in range(duration_ms):
            now = self.clock.advance(1)
            known = all([poller.identified for poller in self.pollers])
            if known:  # the identity of a device is looked at once, with allocation
                micropython.heap_lock()
            try:
                bus.step(now)
                bus.wait_us(now)
            finally:
                if known:
                    micropython.heap_unlock()
            line.prepare()


class HeapLockBusTest(unittest.TestCase):
    def test_summaries_cells_and_writes(self):
        site = LockedBus()
        site.run_locked(10000)
        for data in site.racks:
            self.assertTrue(data.sequence >= 18, data.sequence)
            self.assertTrue(data.cells_sequence >= 1)

    def test_a_unit_that_goes_silent_is_probed_and_comes_back(self):
        site = LockedBus()
        site.run_locked(3000)
        site.line.silent = 2
        site.run_locked(6000)
        self.assertTrue(site.pollers[1].health.down)
        site.line.silent = 0
        site.run_locked(9000)
        self.assertFalse(site.pollers[1].health.down)
        self.assertEqual(site.racks[1].quality(site.clock.ticks()), 1)

    def test_an_opening_with_and_without_an_interlock(self):
        site = LockedBus()
        site.run_locked(3000)
        poller = site.pollers[0]
        command = poller._map.open_contactor
        command.when_slot = 1  # state
        command.when_values = (0,)  # it reads 1
        now = site.clock.ticks()
        micropython.heap_lock()
        try:
            poller.open_contactor(now)
            proved = poller.open_proved(now) or poller.contactor_open(now)
        finally:
            micropython.heap_unlock()
        self.assertFalse(proved)
        site.run_locked(2000)
        self.assertEqual((poller.writes.forbidden, poller.writes.open_commands), (1, 0))
        command.when_values = (0, 1)
        site.run_locked(2000)
        self.assertTrue(poller.writes.open_commands >= 2)

    def test_a_request_for_thresholds_where_there_are_none(self):
        site = LockedBus()
        site.run_locked(3000)
        site.pollers[0].read_thresholds(site.clock.ticks())
        site.run_locked(2000)
        self.assertEqual(site.racks[0].thresholds_sequence, 0)

    def test_a_hot_rack(self):
        site = LockedBus()
        site.run_locked(3000)
        site.pollers[0].hot = True
        site.run_locked(3000)
        self.assertTrue(site.racks[0].sequence > site.racks[1].sequence + 6)


if __name__ == "__main__":
    unittest.main()
