"""Time over real UDP sockets: a server in this process, lies and closed ports included."""

import os
import random
import socket
import unittest

from fake_hardware import QuietLog
from sockets import DatagramSocket
from time_server import answer_to

from gateway.clock import NTP, TICKS_MASK, UNSET, Clock, diff
from gateway.time_sync import TimeSync

HOST = "127.0.0.1"
TRUE_MS = 1795000000000
_SPEED = 10
_PATIENCE_MS = 60000  # of the fast clock


class FastClock(Clock):
    """Ten times the speed of real time: a round takes less than a second."""

    def ticks(self):
        return super().ticks() * _SPEED & TICKS_MASK


class UdpServer:
    """Answers what is there when it is asked to look."""

    def __init__(self, **lies):
        self.lies = lies
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = 0
        while not self.port:
            port = 20000 + (os.urandom(1)[0] << 8 | os.urandom(1)[0]) % 40000
            try:
                self.socket.bind(socket.getaddrinfo(HOST, port)[0][-1])
                self.port = port
            except OSError:
                pass  # taken: another one
        self.socket.setblocking(False)
        self.clock = FastClock()
        self.questions = []

    def look(self):
        try:
            question, sender = self.socket.recvfrom(100)
        except OSError:
            return
        self.questions.append(question)
        utc_ms = TRUE_MS + self.clock.uptime_ms()
        self.socket.sendto(answer_to(question, utc_ms, **self.lies), sender)

    def error_ms(self, clock):
        return clock.utc_ms() - (TRUE_MS + self.clock.uptime_ms())


def one_round(server, port=0):
    """A clock and its sync after one round with this server."""
    clock = FastClock()
    sync = TimeSync(
        clock,
        DatagramSocket,
        None,
        random,
        QuietLog(),
        host=HOST,
        period_s=1024,
        port=port or server.port,
    )
    start = clock.ticks()
    while sync.rounds == 0 and diff(clock.ticks(), start) < _PATIENCE_MS:
        sync.step(clock.ticks())
        server.look()
    return clock, sync


class UdpTest(unittest.TestCase):
    def setUp(self):
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.socket.close()

    def server(self, **lies):
        self.servers.append(UdpServer(**lies))
        return self.servers[-1]

    def test_a_round_sets_the_clock(self):
        server = self.server()
        clock, sync = one_round(server)
        self.assertEqual(sync.reason, "")
        self.assertEqual(clock.utc_quality, NTP)
        self.assertTrue(abs(server.error_ms(clock)) < 1000, server.error_ms(clock))
        self.assertEqual([len(question) for question in server.questions], [48] * 4)

    def test_lies_leave_it_unset(self):
        for lies, words in (
            ({"origin": b"guessed!"}, "no question of ours"),
            ({"stratum": 0, "reference": b"DENY"}, "DENY"),
            ({"leap": 3}, "not synchronised"),
        ):
            clock, sync = one_round(self.server(**lies))
            self.assertEqual(clock.utc_quality, UNSET)
            self.assertIn(words, sync.reason)

    def test_a_port_where_nobody_listens(self):
        server = self.server()
        server.socket.close()  # its port is free now
        silent = self.server()
        clock, sync = one_round(silent, server.port)
        self.servers.remove(server)
        self.assertEqual(clock.utc_quality, UNSET)
        self.assertTrue(sync.reason)
        self.assertEqual(silent.questions, [])

    def test_nothing_there_is_none_and_others_are_not_heard(self):
        server, other = self.server(), self.server()
        link = DatagramSocket(HOST, server.port)
        try:
            buffer = bytearray(48)
            self.assertIsNone(link.readinto(buffer))
            self.assertEqual(link.send(b"x" * 48), 48)
            question, sender = b"", None
            while not question:
                try:
                    question, sender = server.socket.recvfrom(100)
                except OSError:
                    pass
            other.socket.sendto(b"y" * 60, sender)
            server.socket.sendto(b"z" * 60, sender)
            count = None
            while count is None:
                count = link.readinto(buffer)
            self.assertEqual((count, bytes(buffer)), (48, b"z" * 48))
            self.assertIsNone(link.readinto(buffer))
        finally:
            link.close()


if __name__ == "__main__":
    unittest.main()
