import unittest

from fake_hardware import HandClock
from rack_wire import RackWire

from gateway.modbus import pdu
from gateway.modbus.link import (
    CLOSED,
    IDLE,
    LOST,
    NOTHING,
    OPENING,
    REFUSED,
    REPLY,
    TIMED_OUT,
    WAITING,
    WHENEVER_US,
)
from gateway.modbus.pdu import TCP
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink

TIMEOUT_MS = 200
# what the wire does to an answer to 4 registers, and the reason the link gives
SPOILED = (
    (lambda frame: b"\x77\x77" + frame[2:], "no request of ours"),
    (lambda frame: frame[:2] + b"\x00\x01" + frame[4:], "protocol id"),
    (lambda frame: frame[:4] + b"\xff\xff" + frame[6:], "not a Modbus TCP frame"),
    (lambda frame: frame[:4] + b"\x00\x02" + frame[6:], "not a Modbus TCP frame"),
    (lambda frame: frame[:6] + b"\x05" + frame[7:], "unit 5"),
    (lambda frame: frame[:7] + b"\x04" + frame[8:], "function 4"),
    (lambda frame: frame[:4] + b"\x00\x05" + frame[6:8] + b"\x02" + frame[9:11], "11 bytes"),
    (lambda frame: frame[:8] + b"\x06" + frame[9:], "byte count"),
)


