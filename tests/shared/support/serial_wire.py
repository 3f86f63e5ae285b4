"""A serial line in slow motion: bytes arrive at their time, and time moves only when told."""

from gateway.clock import TICKS_MASK
from gateway.modbus.crc16 import crc16
from gateway.modbus.line_time import LineTime
from gateway.modbus.link import IDLE, NOTHING, WAITING


def sealed(body):
    """`body` with its CRC behind it."""
    body = bytes(body)
    crc = crc16(body, 0, len(body))
    return body + bytes([crc & 0xFF, crc >> 8])


def registers_of(frame):
    """The good answer to a read whose register values are their addresses."""
    address = frame[2] << 8 | frame[3]
    count = frame[4] << 8 | frame[5]
    body = bytearray([frame[0], frame[1], 2 * count])
    for register in range(address, address + count):
        body.extend(bytes([register >> 8 & 0xFF, register & 0xFF]))
    return sealed(body)


class SerialWire:
    """The port of a master and what is at the other end of the wire.

    `unit(wire, frame, end_us)` is called for each request with the time of its last bit; it calls
    `put`. With `echo` the master hears itself. With `fifo` > 1 the receiver hands bytes over in
    lots of that many, or after a pause of 3 characters.
    """

    def __init__(self, unit, baud=115200, char_bits=10, now_us=0x3FFFF000):
        self.unit = unit
        self.baud = baud
        self.char_bits = char_bits
        self.now_us = now_us  # never wraps; micros() does
        self.line = LineTime(baud, char_bits)
        self.echo = False
        self.fifo = 1
        self.reading_us = 0  # that the host is busy elsewhere when it reads something
        self.dead = False
        self.short = False
        self.sent = []  # (start, end, frame) of each request
        self.coming = []  # (time, byte), sorted
        self.end_us = 0
        self.last_us = -1_000_000  # when the last byte, either way, was over

    def micros(self):
        return self.now_us & TICKS_MASK

    def ticks(self):
        return (self.now_us // 1000) & TICKS_MASK

    def put(self, at_us, data):
        """`data` begins to arrive at `at_us`, one character after the other."""
        last = len(data) - 1
        for index in range(len(data)):
            over_us = at_us + self.line.wire_us(index + 1)
            if self.fifo > 1:
                lot_end = min(index // self.fifo * self.fifo + self.fifo - 1, last)
                pause = 3 if lot_end - index // self.fifo * self.fifo < self.fifo - 1 else 0
                over_us = at_us + self.line.wire_us(lot_end + 1 + pause)
            place = len(self.coming)
            while place and self.coming[place - 1][0] > over_us:
                place -= 1
            self.coming.insert(place, (over_us, data[index]))

    # What the link uses of the port.

    def write(self, frame):
        if self.dead:
            raise OSError(5)
        start = self.now_us
        for over_us, _ in self.coming:
            if over_us <= start:
                self.last_us = max(self.last_us, over_us)
        self.end_us = start + self.line.wire_us(len(frame))
        self.sent.append((start, self.end_us, bytes(frame), start - self.last_us))
        self.last_us = max(self.last_us, self.end_us)
        if self.echo:
            self.put(start, bytes(frame))
        if self.unit is not None:
            self.unit(self, bytes(frame), self.end_us)
        return 3 if self.short else len(frame)

    def sending(self):
        return self.now_us < self.end_us

    def readinto(self, buffer, count):
        if self.dead:
            raise OSError(5)
        if self.coming and self.coming[0][0] <= self.now_us + self.reading_us:
            self.now_us += self.reading_us
        taken = 0
        while taken < count and self.coming and self.coming[0][0] <= self.now_us:
            over_us, byte = self.coming.pop(0)
            self.last_us = max(self.last_us, over_us)
            buffer[taken] = byte
            taken += 1
        return taken or None

    # What a test does.

    def pass_time(self, link, jitter_us=0):
        """Sleep as a board would: until the link or a byte wants attention, and a little more."""
        wait_us = link.wait_us(self.ticks())
        if self.coming:
            wait_us = min(wait_us, max(self.coming[0][0] - self.now_us, 0))
        self.now_us += max(wait_us, 1) + jitter_us

    def rest(self, link):
        """Let time pass until the link is IDLE; microseconds that took."""
        start = self.now_us
        for _ in range(20000):
            if link.state == IDLE:
                return self.now_us - start
            if link.step(self.ticks()) != NOTHING:
                raise AssertionError("event at rest")
            if link.state != IDLE:
                self.pass_time(link)
        raise AssertionError("never idle")

    def ask(self, link, request):
        """Send once the link is IDLE; the event."""
        self.rest(link)
        link.send(request, self.ticks())
        for _ in range(20000):
            event = link.step(self.ticks())
            if event != NOTHING:
                return event
            if link.state != WAITING:
                raise AssertionError("ended without an event")
            self.pass_time(link)
        raise AssertionError("no event")
