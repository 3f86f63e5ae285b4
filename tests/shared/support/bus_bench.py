"""Racks behind one link, driven by a hand clock: what the bus tests have in common."""

import random

from fake_hardware import HandClock
from rack_wire import RackWire

from gateway.modbus.pdu import TCP
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests
from gateway.modbus.tcp_link import TcpLink
from gateway.rack.bus import Bus
from gateway.rack.data import RackData, no_summary
from gateway.rack.incidents import Incidents
from gateway.rack.maps import generic_416s
from gateway.rack.poller import RackPoller
from gateway.rack.rack_scans import Periods
from gateway.rack.register_map import RegisterMap
from gateway.rack.unit_address import UnitAddress
from gateway.rack.unit_health import UnitHealth

PERIOD_MS = 500
LONGEST_LEAP_MS = 5  # half of what the enforcing loop waits at most


def periods(summary_ms=PERIOD_MS, cells_ms=4000, temps_ms=4000, details_ms=60000, hot_ms=100):
    return Periods(summary_ms, cells_ms, temps_ms, details_ms, hot_ms)


def tcp_link(wire):
    return TcpLink(wire, "rack", 502, 1000, random)


def generic_map(cells):
    """The generic register map for racks of so many cells."""
    return RegisterMap(generic_416s, cells, cells // 2, 125)


def tcp_poller(data, register_map, now, log=None, alone=True, unit=1, times=None, requests=None):
    """The poller of one rack; `requests` are those of its link, which others may share."""
    health = UnitHealth(alone, False, now)
    address = UnitAddress(
        requests or Requests(TCP), unit, 0, ReplyTime(50, 200), ReplyTime(40, 40), health
    )
    log = log or Incidents()
    return RackPoller(data, register_map, address, times or periods(), now, log)


def leap(bus, wire, clock, longest_ms=LONGEST_LEAP_MS):
    """How far to let time go: until the bus wants a step or an answer is there."""
    wait_ms = bus.wait_us(clock.ticks()) // 1000
    return max(1, min(wait_ms, wire.quiet_ms(), longest_ms))


class BusBench:
    """`units` racks of `cells` behind one TCP connection, each answer after `latency_ms`."""

    def __init__(self, units=1, cells=416, latency_ms=2, times=None, ticks=0x3FFFE000):
        self.clock = HandClock(ticks)  # wraps after 8 s
        now = self.clock.ticks()
        self.wire = RackWire(cells, self.clock, latency_ms)
        register_map = generic_map(cells)
        self.log = Incidents()
        staging = no_summary()  # shared, as the summary is a single block
        self.racks = [
            RackData(index, "rack%d" % index, cells, cells // 2, 1100, now, staging)
            for index in range(units)
        ]
        requests = Requests(TCP)
        pollers = [
            tcp_poller(
                data, register_map, now, self.log, units == 1, data.index + 1, times, requests
            )
            for data in self.racks
        ]
        self.bus = Bus("bus", tcp_link(self.wire), pollers, now)
        self.pollers = pollers
        self.longest_leap_ms = LONGEST_LEAP_MS
        self.fresh_at = [[] for _ in range(units)]

    def run_ms(self, duration_ms):
        while duration_ms > 0:
            leap_ms = leap(self.bus, self.wire, self.clock, min(self.longest_leap_ms, duration_ms))
            duration_ms -= leap_ms
            rack = self.bus.step(self.clock.advance(leap_ms))
            if rack >= 0:
                self.fresh_at[rack].append(self.clock.uptime_ms())

    def gaps(self, rack, since_ms=0):
        times = [at for at in self.fresh_at[rack] if at >= since_ms]
        return [b - a for a, b in zip(times, times[1:])]

    def written(self, address):
        return [value for each, value in self.wire.written if each == address]

    def count_scans(self):
        """From now on, count the reads of cells and temperatures of each rack."""
        counts = [0] * len(self.pollers)

        def count(unit, function, address):
            if address >= 0x1000:
                counts[unit - 1] += 1

        self.wire.on_request = count
        return counts

    def codes(self):
        """(rack, code, value) of every incident so far."""
        return [self.log.get(number)[:3] for number in range(self.log.count)]
