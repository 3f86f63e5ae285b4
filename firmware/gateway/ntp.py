"""SNTP packets (RFC 4330, RFC 5905) as bytes: the question, and what an answer is worth.

The question carries a random number in the place of the time of sending. The server gives it back,
so an answer that was not asked for does not fit, and nobody learns what our clock says.
"""

from __future__ import annotations

import struct

from micropython import const

from gateway.clock import diff

PACKET_BYTES = 48
PORT = 123
_CLIENT = const(0x23)  # no leap warning, version 4, mode 3
_SERVER_MODE = const(4)
_ALARM = const(3)  # leap indicator: the server's own clock is not set
_WORST_STRATUM = const(15)
_TIMES = const(">IIII")
_ORIGIN = const(24)
_RECEIVED = const(32)
_UNIX = const(2208988800)  # Unix time 0 in seconds since 1900
_ERA = const(0xFFFFFFFF)  # seconds wrap in 2036; taken as 1970 .. 2106
EARLIEST_S = 1767225600  # 2026-01-01: this program did not exist before
_LONGEST_DELAY_MS = const(1000)
_LONGEST_STAY_MS = const(5000)  # in the server
_MOST_ROOT_S = const(0x10000)  # 1 s as 16.16: how far the server may be from its reference


def put_question(buffer: bytearray, cookie: bytes) -> None:
    """Fill `buffer` of PACKET_BYTES; `cookie` are 8 random bytes."""
    for index in range(PACKET_BYTES):
        buffer[index] = 0
    buffer[0] = _CLIENT
    buffer[40:48] = cookie


class Answer:
    """What one answer says: `utc_ms` at the moment it came in, `delay_ms` on the way there and
    back, `stratum`, and `kiss`: the code of a server that refuses, or "".
    """

    def __init__(self) -> None:
        self.utc_ms = 0
        self.delay_ms = 0
        self.stratum = 0
        self.kiss = ""

    def take(self, packet: bytearray, count: int, cookie: bytes, sent: int, now: int) -> str:
        """Judge `count` bytes; "" when they can be used, else the reason why not."""
        self.kiss = ""
        if count < PACKET_BYTES:
            return "an answer of %d bytes" % count
        if bytes(packet[_ORIGIN:_RECEIVED]) != cookie:
            return "an answer to no question of ours"
        leap, version, mode = packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7
        if mode != _SERVER_MODE or version not in (3, 4):
            return "mode %d, version %d" % (mode, version)
        self.stratum = packet[1]
        if self.stratum == 0:
            self.kiss = "".join([chr(each) for each in packet[12:16] if 32 < each < 127]) or "?"
            return "refused by the server: %s" % self.kiss
        if leap == _ALARM or self.stratum > _WORST_STRATUM:
            return "the server is not synchronised"
        root_delay, root_dispersion = struct.unpack(">II", bytes(packet[4:12]))
        if root_delay // 2 + root_dispersion > _MOST_ROOT_S:
            return "the server is too far from its reference"
        return self._take_times(packet, sent, now)

    def _take_times(self, packet: bytearray, sent: int, now: int) -> str:
        in_s, in_part, out_s, out_part = struct.unpack(_TIMES, bytes(packet[_RECEIVED:]))
        if out_s == 0 and out_part == 0:
            return "no time of sending"
        stay_ms = (out_s - in_s) * 1000 + (out_part * 1000 >> 32) - (in_part * 1000 >> 32)
        self.delay_ms = diff(now, sent) - stay_ms
        if not 0 <= stay_ms <= _LONGEST_STAY_MS:
            return "%d ms inside the server" % stay_ms
        if not -1 <= self.delay_ms <= _LONGEST_DELAY_MS:  # -1: two clocks cut to milliseconds
            return "%d ms on the way" % self.delay_ms
        self.delay_ms = max(self.delay_ms, 0)
        utc_s = out_s - _UNIX & _ERA
        if utc_s < EARLIEST_S:
            return "a time before 2026"
        self.utc_ms = utc_s * 1000 + (out_part * 1000 >> 32) + self.delay_ms // 2
        return ""
