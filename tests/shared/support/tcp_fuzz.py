"""Random and mutated answers against the TCP link, judged by a strict parser of its own.

Deterministic from the seed and quick enough for a million answers; runs on both interpreters.
"""

from gateway.clock import add
from gateway.modbus import pdu
from gateway.modbus.link import IDLE, LOST, NOTHING, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink

TIMEOUT_MS = 30
LATE = 8  # transactions


class Random:
    """Xorshift: the same numbers on both interpreters; small integers on 64-bit hosts."""

    def __init__(self, seed):
        self._state = seed * 2654435761 & 0xFFFFFFFF or 1

    def getrandbits(self, bits):
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        return state >> (32 - bits)

    def below(self, limit):
        return self.getrandbits(16) % limit


class Wire:
    """Hands over what lies in `waiting[at:]`, at most `piece` bytes at a time."""

    def __init__(self):
        self.waiting = b""
        self.at = 0
        self.piece = 0

    def connect(self, host, port):
        self.waiting = b""
        self.at = 0
        return self

    def connected(self):
        return True

    def write(self, frame):
        return len(frame)

    def readinto(self, buffer, count):
        left = len(self.waiting) - self.at
        if not left:
            return None
        count = min(count, left, self.piece)
        buffer[:count] = self.waiting[self.at : self.at + count]
        self.at += count
        return count

    def close(self):
        pass


def verdict(stream, transaction, asked):
    """What strict reading of `stream` makes of it: (event, position behind, data or code).

    NOTHING = the answer to `asked` (its frame) is not there yet. Written from the specification,
    without the code under test.
    """
    at = 0
    while len(stream) - at >= 9:
        number = stream[at] * 256 + stream[at + 1]
        size = stream[at + 4] * 256 + stream[at + 5]
        age = (transaction - number) % 65536
        if stream[at + 2] != 0 or stream[at + 3] != 0 or size < 3 or size > 254 or age > LATE:
            return LOST, at, b""
        end = at + 6 + size
        if end > len(stream):
            break
        if age == 0:
            event, data = answer(bytes(asked), stream[at + 6 : end])
            return event, end, data
        at = end
    return NOTHING, at, b""


def answer(asked, body):
    """(event, data) for `body` = unit and PDU of the answer to the request frame `asked`."""
    function = asked[7]
    if body[0] != asked[6]:
        return LOST, b""
    if body[1] == function + 128 and len(body) == 3:
        return REFUSED, body[2:]
    if body[1] != function:
        return LOST, b""
    if function > 4:
        return (REPLY, b"") if body[2:] == asked[8:12] else (LOST, b"")
    count = asked[10] * 256 + asked[11]
    size = 2 * count if function > 2 else (count + 7) // 8
    if body[2] != size or len(body) != 3 + size:
        return LOST, b""
    return REPLY, body[3:]


def _framed(body, transaction):
    return bytes([transaction >> 8 & 0xFF, transaction & 0xFF, 0, 0, 0, len(body)]) + body


