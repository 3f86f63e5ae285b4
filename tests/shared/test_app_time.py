"""The whole application on a board whose clock was never set, with a time server."""

import struct
import unittest

from app_bench import run
from fake_board import FakeBoard
from time_server import FakeRtc, answer_to

from gateway.clock import NTP, RTC, UNSET
from gateway.telemetry import records

TRUE_MS = 1795000000000
PATIENCE_MS = 30000  # a round takes 6 s and begins within 4 s


class Server:
    """Answers at once; `clock` is the board's."""

    def __init__(self, board):
        self._clock = board.clock
        self._packet = None

    def open(self, host, port):
        assert (host, port) == ("10.0.0.9", 123)
        return self

    def send(self, question):
        self._packet = answer_to(question, TRUE_MS + self._clock.uptime_ms())
        return 48

    def readinto(self, buffer):
        if self._packet is None:
            return None
        buffer[:48] = self._packet
        self._packet = None
        return 48

    def close(self):
        pass


def stored(board, kind):
    """(clock quality, UTC ms, payload) of every record of a kind on flash."""
    found = []
    for name in sorted(board.data.files):
        content = board.data.files[name]
        at = 0
        while at + records.HEADER_BYTES <= len(content):
            length = records.check(content, at, len(content))
            if length and content[at + 1] == kind:
                low, high, quality = struct.unpack("<IHB", content[at + 16 : at + 23])
                payload = content[at + records.HEADER_BYTES : at + length]
                found.append((quality, high << 32 | low, payload))
            at += length or 1
    return found


class AppTimeTest(unittest.TestCase):
    def test_a_round_sets_the_clock_and_leaves_a_record_for_what_came_before(self):
        board = FakeBoard(time={"ntp_host": "10.0.0.9", "ntp_period_s": 16})
        board.clock.wall_ms = lambda: 946684800000 + board.clock.uptime_ms()
        board.datagram = Server(board).open
        board.rtc = FakeRtc()

        async def scenario(gateway):
            self.assertEqual(board.clock.utc_quality, UNSET)
            for _ in range(PATIENCE_MS // 50):
                if board.clock.utc_quality == NTP:
                    break
                await board.clock.sleep_ms(50)
            self.assertEqual(board.clock.utc_quality, NTP)
            error_ms = board.clock.utc_ms() - TRUE_MS - board.clock.uptime_ms()
            self.assertTrue(abs(error_ms) < 500, error_ms)
            sync = gateway.parts.status.status()["clock"]["sync"]
            self.assertEqual((sync["failures"], sync["server"]), (0, "10.0.0.9"))

        run(board, scenario)
        self.assertEqual(len(board.rtc.written), 1)
        ((quality, _, payload),) = stored(board, records.CLOCK)
        self.assertEqual(quality, NTP)
        uptime_ms, low, high, told, _ = struct.unpack(records.CLOCK_PAYLOAD, payload)
        self.assertEqual(told, NTP)
        self.assertTrue(abs((high << 32 | low) - TRUE_MS - uptime_ms) < 500)
        events = stored(board, records.EVENT)
        self.assertEqual(events[0][0], UNSET)  # the boot, put right by the record
        self.assertEqual(events[-1][0], NTP)
        self.assertTrue(any(b"by a time server, was unset" in event[2] for event in events))

    def test_the_clock_of_the_board_is_read_before_the_first_record(self):
        board = FakeBoard()
        board.rtc = FakeRtc(TRUE_MS)

        async def scenario(gateway):
            await board.clock.sleep_ms(200)

        run(board, scenario)
        for quality, utc_ms, _ in stored(board, records.EVENT):
            self.assertEqual(quality, RTC)
            self.assertTrue(TRUE_MS <= utc_ms < TRUE_MS + 60000)
        self.assertEqual(stored(board, records.CLOCK), [])


if __name__ == "__main__":
    unittest.main()
