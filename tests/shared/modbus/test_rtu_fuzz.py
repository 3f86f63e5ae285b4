"""Whatever comes over a serial line: documented events only, and no wrong value, ever.

A million answers on CPython, 100000 on MicroPython, or as many as the environment variable
FUZZ says.
"""

import gc
import os
import random
import sys
import unittest

from serial_wire import registers_of, sealed

from gateway.clock import TICKS_MASK
from gateway.modbus import pdu
from gateway.modbus.crc16 import crc16
from gateway.modbus.link import GARBLED, IDLE, NOTHING, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink

ROUNDS = int(os.getenv("FUZZ") or (100000 if hasattr(gc, "mem_alloc") else 1000000))
SEED = 20240611


class PiecePort:
    """Hands over the pieces of an answer, with nothing in between two of them."""

    baud = 115200
    char_bits = 10

    def __init__(self):
        self.now_us = 0
        self.end_us = 0
        self.stream = b""
        self.at = 0
        self.cut = 0  # how far the stream has come
        self.piece = 1

    def micros(self):
        return self.now_us & TICKS_MASK

    def load(self, stream, piece):
        self.stream = stream
        self.piece = piece
        self.at = self.cut = 0

    def write(self, frame):
        self.end_us = self.now_us + 700
        return len(frame)

    def sending(self):
        return self.now_us < self.end_us

    def readinto(self, buffer, count):
        if self.now_us < self.end_us:
            return None
        at = self.at
        left = self.cut - at
        if not left:
            self.cut = min(len(self.stream), self.cut + self.piece)
            return None
        if count > left:
            count = left
        stream = self.stream
        for index in range(count):
            buffer[index] = stream[at + index]
        self.at = at + count
        return count


class Answers:
    """Answers to one request, right and wrong."""

    def __init__(self, request, other):
        self.request = request
        frame = bytes(request.frame)
        self.good = registers_of(frame) if frame[1] <= 4 else sealed(frame[:6])
        self.other = other
        self.kinds = (
            self._good,
            self._random,
            self._flipped,
            self._other_unit,
            self._other_function,
            self._other_count,
            self._cut,
            self._noise_behind,
            self._noise_in_front,
            self._byte_in_between,
            self._byte_lost,
            self._refusal,
            self._foreign_refusal,
            self._twice,
            self._another_answer,
            self._changed_data,
        )

    def draw(self):
        """An answer; never one that only luck with a 16-bit check sum makes look right."""
        while True:
            stream = self.kinds[random.getrandbits(4)]()
            size = len(self.good)
            lucky = stream[:size] != self.good and len(stream) >= size
            if not (lucky and stream[:2] == self.good[:2] and crc16(stream, 0, size) == 0):
                return stream

    def refused(self, stream):
        """Whether `stream` begins with a proper exception answer."""
        return (
            len(stream) >= 5
            and stream[0] == self.good[0]
            and stream[1] == self.good[1] | 0x80
            and crc16(stream, 0, 5) == 0
        )

    def _good(self):
        return self.good

    def _random(self):
        return bytes([random.getrandbits(8) for _ in range(random.getrandbits(5))])

    def _flipped(self):
        stream = bytearray(self.good)
        for _ in range(1 + random.getrandbits(1)):  # the check sum finds up to three
            place = random.getrandbits(16) % (8 * len(stream))
            stream[place >> 3] ^= 1 << (place & 7)
        return bytes(stream)

    def _other_unit(self):
        unit = self.good[0] ^ (1 + random.getrandbits(8) % 255)
        return sealed(bytes([unit]) + self.good[1:-2])

    def _other_function(self):
        function = self.good[1] ^ (1 + random.getrandbits(8) % 255)
        return sealed(bytes([self.good[0], function]) + self.good[2:-2])

    def _other_count(self):
        count = self.good[2] ^ (1 + random.getrandbits(8) % 255)
        return sealed(self.good[:2] + bytes([count]) + self.good[3:-2])

    def _cut(self):
        return self.good[: random.getrandbits(16) % len(self.good)]

    def _noise_behind(self):
        return self.good + self._random()

    def _noise_in_front(self):
        return bytes([random.getrandbits(8)]) + self.good

    def _byte_in_between(self):
        place = random.getrandbits(16) % len(self.good)
        return self.good[:place] + bytes([random.getrandbits(8)]) + self.good[place:]

    def _byte_lost(self):
        place = random.getrandbits(16) % len(self.good)
        return self.good[:place] + self.good[place + 1 :] + self._random()

    def _refusal(self):
        return sealed(bytes([self.good[0], self.good[1] | 0x80, random.getrandbits(8)]))

    def _foreign_refusal(self):
        head = bytes([random.getrandbits(8), random.getrandbits(8) | 0x80])
        return sealed(head + bytes([random.getrandbits(8)]))

    def _twice(self):
        return self.good + self.good

    def _another_answer(self):
        return self.other

    def _changed_data(self):
        """A proper frame about something else: a shorter or longer read, another echo."""
        if self.good[1] <= 4:
            length = 2 + 2 * (random.getrandbits(4) % 12)
            if length == self.good[2]:
                length += 2
            return sealed(self.good[:2] + bytes([length]) + bytes(length))
        stream = bytearray(self.good[:-2])
        stream[2 + random.getrandbits(2)] ^= 1 << random.getrandbits(3)
        return sealed(stream)