class LargestRandom:
    def getrandbits(self, bits):
        return (1 << bits) - 1


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.clock = HandClock(0x3FFFFFF0)  # the ticks wrap during the tests
        self.wire = RackWire()
        self.link = TcpLink(self.wire, "rack", 502, 1000, LargestRandom())
        self.time = ReplyTime(TIMEOUT_MS, TIMEOUT_MS)
        self.read = self.request(0x1000, 4)
        self.connect()

    def request(self, address, count, unit=1, time=None):
        return pdu.read_request(TCP, unit, 3, address, count, time or self.time)

    def connect(self):
        for _ in range(4):
            if self.link.state == IDLE:
                return
            self.link.step(self.clock.ticks())
        self.fail("no connection")

    def late_answer(self, request):
        """What the rack will have to say to `request`, which it got while it was silent."""
        return self.wire._answer(bytes(request.frame))

    def event(self, steps=300):
        """The first event of the link while 1 ms passes at each step."""
        for _ in range(steps):
            event = self.link.step(self.clock.advance(1))
            if event != NOTHING:
                return event
        return NOTHING

    def ask(self, request=None):
        self.link.send(request or self.read, self.clock.ticks())
        return self.event()

    def values(self):
        start = self.read.data_at
        data = self.link.buffer[start : start + 8]
        return [data[index] << 8 | data[index + 1] for index in range(0, 8, 2)]

    def test_answer_in_one_piece(self):
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.values(), [3300, 3301, 3302, 3303])

    def test_answer_in_pieces_of_every_size(self):
        for piece in range(1, 18):
            self.wire.piece = piece
            with self.subTest(piece=piece):
                self.assertEqual(self.ask(), REPLY)
                self.assertEqual(self.values(), [3300, 3301, 3302, 3303])

    def test_more_than_65536_requests_on_one_connection(self):
        self.link._transaction = 0xFFFE
        for _ in range(4):
            self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.losses, 0)

    def test_exception_keeps_the_connection_and_its_code(self):
        self.assertEqual(self.ask(self.request(0x3000, 1)), REFUSED)
        self.assertEqual(self.link.exception_code, 2)
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.losses, 0)

    def test_silence_times_out_at_the_deadline(self):
        self.wire.silent = True
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.link.state, WAITING)
        self.assertEqual(self.event(TIMEOUT_MS - 1), NOTHING)
        self.assertEqual(self.event(1), TIMED_OUT)
        self.assertEqual(self.link.timeouts, 1)

    def test_late_answer_is_never_taken_for_the_next_one(self):
        # The same size, another block: the case in which values would be swapped silently.
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.wire.silent = False
        self.wire.outbox.extend(self.late_answer(self.read))
        self.wire.registers[0x1000] = 3333
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.values()[0], 3333)
        self.assertEqual(self.link.late, 1)
        self.assertEqual(self.link.losses, 0)

    def test_late_answer_between_requests_is_dropped_before_the_next_one(self):
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.wire.silent = False
        self.wire.outbox.extend(self.late_answer(self.read))
        self.assertEqual(self.event(100), NOTHING)
        self.assertEqual(len(self.wire.outbox), 0)
        self.assertEqual((self.link.late, self.link.state), (1, IDLE))

    def test_late_answer_in_pieces_around_its_deadline(self):
        other = self.request(0x2000, 2)
        for cut in range(1, 13):
            self.wire.silent = True
            self.assertEqual(self.ask(other), TIMED_OUT)
            late = self.late_answer(other)
            self.wire.outbox.extend(late[:cut])
            self.link.send(self.read, self.clock.ticks())
            self.assertEqual(self.event(5), NOTHING)
            self.wire.outbox.extend(late[cut:] + self.late_answer(self.read))
            self.wire.silent = False
            with self.subTest(cut=cut):
                self.assertEqual(self.event(), REPLY)
                self.assertEqual(self.values(), [3300, 3301, 3302, 3303])
        self.assertEqual((self.link.late, self.link.losses), (12, 0))

    def test_a_refusal_and_a_late_answer_in_one_piece(self):
        refused = self.request(0x3000, 8)
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        late = self.late_answer(self.read)
        self.link.send(refused, self.clock.ticks())
        self.wire.outbox.extend(self.late_answer(refused) + late)
        self.assertEqual(self.event(), REFUSED)
        self.wire.silent = False
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.values(), [3300, 3301, 3302, 3303])
        self.assertEqual((self.link.late, self.link.losses), (1, 0))

    def test_a_flood_of_late_answers_does_not_put_off_the_deadline(self):
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        late = self.late_answer(self.read)
        self.link.send(self.read, self.clock.ticks())
        for _ in range(TIMEOUT_MS - 1):
            self.wire.outbox.extend(late)
            self.assertEqual(self.event(1), NOTHING)
        self.wire.outbox.extend(late)
        self.assertEqual(self.event(1), TIMED_OUT)

    def test_answer_that_came_drop_by_drop_too_slowly(self):
        self.wire.silent = True
        self.link.send(self.read, self.clock.ticks())
        for byte in self.late_answer(self.read)[:-1]:
            self.wire.outbox.append(byte)
            self.assertEqual(self.event(10), NOTHING)
        self.assertEqual(self.event(TIMEOUT_MS), TIMED_OUT)
        self.wire.silent = False
        self.wire.outbox.extend(self.late_answer(self.read)[-1:])
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.late, 1)

    def test_units_share_the_connection_and_each_has_its_own_deadline(self):
        quick = ReplyTime(20, TIMEOUT_MS)
        quick.observe(1)
        self.assertEqual(self.ask(self.request(0x1000, 4, 2, quick)), REPLY)
        self.wire.silent = True
        self.link.send(self.request(0x1000, 4, 2, quick), self.clock.ticks())
        self.assertEqual(self.event(19), NOTHING)
        self.assertEqual(self.event(1), TIMED_OUT)
        self.assertEqual(quick.timeout_ms, 40)
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.event(TIMEOUT_MS - 1), NOTHING)
        self.assertEqual(self.event(1), TIMED_OUT)

    def test_third_silence_closes_the_connection(self):
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.assertEqual(self.ask(), TIMED_OUT)
        self.assertEqual(self.ask(), LOST)
        self.assertTrue(self.wire.closed)
        self.wire.silent = False
        self.clock.advance(3000)
        self.connect()
        self.assertEqual(self.ask(), REPLY)

    def test_streams_out_of_step_are_closed(self):
        for change, why in SPOILED:
            with self.subTest(why=why):
                self.wire.change = change
                self.assertEqual(self.ask(), LOST)
                self.assertIn(why, self.link.reason)
                self.wire.change = None
                self.clock.advance(3000)
                self.connect()
                self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.state, IDLE)
        self.wire.change = lambda frame: (
            frame + b"\0\0\0"
        )  # unasked bytes spoil the next answer, not this one
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.ask(), LOST)

    def test_peer_that_closes(self):
        self.wire.closed = True
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.link.state, CLOSED)
        self.assertEqual(self.event(1), LOST)  # said once, by `step`
        self.assertEqual(self.event(100), NOTHING)
        self.clock.advance(3000)
        self.connect()
        self.assertEqual(self.ask(), REPLY)

    def test_connection_that_never_completes_is_given_up(self):
        self.link.close(self.clock.ticks(), "test")
        self.assertEqual(self.event(1), LOST)
        self.wire.connected = lambda: False
        self.clock.advance(300)
        self.link.step(self.clock.ticks())
        self.assertEqual(self.link.state, OPENING)
        self.assertEqual(self.event(999), NOTHING)
        self.assertEqual(self.event(1), LOST)
        self.assertIn("timed out", self.link.reason)

    def test_short_write_closes_the_connection(self):
        self.link.close(self.clock.ticks(), "test")
        self.wire.write = lambda frame: 3
        self.clock.advance(3000)
        self.link.step(self.clock.ticks())
        self.connect()
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.link.state, CLOSED)

    def test_an_answer_forgives_earlier_silence(self):
        for _ in range(4):
            self.wire.silent = True
            self.assertEqual(self.ask(), TIMED_OUT)
            self.assertEqual(self.ask(), TIMED_OUT)
            self.wire.silent = False
            self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.losses, 0)
        self.assertEqual(self.link.reason, "")

    def test_refused_connection_is_tried_again_with_pauses(self):
        self.wire.refuse_connection = True
        self.link.close(self.clock.ticks(), "test")
        attempts = 0
        for _ in range(10000):
            attempts += self.link.step(self.clock.advance(1)) == LOST
        self.assertTrue(4 <= attempts <= 8, attempts)  # pauses of 0.25, 0.5, 1, then 2 s
        self.wire.refuse_connection = False
        self.clock.advance(2000)
        self.connect()

    def test_retry_now_skips_the_pause_once(self):
        self.wire.refuse_connection = True
        self.link.close(self.clock.ticks(), "test")
        self.assertEqual(self.event(1), LOST)
        self.assertEqual(self.event(240), NOTHING)
        self.link.retry_now()
        self.assertEqual(self.link.wait_us(self.clock.ticks()), 0)
        self.assertEqual(self.event(1), LOST)
        self.assertEqual(self.event(400), NOTHING)

    def test_an_answer_makes_the_pauses_short_again(self):
        self.wire.refuse_connection = True
        self.link.close(self.clock.ticks(), "test")
        self.event(10000)
        for _ in range(4):
            self.assertEqual(self.event(2000), LOST)
        self.wire.refuse_connection = False
        self.clock.advance(2000)
        self.connect()
        self.assertEqual(self.ask(), REPLY)
        self.link.close(self.clock.ticks(), "test")
        self.assertEqual(self.event(1), LOST)
        self.clock.advance(249)
        self.link.step(self.clock.ticks())
        self.assertEqual(self.link.state, OPENING)

    def test_an_idle_connection_is_read_from_now_and_then(self):
        reads = []
        self.link.close(self.clock.ticks(), "test")
        self.wire.readinto = lambda buffer, count: reads.append(count)
        self.clock.advance(3000)
        self.link.step(self.clock.ticks())
        self.connect()
        self.assertEqual(self.event(640), NOTHING)
        self.assertTrue(9 <= len(reads) <= 11, reads)

    def test_an_answer_that_was_there_before_its_request(self):
        refused = self.request(0x3000, 8)
        self.wire.silent = True
        self.link.send(refused, self.clock.ticks())
        early = self.request(0x1000, 1)
        early.set_transaction(self.link._transaction + 1)
        extra = b"\0\0\0\0\0"
        self.wire.outbox.extend(self.late_answer(refused) + self.late_answer(early) + extra)
        self.assertEqual(self.link.step(self.clock.ticks()), REFUSED)
        self.assertEqual(self.ask(early), LOST)
        self.assertIn("bytes behind the answer", self.link.reason)

    def test_closing_twice_is_closing_once(self):
        self.link.close(self.clock.ticks(), "first")
        self.link.close(self.clock.ticks(), "second")
        self.assertEqual((self.link.losses, self.link.reason), (1, "first"))

    def test_a_close_by_the_peer_is_noticed_between_requests(self):
        self.wire.closed = True
        self.assertEqual(self.event(65), LOST)
        self.assertIn("closed by the peer", self.link.reason)

    def test_how_long_it_can_be_left_alone(self):
        now = self.clock.ticks()
        self.assertEqual(self.link.wait_us(now), WHENEVER_US)
        self.wire.silent = True
        self.link.send(self.read, now)
        self.assertEqual(self.link.wait_us(now), TIMEOUT_MS * 1000)
        self.assertEqual(self.link.wait_us(self.clock.advance(50)), (TIMEOUT_MS - 50) * 1000)
        self.assertEqual(self.link.wait_us(self.clock.advance(TIMEOUT_MS)), 0)
        self.link.close(self.clock.ticks(), "test")
        self.assertEqual(self.link.wait_us(self.clock.ticks()), 0)  # LOST is to be fetched
        self.assertEqual(self.event(1), LOST)
        self.assertEqual(self.link.wait_us(self.clock.ticks()), 248000)

    def test_what_a_poller_plans_with(self):
        self.assertEqual(self.link.framing, TCP)
        self.assertEqual(self.link.hole_registers(), 125)
        self.time.observe(30)
        self.assertEqual(self.link.transfer_ms(self.read), 31)

    def test_latency_and_busy_time_are_measured(self):
        self.time = ReplyTime(20, 1000)
        read = self.request(0x1000, 4)
        answers = []
        self.wire.change = lambda frame: answers.append(frame) or b""
        for latency_ms in (40, 40, 0):
            self.link.send(read, self.clock.ticks())
            if latency_ms:
                self.assertEqual(self.event(latency_ms - 1), NOTHING)
            self.wire.outbox.extend(answers.pop())
            self.assertEqual(self.link.step(self.clock.advance(latency_ms and 1)), REPLY)
        self.assertEqual(self.link.busy_ms, 80)
        self.link.send(read, self.clock.ticks())
        self.link.close(self.clock.advance(20), "test")
        self.assertEqual(self.link.busy_ms, 100)
        self.assertEqual(self.time.latency_ms, 35)

    def test_write_is_verified_by_its_echo(self):
        write = pdu.write_register(TCP, 1, 0x0100, 0, self.time)
        self.assertEqual(self.ask(write), REPLY)
        self.assertEqual(self.wire.written, [(0x0100, 0)])
        self.wire.change = lambda frame: frame[:-1] + b"\x07"
        self.assertEqual(self.ask(write), LOST)
        self.assertIn("echo", self.link.reason)


if __name__ == "__main__":
    unittest.main()
