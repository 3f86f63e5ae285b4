"""Racks at the other end of a byte stream: answer Modbus TCP from a dict of registers.

Faults are attributes, so that a test can say what the wire does to which answer. `registers` are
those of every unit that has none of its own in `units`.
"""

import struct

from gateway.clock import add, diff

SUMMARY = {
    0x0000: 1, 0x0001: 1, 0x0002: 1, 0x0003: 0, 0x0004: 0, 0x0005: 0,
    0x0006: 6656, 0x0007: 0, 0x0008: 500, 0x0009: 1000,
    0x000A: 3310, 0x000B: 1, 0x000C: 3290, 0x000D: 2, 0x000E: 3300,
    0x000F: 250, 0x0010: 0, 0x0011: 240, 0x0012: 1, 0x0013: 245,
    0x0014: 1570, 0x0015: 1570, 0x0016: 2000, 0x0017: 4, 0x0018: 2,
}  # fmt: skip


class RackWire:
    """`connect` gives the stream contract of the board's network."""

    def __init__(self, cells=4, clock=None, latency_ms=0):
        self.units = {}  # unit: registers of its own
        self.silent_units = ()
        self.on_request = None  # function(unit, function, address)
        self._clock = clock
        self.latency_ms = latency_ms
        self._later = []  # (ticks, answer)
        self.registers = dict(SUMMARY)
        self.registers.update({0x0200: 0x4716, 0x0201: 1, 0x0202: cells, 0x0203: cells // 2})
        self.registers[0x0017] = cells
        self.registers[0x0018] = cells // 2
        for index in range(cells):
            self.registers[0x1000 + index] = 3300 + index
        for index in range(cells // 2):
            self.registers[0x2000 + index] = 240 + index
        self.written = []  # (address, value)
        self.refuse_connection = False
        self.silent = False
        self.change = None  # function(answer bytes) -> answer bytes
        self.piece = 0  # bytes handed over per read, 0 = all
        self.outbox = bytearray()
        self.closed = False

    def connect(self, host, port):
        if self.refuse_connection:
            raise OSError(111)
        self.closed = False
        self.outbox = bytearray()
        return self

    def connected(self):
        return True

    def readinto(self, buffer, count=-1):
        if self.closed:
            return 0
        while self._later and diff(self._clock.ticks(), self._later[0][0]) >= 0:
            self.outbox.extend(self._later.pop(0)[1])
        if not self.outbox:
            return None
        count = min(count if count >= 0 else len(buffer), len(buffer), len(self.outbox))
        if self.piece:
            count = min(count, self.piece)
        for index in range(count):
            buffer[index] = self.outbox[index]
        self.outbox = self.outbox[count:]
        return count

    def write(self, frame):
        if self.closed:
            raise OSError(32)
        answer = self._answer(bytes(frame))
        if self.change is not None:
            answer = self.change(answer)
        if self.silent or frame[6] in self.silent_units:
            return len(frame)
        if self.latency_ms:
            self._later.append((add(self._clock.ticks(), self.latency_ms), answer))
        else:
            self.outbox.extend(answer)
        return len(frame)

    def close(self):
        self.closed = True

    def quiet_ms(self):
        """How long nothing comes of itself."""
        if self.closed or self.outbox:
            return 0
        return diff(self._later[0][0], self._clock.ticks()) if self._later else 1000

    def _answer(self, frame):
        function, address, value = struct.unpack(">BHH", frame[7:12])
        registers = self.units.get(frame[6], self.registers)
        if self.on_request is not None:
            self.on_request(frame[6], function, address)
        if function == 6:
            self.written.append((address, value))
            registers[address] = value
            return frame
        if function == 16:
            for index in range(value):
                number = struct.unpack(">H", frame[13 + 2 * index : 15 + 2 * index])[0]
                self.written.append((address + index, number))
                registers[address + index] = number
            return frame[:4] + b"\x00\x06" + frame[6:12]
        addresses = range(address, address + value)
        if any(each not in registers for each in addresses):
            return frame[:4] + b"\x00\x03" + frame[6:7] + bytes([function | 0x80, 2])
        data = b"".join([struct.pack(">H", registers[each] & 0xFFFF) for each in addresses])
        head = frame[:4] + struct.pack(">HBBB", 3 + len(data), frame[6], function, len(data))
        return head + data


HEARTBEAT, CONTACTOR_STATE, VOLTAGE, CURRENT = 0x0000, 0x0002, 0x0006, 0x0007
CELL_MAX_INDEX, OPEN_COMMAND, CHARGE_LIMIT, DISCHARGE_LIMIT = 0x000B, 0x0100, 0x0102, 0x0103


class LiveRack(RackWire):
    """A rack whose contactor obeys, whose current obeys the limits, and that never stands still.

    `relay()` tells whether the trip relay supplies the contactor. `wanted_da`: what the power
    converter would like to draw (charging positive). `stuck`: 1 or 0 where the contactor is stuck.
    `obeys`: the converter keeps to the limits.
    """

    def __init__(self, cells=4, relay=lambda: True, clock=None, latency_ms=0):
        super().__init__(cells, clock, latency_ms)
        self.relay = relay
        self.wanted_da = 0
        self.stuck = None
        self.state_when_open = 0
        self.obeys = True
        self.beating = True
        self.registers[VOLTAGE] = 3300 * 208 // 100
        self.registers[OPEN_COMMAND] = 1

    def _answer(self, frame):
        function, address = struct.unpack(">BH", frame[7:10])
        if function == 3 and address == 0:
            self._live()
        return super()._answer(frame)

    def _live(self):
        registers = self.registers
        closed = 1 if self.relay() and registers[OPEN_COMMAND] else 0
        if self.stuck is not None:
            closed = self.stuck
        registers[CONTACTOR_STATE] = closed or self.state_when_open
        current_da = self.wanted_da if closed else 0
        if self.obeys:
            current_da = min(current_da, registers.get(CHARGE_LIMIT, 65535))
            current_da = max(current_da, -registers.get(DISCHARGE_LIMIT, 65535))
        registers[CURRENT] = current_da
        if self.beating:
            registers[HEARTBEAT] = (registers[HEARTBEAT] + 1) & 0xFFFF
            registers[CELL_MAX_INDEX] ^= 2
