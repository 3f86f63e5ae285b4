"""Racks on one serial line that answer late, badly, or not at all, and a bus that polls them.

A unit answers its requests in their order, each when it likes. Every register's value is a
function of unit and address, so an answer taken for another one shows.
"""

import random

from serial_wire import SerialWire, sealed

from gateway.modbus.pdu import RTU
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests
from gateway.modbus.rtu_link import RtuLink
from gateway.rack.bus import Bus
from gateway.rack.data import RackData, no_summary
from gateway.rack.incidents import Incidents
from gateway.rack.maps import generic_416s
from gateway.rack.poller import RackPoller
from gateway.rack.register_map import RegisterMap
from gateway.rack.unit_address import UnitAddress
from gateway.rack.unit_health import UnitHealth

CELLS = 416
TEMPS = 208
_FIXED = {
    0x0001: 1, 0x0002: 1, 0x0006: 13700, 0x0007: 0, 0x0008: 500, 0x0009: 1000,
    0x000B: 1, 0x000D: 2, 0x000E: 3300, 0x0010: 0, 0x0012: 1, 0x0013: 245,
    0x0014: 1570, 0x0015: 1570, 0x0016: 2000, 0x0017: CELLS, 0x0018: TEMPS,
    0x0200: 0x4716, 0x0201: 1, 0x0202: CELLS, 0x0203: TEMPS,
}  # fmt: skip


def cell_mv(unit, index):
    return 3000 + (index * 7 + unit * 31) % 500


def temp_dc(unit, index):
    return 200 + (index * 5 + unit * 13) % 100


def register(unit, address):
    """The value at an address; None where there is none."""
    if 0x1000 <= address < 0x1000 + CELLS:
        return cell_mv(unit, address - 0x1000)
    if 0x2000 <= address < 0x2000 + TEMPS:
        return temp_dc(unit, address - 0x2000)
    own = {0x000A: 3600 + unit, 0x000C: 2900 + unit, 0x000F: 300 + unit, 0x0011: 100 + unit}
    if address in own:
        return own[address]
    return _FIXED.get(address, 0 if address < 0x0019 or 0x0100 <= address < 0x0104 else None)


def good_answer(frame, lacking=()):
    """What a unit answers when nothing is wrong."""
    unit, function = frame[0], frame[1]
    if function != 3:
        return sealed(frame[:6])
    address = frame[2] << 8 | frame[3]
    count = frame[4] << 8 | frame[5]
    body = bytearray([unit, function, 2 * count])
    for each in range(address, address + count):
        value = register(unit, each)
        if value is None or each in lacking:
            return sealed(bytes([unit, function | 0x80, 2]))
        body.extend(bytes([value >> 8 & 0xFF, value & 0xFF]))
    return sealed(body)