class Fuzz:
    """`run(count)` answers; AssertionError with the seed's case number where link and parser
    disagree. `seen` counts the events.
    """

    def __init__(self, seed):
        self.random = Random(seed)
        self.wire = Wire()
        self.link = TcpLink(self.wire, "rack", 502, 1000, self.random)
        self.now = 0x3FFFFF00  # the ticks wrap during the run
        self.seen = [0] * 6
        time = ReplyTime(TIMEOUT_MS, TIMEOUT_MS)
        self._requests = (
            pdu.read_request(pdu.TCP, 1, 3, 0, 4, time),
            pdu.read_request(pdu.TCP, 1, 4, 0, 60, time),
            pdu.read_request(pdu.TCP, 2, 3, 0, 125, time),
            pdu.read_request(pdu.TCP, 1, 1, 0, 19, time),
            pdu.write_register(pdu.TCP, 1, 0x0100, 40000, time),
            pdu.write_registers(pdu.TCP, 1, 0x0100, (1, 2), time),
        )
        self._ways = (
            self._silence,
            self._garbage,
            self._late_before,
            self._late_behind,
            self._cut,
            self._cut_before,
            self._to_another,
            self._edited,
            self._odd_body,
            self._refusal,
            self._refusal_and_late,
            self._flipped,
        )
        self._rest = b""  # what arrived and was not used up by the answers so far
        self._silent = 0  # timeouts in a row
        # 512 bytes of noise: fresh ones for each answer would cost more than the link does
        self._noise = bytes([self.random.getrandbits(8) for _ in range(512)])

    def run(self, count):
        for number in range(count):
            self._one(number)

    def _one(self, number):
        link, wire = self.link, self.wire
        while link.state != IDLE:
            self.now = add(self.now, 500)
            link.step(self.now)
        request = self._requests[self.random.below(len(self._requests))]
        link.send(request, self.now)
        transaction = request.frame[0] << 8 | request.frame[1]
        arriving = self._bytes(request, transaction)
        wire.waiting = wire.waiting[wire.at :] + arriving
        wire.at = 0
        wire.piece = self.random.below(300) + 1
        stream = self._rest + arriving
        expected, end, data = verdict(stream, transaction, request.frame)
        event = self._event()
        self.seen[event] += 1
        self._silent = self._silent + 1 if expected == NOTHING else 0
        if expected == NOTHING:
            expected = LOST if self._silent == 3 else TIMED_OUT
        if event != expected:
            raise AssertionError("case %d: event %d, not %d" % (number, event, expected))
        if event == REPLY and bytes(link.buffer[9 : 9 + len(data)]) != data:
            raise AssertionError("case %d: wrong data" % number)
        if event == REFUSED and link.exception_code != data[0]:
            raise AssertionError("case %d: wrong exception code" % number)
        self._rest = stream[end:]
        if event == LOST:
            self._rest = b""
            self._silent = 0

    def _bytes(self, request, transaction):
        """What the rack sends: half of it good, the rest spoiled in one of many ways."""
        way = self.random.below(2 * len(self._ways))
        good = self._good(request, transaction)
        return self._ways[way](good, request, transaction) if way < len(self._ways) else good

    def _silence(self, good, request, transaction):
        return b""

    def _garbage(self, good, request, transaction):
        return self._some(self.random.below(300))

    def _late_before(self, good, request, transaction):
        return self._good(request, transaction - self.random.below(12)) + good

    def _late_behind(self, good, request, transaction):
        return good + self._good(request, transaction - self.random.below(12))

    def _cut(self, good, request, transaction):
        return good[: self.random.below(len(good))]

    def _cut_before(self, good, request, transaction):
        return self._cut(good, request, transaction) + good

    def _to_another(self, good, request, transaction):
        other = self._requests[self.random.below(len(self._requests))]
        return self._good(other, transaction)

    def _edited(self, good, request, transaction):
        at = self.random.below(len(good))
        return good[:at] + self._some(self.random.below(4)) + good[at + self.random.below(4) :]

    def _odd_body(self, good, request, transaction):
        return _framed(good[6:7] + self._some(2 + self.random.below(40)), transaction)

    def _refusal(self, good, request, transaction):
        code = self.random.below(256)
        return _framed(bytes([request.unit, request.function | 0x80, code]), transaction)

    def _refusal_and_late(self, good, request, transaction):
        other = self._requests[self.random.below(len(self._requests))]
        late = self._good(other, transaction - self.random.below(12))
        return self._refusal(good, request, transaction) + late + self._some(self.random.below(9))

    def _flipped(self, good, request, transaction):
        spoiled = bytearray(good)
        for _ in range(1 + self.random.below(3)):
            spoiled[self.random.below(12) % len(good)] ^= 1 << self.random.below(8)
        return bytes(spoiled)

    def _some(self, count):
        at = self.random.below(len(self._noise) - count)
        return self._noise[at : at + count]

    def _good(self, request, transaction):
        function = request.function
        if function > 4:
            return _framed(bytes(request.frame[6:12]), transaction)
        size = request.expected - 9
        body = bytes([request.unit, function, size]) + self._some(size)
        return _framed(body, transaction)

    def _event(self):
        link = self.link
        for _ in range(2000):  # some arrive byte by byte
            event = link.step(self.now)
            if event != NOTHING:
                return event
            if self.wire.at == len(self.wire.waiting):
                self.now = add(self.now, 10)
        raise AssertionError("neither answer nor failure in state %d" % self.link.state)
