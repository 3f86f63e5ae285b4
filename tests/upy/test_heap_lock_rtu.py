"""Requests and answers on a serial line with the heap locked, whatever pieces the answer is in."""

import unittest

import micropython
from serial_wire import registers_of, sealed

from gateway.clock import TICKS_MASK
from gateway.modbus import pdu
from gateway.modbus.line_time import LineTime
from gateway.modbus.link import GARBLED, IDLE, NOTHING, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink


class LockedPort:
    """Answers each request with the prepared bytes, `piece` of them at a time."""

    baud = 115200
    char_bits = 10

    def __init__(self):
        self.now_us = 0x3FFFF000
        self.end_us = 0
        self.answer = b""
        self.echo = b""
        self.piece = 255
        self._gone = 0  # of echo and answer
        self._line = LineTime(self.baud, self.char_bits)

    def micros(self):
        return self.now_us & TICKS_MASK

    def write(self, frame):
        self.end_us = self.now_us + self._line.wire_us(len(frame))
        self._gone = 0
        return len(frame)

    def sending(self):
        return self.now_us < self.end_us

    def readinto(self, buffer, count):
        if self.sending():
            return None
        taken = 0
        echoed = len(self.echo)
        left = min(count, self.piece, echoed + len(self.answer) - self._gone)
        while taken < left:
            if self._gone < echoed:
                buffer[taken] = self.echo[self._gone]
            else:
                buffer[taken] = self.answer[self._gone - echoed]
            self._gone += 1
            taken += 1
        self.now_us += 87
        return taken or None


class LockedLinkTest(unittest.TestCase):
    def setUp(self):
        self.port = LockedPort()
        self.link = RtuLink(self.port, self.port.micros)
        times = ReplyTime(20, 100)
        self.read = pdu.read_request(pdu.RTU, 7, 3, 0x1234, 125, times)
        self.write = pdu.write_registers(pdu.RTU, 7, 0x0100, [1, 2, 3], times)
        self.answer = registers_of(bytes(self.read.frame))

    def locked(self, request):
        """One whole exchange, silences included, without one byte of heap."""
        link = self.link
        port = self.port
        event = NOTHING
        micropython.heap_lock()
        try:
            while link.state != IDLE:
                link.step(port.now_us // 1000)
                port.now_us += 100
            link.send(request, port.now_us // 1000)
            while event == NOTHING:
                event = link.step(port.now_us // 1000)
                port.now_us += max(1, min(100, link.wait_us(port.now_us // 1000)))
            link.transfer_ms(request)
            link.hole_registers()
        finally:
            micropython.heap_unlock()
        return event

    def test_answers_in_pieces_of_every_size(self):
        self.port.answer = self.answer
        for piece in range(1, 256):
            self.port.piece = piece
            self.assertEqual(self.locked(self.read), REPLY)

    def test_echo_in_pieces(self):
        self.port.answer = self.answer
        self.port.echo = bytes(self.read.frame)
        for piece in (1, 3, 8, 9, 255):
            self.port.piece = piece
            self.link._may_echo = True
            self.assertEqual(self.locked(self.read), REPLY)

    def test_write_exception_timeout_and_garbage(self):
        for answer, request, event in (
            (sealed(bytes(self.write.frame[:6])), self.write, REPLY),
            (sealed(b"\x07\x83\x02"), self.read, REFUSED),
            (b"", self.read, TIMED_OUT),
            (self.answer[:100], self.read, GARBLED),
            (b"\xff" + self.answer, self.read, GARBLED),
            (self.answer, self.read, REPLY),
        ):
            self.port.answer = answer
            self.port.piece = 50
            self.assertEqual(self.locked(request), event)

    def test_new_value_with_its_check_sum(self):
        micropython.heap_lock()
        try:
            self.write.set_value(1, 40000)
        finally:
            micropython.heap_unlock()
        self.port.answer = sealed(bytes(self.write.frame[:6]))
        self.assertEqual(self.locked(self.write), REPLY)


if __name__ == "__main__":
    unittest.main()
