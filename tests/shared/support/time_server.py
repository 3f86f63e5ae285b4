"""A time server that tells the truth, or the lies of a test; on a wire of its own or over UDP."""

import struct

from fake_hardware import QuietLog

from gateway.clock import Clock, add
from gateway.time_sync import TimeSync

UNIX = 2208988800
HOST = "10.0.0.9"


def answer_to(question, utc_ms, stay_ms=0, **lies):
    """48 bytes as RFC 5905 has them; received at `utc_ms`, sent `stay_ms` later.

    `lies` replace leap, version, mode, stratum, root_delay, root_dispersion, reference, origin,
    or transmit (seconds and fraction).
    """
    fields = {
        "leap": 0,
        "version": 4,
        "mode": 4,
        "stratum": 2,
        "root_delay": 0x100,
        "root_dispersion": 0x200,
        "reference": b"\x0a\x00\x00\x01",
        "origin": bytes(question[40:48]),
        "transmit": stamp(utc_ms + stay_ms),
    }
    for name in lies:
        if name not in fields:
            raise ValueError(name)
        fields[name] = lies[name]
    first = fields["leap"] << 6 | fields["version"] << 3 | fields["mode"]
    return (
        struct.pack(
            ">BBBBII",
            first,
            fields["stratum"],
            6,
            0xEC,
            fields["root_delay"],
            fields["root_dispersion"],
        )
        + fields["reference"]
        + struct.pack(">II", *stamp(utc_ms - 5000))
        + fields["origin"]
        + struct.pack(">II", *stamp(utc_ms))
        + struct.pack(">II", *fields["transmit"])
    )


def stamp(utc_ms):
    """(seconds since 1900 in their era, 2**-32 s)"""
    seconds, ms = divmod(utc_ms, 1000)
    return (seconds + UNIX) & 0xFFFFFFFF, (ms << 32) // 1000


class HandTime(Clock):
    """The real clock on ticks that move only when told; `wall_ms` is a board's that was never set,
    or, with `whole_seconds`, one that knows no parts of a second.
    """

    def __init__(self, ticks=0x3FFFF000, quality=0):
        self.now = ticks
        self.whole_seconds = False
        super().__init__(quality)

    def ticks(self):
        return self.now

    def wall_ms(self):
        uptime_ms = self.uptime_ms()
        if self.whole_seconds:
            return 1795000000000 + uptime_ms // 1000 * 1000
        return 946684800000 + uptime_ms  # 2000-01-01

    def advance(self, delta_ms):
        self.now = add(self.now, delta_ms)
        self.uptime_ms()


class RandomBits:
    """Numbers that can be foretold."""

    def __init__(self):
        self.state = 12345

    def getrandbits(self, count):
        self.state = self.state * 1103515245 + 12345 & 0x7FFFFFFF
        return self.state >> (31 - count)


class FakeRtc:
    """A board's clock; `now_ms` 0 = never set."""

    def __init__(self, now_ms=0):
        self.now_ms = now_ms
        self.written = []
        self.broken = False

    def read(self):
        if self.broken:
            raise OSError(5)
        return self.now_ms

    def write(self, utc_ms):
        if self.broken:
            raise OSError(5)
        self.written.append(utc_ms)


class ServerBench:
    """One gateway's time and a server `there_ms` and `back_ms` away.

    `ahead_ms` is how far the server is from `true_ms()`. `lies` are those of `answer_to`, or a
    function of the number of the question that gives them. `silent`: questions without an answer.
    """

    def __init__(self, rtc=None, period_s=64, host=HOST, quality=0):
        self.clock = HandTime(quality=quality)
        self.start_ms = 1795000000000
        self.there_ms = 8
        self.back_ms = 8
        self.ahead_ms = 0
        self.lies = {}
        self.silent = ()
        self.refuse = False
        self.asked = []  # uptime of each question
        self.origins = []
        self.changes = []
        self.waiting = []  # (uptime when it is there, packet)
        self.sockets = 0
        self.log = QuietLog()
        self.sync = TimeSync(
            self.clock, self.open, rtc, RandomBits(), self.log, host=host, period_s=period_s
        )
        self.sync.changed = self.note

    def note(self, moved_ms, before):
        self.changes.append((moved_ms, before, self.clock.utc_ms() - self.true_ms()))

    def true_ms(self):
        return self.start_ms + self.clock.uptime_ms()

    def open(self, host, port):
        if self.refuse:
            raise OSError(101)
        assert (host, port) == (HOST, 123)
        self.sockets += 1
        self.waiting = []
        return self

    def send(self, question):
        self.asked.append(self.clock.uptime_ms())
        self.origins.append(bytes(question[40:48]))
        number = len(self.asked)
        if number in self.silent:
            return 48
        lies = self.lies(number) if callable(self.lies) else self.lies
        packet = answer_to(question, self.true_ms() + self.there_ms + self.ahead_ms, **lies)
        self.waiting.append((self.asked[-1] + self.there_ms + self.back_ms, packet))
        return 48

    def readinto(self, buffer):
        if not self.waiting or self.clock.uptime_ms() < self.waiting[0][0]:
            return None
        packet = self.waiting.pop(0)[1]
        count = min(len(packet), len(buffer))
        buffer[:count] = packet[:count]
        return count

    def close(self):
        self.sockets -= 1

    def run_ms(self, duration_ms):
        """As the task in the application does it."""
        end = self.clock.uptime_ms() + duration_ms
        while self.clock.uptime_ms() < end:
            wait_ms = self.sync.step(self.clock.ticks())
            assert 0 <= wait_ms <= 1000, wait_ms
            self.clock.advance(max(1, wait_ms))

    def run_round(self):
        """Until one more round is over."""
        rounds = self.sync.rounds
        while self.sync.rounds == rounds:
            self.run_ms(1)

    def error_ms(self):
        return self.clock.utc_ms() - self.true_ms()