class SerialRacks:
    """`units` racks and their bus; `trouble` is the share of answers that are not as they should
    be, `usual_us` the usual latency. Time moves from event to event. Without `careful` the bus
    forgets that answers on a serial line have no name.
    """

    def __init__(
        self, units, periods, seed=1, trouble=0.0, usual_us=15000, reply_ms=200, careful=True
    ):
        self.dice = random
        random.seed(seed)
        self.trouble = trouble
        self.usual_us = usual_us
        self.silent = ()
        self.refuse = 0  # so many answers are exceptions
        self.lacking = ()  # addresses that do not exist
        self.slow = {}  # unit: latency in us instead of the usual one
        self.requests = 0
        self.wire = SerialWire(self._answer, now_us=0x3FFFF000 * 1000)  # ticks wrap in 4 s
        self._free_at = {}
        self.log = Incidents()
        requests = Requests(RTU)
        register_map = RegisterMap(generic_416s, CELLS, TEMPS, 30)
        now = self.wire.ticks()
        staging = no_summary()  # shared, as the summary is a single block
        short_ms = min(reply_ms, 4 * usual_us // 1000)
        short = ReplyTime(
            short_ms, short_ms, usual_us // 1000
        )  # of all units, as in southbound.py
        self.racks = []
        self.pollers = []
        for unit in range(1, units + 1):
            data = RackData(unit - 1, "rack", CELLS, TEMPS, 1100, now, staging)
            times = ReplyTime(reply_ms, reply_ms, usual_us // 1000)
            health = UnitHealth(units == 1, careful, now)
            address = UnitAddress(requests, unit, 0, times, short, health)
            self.racks.append(data)
            self.pollers.append(RackPoller(data, register_map, address, periods, now, self.log))
        self.link = RtuLink(self.wire, self.wire.micros)
        self.bus = Bus("line", self.link, self.pollers, now)
        self.fresh_ms = [[] for _ in range(units)]
        self.scanned_ms = [[] for _ in range(units)]

    def run_ms(self, duration_ms):
        """Let time pass."""
        wire = self.wire
        end_us = wire.now_us + 1000 * duration_ms
        while wire.now_us < end_us:
            rack = self.bus.step(wire.ticks())
            if rack >= 0:
                self.fresh_ms[rack].append(wire.now_us // 1000)
            wait_us = self.bus.wait_us(wire.ticks())
            if wire.coming:
                wait_us = min(wait_us, max(wire.coming[0][0] - wire.now_us, 0))
            wire.now_us += max(wait_us, 1)

    def gaps_ms(self, rack, since_ms=0):
        times = [at for at in self.fresh_ms[rack] if at >= since_ms]
        return [b - a for a, b in zip(times, times[1:])]

    def wrong_in(self, duration_ms):
        """Let time pass until there are values that are not the rack's own; the first ones."""
        for _ in range(duration_ms // 200):
            self.run_ms(200)
            for rack in range(len(self.racks)):
                wrong = self.wrong_values(rack)
                if wrong:
                    return wrong[:3]
        return []

    def wrong_values(self, rack):
        """What stands in the rack's data block and was never this rack's."""
        data = self.racks[rack]
        unit = rack + 1
        wrong = []
        for index in range(CELLS):
            if data.cells_mv[index] not in (0, 0xFFFF, cell_mv(unit, index)):
                wrong.append(("cell", index, data.cells_mv[index]))
        for index in range(TEMPS):
            if data.temps_dc[index] not in (0, -0x8000, temp_dc(unit, index)):
                wrong.append(("temp", index, data.temps_dc[index]))
        if data.sequence:
            for slot, address in ((10, 0x000A), (12, 0x000C), (15, 0x000F), (17, 0x0011)):
                if data.summary[slot] != register(unit, address):
                    wrong.append(("summary", slot, data.summary[slot]))
        return wrong

    def _answer(self, wire, frame, end_us):
        self.requests += 1
        wire.sent.clear()
        unit = frame[0]
        if unit in self.silent:
            return
        latency_us = self.slow.get(unit, self.usual_us)
        answer = good_answer(frame, self.lacking)
        if self.refuse:
            self.refuse -= 1
            answer = sealed(bytes([unit, frame[1] | 0x80, 6]))
        if self.dice.random() < self.trouble:
            kind = self.dice.getrandbits(3)
            if kind == 0:
                return
            if kind <= 3:
                latency_us += self.dice.getrandbits(19)  # up to half a second
            elif kind == 4:
                answer = sealed(bytes([unit, frame[1] | 0x80, 6]))
            elif kind == 5:
                answer = answer[: self.dice.getrandbits(8) % len(answer)]
            elif kind == 6:
                answer = bytes([0xA5]) + answer
            else:
                answer = answer[:3] + bytes([answer[3] ^ 1]) + answer[4:]
        at_us = max(self._free_at.get(unit, 0), end_us + latency_us)
        wire.put(at_us, answer)
        self._free_at[unit] = at_us + wire.line.wire_us(len(answer))
