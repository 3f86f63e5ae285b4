import unittest

from fake_hardware import HandClock
from rack_wire import RackWire

from gateway.modbus import tcp_link
from gateway.modbus.pdu import DATA_OFFSET, read_request, write_request
from gateway.modbus.tcp_link import IDLE, LOST, NOTHING, REFUSED, REPLY, TIMED_OUT, TcpLink

TIMEOUT_MS = 200


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.clock = HandClock(0x3FFFFFF0)  # the ticks wrap during the tests
        self.wire = RackWire()
        self.link = TcpLink(self.wire, "rack", 502, 1000, TIMEOUT_MS)
        self.read = read_request(1, 0x1000, 4)
        self.connect()

    def connect(self):
        for _ in range(4):
            if self.link.state == IDLE:
                return
            self.link.step(self.clock.ticks())
        self.fail("no connection")

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
        start = DATA_OFFSET
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
        self.assertEqual(self.ask(read_request(1, 0x3000, 1)), REFUSED)
        self.assertEqual(self.link.exception_code, 2)
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.losses, 0)

    def test_silence_times_out_at_the_deadline(self):
        self.wire.silent = True
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.event(TIMEOUT_MS - 1), NOTHING)
        self.assertEqual(self.event(1), TIMED_OUT)
        self.assertEqual(self.link.timeouts, 1)

    def test_late_answer_is_never_taken_for_the_next_one(self):
        # The same size, another block: the case in which values would be swapped silently.
        self.wire.silent = True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.wire.silent = False
        late = self.wire._answer(bytes(self.read.frame))
        self.wire.outbox.extend(late)
        self.wire.registers[0x1000] = 3333
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.values()[0], 3333)
        self.assertEqual(self.link.late, 1)
        self.assertEqual(self.link.losses, 0)

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
        def other_transaction(frame):
            return b"\x77\x77" + frame[2:]

        def other_protocol(frame):
            return frame[:2] + b"\x00\x01" + frame[4:]

        def absurd_length(frame):
            return frame[:4] + b"\xff\xff" + frame[6:]

        def too_short(frame):
            return frame[:4] + b"\x00\x02" + frame[6:]

        def other_unit(frame):
            return frame[:6] + b"\x05" + frame[7:]

        def fewer_registers(frame):
            return frame[:4] + b"\x00\x05" + frame[6:8] + b"\x02" + frame[9:11]

        def trailing_bytes(frame):
            return frame + b"\x00\x00\x00"

        for change in (
            other_transaction,
            other_protocol,
            absurd_length,
            too_short,
            other_unit,
            fewer_registers,
        ):
            with self.subTest(change=change.__name__ if hasattr(change, "__name__") else change):
                self.wire.change = change
                self.assertEqual(self.ask(), LOST)
                self.wire.change = None
                self.clock.advance(3000)
                self.connect()
                self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.state, IDLE)
        self.wire.change = trailing_bytes  # unasked bytes spoil the next answer, not this one
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.ask(), LOST)

    def test_peer_that_closes(self):
        self.wire.closed = True
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.link.state, tcp_link.CLOSED)
        self.clock.advance(3000)
        self.connect()
        self.assertEqual(self.ask(), REPLY)

    def test_connection_that_never_completes_is_given_up(self):
        self.link.close(self.clock.ticks(), "test")
        self.wire.connected = lambda: False
        self.clock.advance(300)
        self.link.step(self.clock.ticks())
        self.assertEqual(self.event(1100), LOST)
        self.assertIn("timed out", self.link.reason)

    def test_short_write_closes_the_connection(self):
        self.wire.write = lambda frame: 3
        self.link.send(self.read, self.clock.ticks())
        self.assertEqual(self.link.state, tcp_link.CLOSED)

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

    def test_write_is_verified_by_its_echo(self):
        write = write_request(1, 0x0100, 0)
        self.assertEqual(self.ask(write), REPLY)
        self.assertEqual(self.wire.written, [(0x0100, 0)])
        self.wire.change = lambda frame: frame[:-1] + b"\x07"
        self.assertEqual(self.ask(write), LOST)


if __name__ == "__main__":
    unittest.main()