def heap_now():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else sys.getallocatedblocks()


class FuzzTest(unittest.TestCase):
    def setUp(self):
        random.seed(SEED)
        self.port = PiecePort()
        self.link = RtuLink(self.port, self.port.micros)
        times = ReplyTime(20, 100)
        requests = (
            pdu.read_request(pdu.RTU, 7, 3, 0x0203, 1, times),  # its echo is nearly its answer
            pdu.read_request(pdu.RTU, 7, 3, 0x1000, 4, times),
            pdu.read_request(pdu.RTU, 1, 4, 0x0000, 10, times),
            pdu.read_request(pdu.RTU, 247, 3, 0xFF00, 25, times),
            pdu.write_register(pdu.RTU, 7, 0x0100, 0x1234, times),
            pdu.write_coil(pdu.RTU, 7, 5, True, times),
            pdu.write_registers(pdu.RTU, 7, 0x0100, [1, 2, 3], times),
        )
        other = registers_of(b"\x07\x03\x20\x00\x00\x07")
        self.answers = [Answers(request, other) for request in requests]

    def settle(self):
        """Hear the rest of the last answer out."""
        while self.link.state != IDLE:
            self.assertEqual(self.link.step(0), NOTHING)
            self.port.now_us += 35000

    def exchange(self, request):
        link = self.link
        port = self.port
        link.send(request, 0)
        port.now_us += 2500
        for _ in range(400):
            event = link.step(0)
            if event != NOTHING:
                return event
            if port.at < len(port.stream):
                port.now_us += 90
            else:
                port.now_us += max(1, link.wait_us(0))
        raise AssertionError("no event")

    def run_rounds(self, rounds):
        seen = [0, 0, 0, 0, 0]
        port = self.port
        for _ in range(rounds):
            answers = self.answers[random.getrandbits(8) % len(self.answers)]
            stream = answers.draw()
            kind = random.getrandbits(2)
            self.settle()
            port.load(stream, 300 if kind else 1 + random.getrandbits(4))
            self.link._may_echo = kind == 3
            event = self.exchange(answers.request)
            seen[event] += 1
            good = answers.good
            if event == REPLY:
                if kind == 3 and stream[: len(good)] != good:
                    # the request's bytes, then its answer: the echo of a write and its answer
                    stream = stream[len(answers.request.frame) :]
                size = len(good)
                if stream[:size] != good or bytes(self.link.buffer[:size]) != good:
                    self.fail("%r accepted for %s" % (stream, answers.request.label))
            elif event == REFUSED:
                if not answers.refused(stream) or self.link.exception_code != stream[2]:
                    self.fail("%r is no exception answer" % stream)
            elif event not in (TIMED_OUT, GARBLED):
                self.fail("event %d" % event)
            elif stream == good and kind != 3:
                self.fail("good answer to %s refused" % answers.request.label)
        return seen

    def test_no_wrong_value_and_no_growth(self):
        self.run_rounds(ROUNDS // 10)
        before = heap_now()
        seen = self.run_rounds(ROUNDS - ROUNDS // 10)
        grown = heap_now() - before
        self.assertTrue(grown < 2000, grown)
        # each outcome really came
        self.assertTrue(min(seen[REPLY:]) > ROUNDS // 1000, seen)
        self.assertEqual(self.link.losses, 0)


if __name__ == "__main__":
    unittest.main()
