"""The Modbus TCP link over real sockets: sending, waiting and stepping with the heap locked."""

import random
import socket
import time
import unittest

import micropython
from bus_wait import BusWait
from sockets import Network

from gateway.modbus import pdu
from gateway.modbus.link import IDLE, NOTHING, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.pdu import RTU, TCP
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink

TIMEOUT_MS = 100


def answer(request):
    """A good answer to what was sent last."""
    return bytes(request.head) + bytes(request.expected - len(request.head))


class LockedLink:
    """A link and the other end of its connection; only the link's work runs locked."""

    def __init__(self):
        listener, port = bound_listener()
        self.bus_wait = BusWait()
        self.link = TcpLink(Network(self.bus_wait), "127.0.0.1", port, 1000, random)
        self.link.step(0)
        self.server = listener.accept()[0]
        self.server.setsockopt(6, 1, 1)  # TCP_NODELAY
        listener.close()
        while self.link.state != IDLE:
            self.link.step(0)
        self.now = 0
        self.reply_time = ReplyTime(TIMEOUT_MS, TIMEOUT_MS)

    def send(self, request):
        micropython.heap_lock()
        try:
            self.link.send(request, self.now)
        finally:
            micropython.heap_unlock()
        self.server.recv(300)

    def step(self, wait_us=20000):
        """The event of one step 1 ms later, after a wait."""
        self.now += 1
        micropython.heap_lock()
        try:
            self.bus_wait.wait(wait_us)
            self.link.wait_us(self.now)
            return self.link.step(self.now)
        finally:
            micropython.heap_unlock()


def bound_listener():
    """(listening socket, port): the unix port cannot ask which port 0 became."""
    for _ in range(100):
        port = 20000 + random.getrandbits(13)
        listener = socket.socket()
        try:
            listener.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        except OSError:
            listener.close()
            continue
        listener.listen(1)
        return listener, port
    raise OSError(98)


class HeapLockModbusTest(unittest.TestCase):
    def setUp(self):
        self.locked = LockedLink()
        self.link = self.locked.link
        self.read = pdu.read_request(TCP, 1, 3, 0, 60, self.locked.reply_time)

    def tearDown(self):
        self.link.close(0, "test ended")
        self.locked.server.close()

    def test_reads_and_writes(self):
        reply_time = self.locked.reply_time
        for request in (
            self.read,
            pdu.read_request(TCP, 1, 3, 0, 125, reply_time),
            pdu.read_request(TCP, 2, 1, 0, 19, reply_time),
            pdu.write_register(TCP, 1, 0, 40000, reply_time),
            pdu.write_registers(TCP, 1, 0, (1, 40000), reply_time),
        ):
            self.locked.send(request)
            self.locked.server.send(answer(request))
            self.assertEqual(self.locked.step(), REPLY)

    def test_an_answer_in_two_pieces_cut_anywhere(self):
        for cut in range(1, self.read.expected):
            self.locked.send(self.read)
            good = answer(self.read)
            self.locked.server.send(good[:cut])
            self.assertEqual(self.locked.step(), NOTHING)
            self.locked.server.send(good[cut:])
            event = self.locked.step()
            if event == NOTHING:  # header first, then what it announces
                event = self.locked.step()
            self.assertEqual(event, REPLY)

    def test_silence_and_late_answers(self):
        self.locked.send(self.read)
        late = answer(self.read)
        for _ in range(TIMEOUT_MS - 1):
            self.assertEqual(self.locked.step(0), NOTHING)
        self.assertEqual(self.locked.step(0), TIMED_OUT)
        self.locked.send(self.read)
        self.locked.server.send(late + answer(self.read))
        events = [self.locked.step() for _ in range(2)]
        self.assertEqual(events, [NOTHING, REPLY])
        self.assertEqual(self.link.late, 1)

    def test_refusals_and_late_answers_between_requests(self):
        self.locked.send(self.read)
        head = bytes(self.read.head[:4])
        self.locked.server.send(head + b"\x00\x03\x01\x83\x02" + answer(self.read))
        self.assertEqual(self.locked.step(), REFUSED)
        for _ in range(200):
            self.assertEqual(self.locked.step(0), NOTHING)
        self.assertEqual((self.link.late, self.link.state), (1, IDLE))

    def test_waiting_for_nothing(self):
        for wait_us in (-1, 0, 1, 999, 1000, 2500):
            least_us = min(
                [self._waited_us(wait_us) for _ in range(3)]
            )  # a busy host adds to some
            self.assertTrue(wait_us - 100 <= least_us < wait_us + 20000, least_us)

    def _waited_us(self, wait_us):
        began = time.ticks_us()
        self.locked.step(wait_us)
        return time.ticks_diff(time.ticks_us(), began)

    def test_frames_and_their_checks(self):
        reply_time = ReplyTime(10, 1000)
        for framing in (TCP, RTU):
            one = pdu.write_register(framing, 1, 0, 0, reply_time)
            two = pdu.write_registers(framing, 1, 0, (1, 2), reply_time)
            echo = bytearray(pdu.write_register(framing, 1, 0, 40000, reply_time).frame)
            micropython.heap_lock()
            try:
                one.set_value(0, 40000)
                two.set_value(1, 0xFFFF)
                verdict = one.check(echo, len(echo))
                reply_time.observe(30)
                reply_time.missed()
            finally:
                micropython.heap_unlock()
            self.assertEqual(verdict, pdu.GOOD)


if __name__ == "__main__":
    unittest.main()
