import unittest

from serial_wire import SerialWire, registers_of, sealed

from gateway.modbus import pdu
from gateway.modbus.link import GARBLED, IDLE, NOTHING, QUIET, REFUSED, REPLY, TIMED_OUT, WAITING
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink

LATENCY_US = 4000
FORMATS = tuple(
    (baud, bits)
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
    for bits in (10, 11)
)


def answer_to(frame):
    if frame[1] <= 4:
        return registers_of(frame)
    return sealed(frame[:6])


def good_unit(wire, frame, end_us):
    wire.put(end_us + LATENCY_US, answer_to(frame))


def silent_unit(wire, frame, end_us):
    pass


class Bench(unittest.TestCase):
    def setUp(self):
        self.build(good_unit)

    def build(self, unit, baud=115200, char_bits=10):
        self.wire = SerialWire(unit, baud, char_bits)
        self.link = RtuLink(self.wire, self.wire.micros)
        self.reply_time = ReplyTime(20, 300)
        self.read = self.reading(0x1234, 125)
        self.write = pdu.write_register(pdu.RTU, 7, 0x0100, 5, self.reply_time)

    def reading(self, address, count, unit=7):
        return pdu.read_request(
            pdu.RTU, unit, pdu.READ_HOLDING_REGISTERS, address, count, self.reply_time
        )

    def ask(self, request=None):
        return self.wire.ask(self.link, request or self.read)

    def answers(self, data, after_us=LATENCY_US):
        """From now on every request is answered by these bytes."""
        self.wire.unit = lambda wire, frame, end_us: wire.put(end_us + after_us, data)

    def elapsed_us(self, request=None):
        self.wire.rest(self.link)
        start = self.wire.now_us
        self.ask(request)
        return self.wire.now_us - start


class GoodTest(Bench):
    def test_answer_at_every_speed_and_format(self):
        for baud, char_bits in FORMATS:
            self.build(good_unit, baud, char_bits)
            with self.subTest(baud=baud, char_bits=char_bits):
                for _ in range(3):
                    self.assertEqual(self.ask(), REPLY)
                    data = self.link.buffer
                    self.assertEqual(bytes(data[:7]), b"\x07\x03\xfa\x12\x34\x12\x35")
                self.assertEqual(self.link.replies, 3)
                self.assertEqual(self.link.reason, "")

    def test_dead_time_is_the_silence_only(self):
        for baud, char_bits in FORMATS:
            self.build(good_unit, baud, char_bits)
            self.ask()
            bound_us = self.wire.line.wire_us(8 + 255) + LATENCY_US
            bound_us += self.wire.line.silence_us
            start = self.wire.now_us
            self.ask()
            with self.subTest(baud=baud, char_bits=char_bits):
                self.assertTrue(self.wire.now_us - start - bound_us < 100)

    def test_silence_before_every_request(self):
        for baud, char_bits in FORMATS:
            self.build(good_unit, baud, char_bits)
            for step in range(6):
                self.wire.unit = (good_unit, silent_unit)[step == 3]
                self.ask()
            for _, _, _, silence_us in self.wire.sent:
                with self.subTest(baud=baud, char_bits=char_bits):
                    self.assertTrue(silence_us >= 3.5 * 11e6 / min(baud, 22000), silence_us)

    def test_silence_counts_from_the_last_byte_even_on_a_busy_host(self):
        self.wire.reading_us = 900
        for _ in range(10):
            self.ask()
        self.assertTrue(min([sent[3] for sent in self.wire.sent]) >= 1750)

    def test_receiver_that_hands_over_in_lots(self):
        for baud, char_bits in FORMATS:
            for fifo in (2, 16, 120):
                self.build(good_unit, baud, char_bits)
                self.wire.fifo = fifo
                with self.subTest(baud=baud, fifo=fifo):
                    for request in (self.read, self.reading(0, 60), self.write, self.read):
                        self.assertEqual(self.ask(request), REPLY)

    def test_exception_is_complete_at_five_bytes(self):
        self.answers(sealed(b"\x07\x83\x02"))
        self.assertEqual(self.ask(), REFUSED)
        self.assertEqual(self.link.exception_code, 2)
        self.assertEqual(self.link.refusals, 1)
        self.assertTrue(self.elapsed_us() < 6000)

    def test_latency_is_learnt_without_wire_time(self):
        for _ in range(3):
            self.ask()
        self.assertEqual(self.reply_time.latency_ms, 4)

    def test_every_function(self):
        times = self.reply_time
        for request in (
            pdu.read_request(pdu.RTU, 7, 4, 9, 1, times),
            pdu.write_coil(pdu.RTU, 7, 3, True, times),
            pdu.write_registers(pdu.RTU, 7, 3, [1, 2, 3], times),
            pdu.write_coils(pdu.RTU, 7, 3, [1, 0, 1], times),
        ):
            self.assertEqual(self.ask(request), REPLY)


class TimesTest(Bench):
    def test_silent_unit_costs_its_deadline(self):
        self.wire.unit = silent_unit
        self.reply_time.observe(5)
        for expected_ms in (20, 40):  # 4 x 5, then doubled
            elapsed_us = self.elapsed_us()
            allowed_us = self.wire.line.wire_us(8 + 128) + 2500
            self.assertTrue(0 <= elapsed_us - expected_ms * 1000 <= allowed_us, elapsed_us)
        self.assertEqual(self.link.timeouts, 2)
        self.assertEqual(self.link.reason, "no answer")

    def test_incomplete_answer_ends_before_the_deadline(self):
        for baud in (9600, 115200):
            self.build(good_unit, baud)
            gap_us = self.wire.line.wire_us(128) + 20000
            self.answers(registers_of(bytes(self.read.frame))[:254])
            elapsed_us = self.elapsed_us()
            bound_us = self.wire.line.wire_us(8 + 254) + LATENCY_US + gap_us
            self.assertTrue(0 <= elapsed_us - bound_us <= 200, elapsed_us)
            self.assertEqual(self.link.garbled, 1)

    def test_trickle_ends_too(self):
        def trickle(wire, frame, end_us):
            for index in range(1, 100):
                wire.put(end_us + 20000 * index, b"\x07")

        self.wire.unit = trickle
        self.assertTrue(self.elapsed_us() < 400_000)
        self.assertEqual(self.link.garbled, 1)

    def test_transfer_time(self):
        self.ask()
        bound_us = self.wire.line.wire_us(8 + 255) + 2 * 1750 + LATENCY_US
        self.assertEqual(self.link.transfer_ms(self.read), -(-bound_us // 1000))

    def test_busy_time_counts_what_is_not_idle(self):
        self.wire.rest(self.link)
        before_ms = self.link.busy_ms
        start = self.wire.now_us
        for _ in range(20):
            self.ask()
        self.wire.rest(self.link)
        spent_ms = (self.wire.now_us - start) // 1000
        self.assertTrue(abs(self.link.busy_ms - before_ms - spent_ms) <= 1)
        self.wire.now_us += 5_000_000
        self.link.step(self.wire.ticks())
        self.wire.rest(self.link)
        self.assertTrue(abs(self.link.busy_ms - before_ms - spent_ms) <= 1)

    def test_hole_is_what_another_request_costs(self):
        self.assertEqual(self.link.hole_registers(), 84)
        self.build(good_unit, 9600)
        self.assertEqual(self.link.hole_registers(), 15)

    def test_idle_for_an_hour_then_works(self):
        for minutes in (9, 10, 60):
            self.ask()
            self.wire.rest(self.link)
            for _ in range(minutes):
                self.wire.now_us += 60_000_000
                self.link.step(self.wire.ticks())
            self.wire.put(self.wire.now_us - 100, b"\x00")
            self.link.step(self.wire.ticks())
            self.assertEqual(self.link.state, QUIET)
            self.assertTrue(self.wire.rest(self.link) < 40_000)
            self.assertEqual(self.ask(), REPLY)


class BadAnswerTest(Bench):
    def test_nothing_but_the_answer_is_accepted(self):
        good = registers_of(bytes(self.read.frame))
        other_crc = bytearray(good)
        other_crc[254] ^= 1
        for name, data in (
            ("other unit", sealed(b"\x08" + good[1:-2])),
            ("other function", sealed(b"\x07\x04" + good[2:-2])),
            ("fewer registers", sealed(b"\x07\x03\x02\x00\x01")),
            ("more registers", good[:-2] + sealed(good)),
            ("byte count off", sealed(b"\x07\x03\xf8" + good[3:-2])),
            ("crc off", other_crc),
            ("noise in front", b"\xff" + good),
            ("noise behind", good + b"\x00"),
            ("lost byte", good[:40] + good[41:]),
            ("one byte", b"\xff"),
            ("exception of another function", sealed(b"\x07\x84\x02")),
            ("exception of another unit", sealed(b"\x08\x83\x02")),
            ("exception with noise", sealed(b"\x07\x83\x02") + b"\x01"),
            ("exception with bad crc", b"\x07\x83\x02\x00\x00"),
        ):
            self.build(good_unit)
            self.wire.fifo = 600  # everything at once, also what follows
            self.answers(data)
            with self.subTest(name=name):
                self.assertEqual(self.ask(), GARBLED)
                self.assertEqual(self.link.reason, "garbled answer")
                self.wire.fifo = 1
                self.wire.unit = good_unit
                self.assertEqual(self.ask(), REPLY)

    def test_noise_behind_that_comes_later_delays_only(self):
        good = registers_of(bytes(self.read.frame))
        self.answers(good + b"\x55")
        self.assertEqual(self.ask(), REPLY)
        self.assertTrue(self.wire.rest(self.link) > 1750)
        self.assertEqual(self.link.late, 1)

    def test_rest_of_a_bad_frame_is_waited_for(self):
        self.answers(b"\x00" + b"\x11" * 400)
        self.assertEqual(self.ask(), GARBLED)
        self.wire.rest(self.link)
        self.assertEqual(self.wire.coming, [])
        self.assertTrue(self.wire.now_us - self.wire.last_us >= 20000)
        self.assertEqual(self.link.late, 0)

    def test_rest_of_a_bad_frame_may_come_in_lots(self):
        self.wire.fifo = 125  # as long as the answer should be
        self.answers(sealed(b"\x11" * 300))
        self.assertEqual(self.ask(self.reading(0, 60)), GARBLED)
        self.assertNotEqual(self.wire.coming, [])
        self.wire.rest(self.link)
        self.assertEqual(self.wire.coming, [])

    def test_late_answer_is_dropped_and_the_line_falls_silent(self):
        self.reply_time.observe(1)
        good = registers_of(bytes(self.read.frame))
        self.answers(good, after_us=60_000)
        self.assertEqual(self.ask(), TIMED_OUT)
        self.wire.rest(self.link)
        self.wire.now_us = self.wire.coming[0][0]
        self.link.step(self.wire.ticks())
        self.assertEqual(self.link.state, QUIET)
        self.wire.rest(self.link)
        self.assertEqual(self.wire.coming, [])
        self.assertEqual(self.link.late, 1)
        self.wire.unit = good_unit
        self.assertEqual(self.ask(self.reading(0, 3)), REPLY)
        self.assertEqual(self.link.garbled, 0)

    def test_what_comes_just_before_sending_holds_the_request(self):
        self.wire.rest(self.link)
        self.wire.put(self.wire.now_us - 1000, b"\x00\x01")
        self.link.send(self.read, self.wire.ticks())
        self.assertEqual(self.wire.sent, [])
        self.assertEqual(self.link.state, WAITING)
        while not self.wire.sent:
            self.assertEqual(self.link.step(self.wire.ticks()), NOTHING)
            self.wire.pass_time(self.link)
        self.assertEqual(self.link.late, 1)
        self.assertTrue(self.wire.sent[0][3] >= 1750)

    def test_line_that_is_never_silent(self):
        self.wire.rest(self.link)
        for index in range(50):
            self.wire.put(self.wire.now_us - 1000 + 20000 * index, b"\xaa")
        self.link.send(self.read, self.wire.ticks())
        for _ in range(20000):
            if self.link.step(self.wire.ticks()) == GARBLED:
                break
            self.wire.pass_time(self.link)
        self.assertEqual(self.link.garbled, 1)
        self.assertEqual(self.wire.sent, [])


class EchoTest(Bench):
    def test_echo_is_dropped_from_the_first_request_on(self):
        for fifo in (1, 16, 600):
            self.build(good_unit)
            self.wire.echo = True
            self.wire.fifo = fifo
            with self.subTest(fifo=fifo):
                for request in (self.read, self.reading(1, 1), self.write, self.read):
                    self.assertEqual(self.ask(request), REPLY)
                self.assertEqual(bytes(self.link.buffer[:3]), b"\x07\x03\xfa")

    def test_echo_alone_never_confirms_a_write(self):
        for fifo in (1, 16):
            for learn in (False, True):
                self.build(good_unit)
                self.wire.echo = True
                self.wire.fifo = fifo
                if learn:
                    self.assertEqual(self.ask(), REPLY)
                self.wire.unit = silent_unit
                with self.subTest(fifo=fifo, learn=learn):
                    for _ in range(3):
                        self.assertEqual(self.ask(self.write), TIMED_OUT)

    def test_first_write_of_all_is_not_believed(self):
        self.assertEqual(self.ask(self.write), TIMED_OUT)
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.ask(self.write), REPLY)

    def test_adapter_with_echo_put_in_later(self):
        self.assertEqual(self.ask(), REPLY)
        self.wire.echo = True
        self.wire.unit = silent_unit
        for request in (self.write, pdu.write_coil(pdu.RTU, 7, 1, True, self.reply_time)):
            for fifo in (1, 8):
                self.link._may_echo = False
                self.wire.fifo = fifo
                self.assertNotEqual(self.ask(request), REPLY)
        self.link._may_echo = False
        self.wire.unit = good_unit
        self.assertEqual(self.ask(), GARBLED)
        self.assertEqual(self.ask(), REPLY)

    def test_adapter_with_echo_taken_out(self):
        self.wire.echo = True
        self.assertEqual(self.ask(), REPLY)
        self.wire.echo = False
        self.assertEqual(self.ask(self.write), TIMED_OUT)
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.ask(self.write), REPLY)

    def test_exception_after_an_echo(self):
        self.wire.echo = True
        for request in (self.write, self.read):
            self.answers(sealed(bytes([7, request.function | 0x80, 6])))
            self.assertEqual(self.ask(request), REFUSED)
        self.assertEqual(self.link.exception_code, 6)

    def test_foreign_bytes_while_sending(self):
        self.answers(b"\x44\x45\x46", after_us=-600)
        self.assertEqual(self.ask(), GARBLED)
        self.assertTrue(self.wire.now_us < self.wire.end_us)
        self.wire.unit = good_unit
        self.assertEqual(self.ask(), REPLY)


class BroadcastTest(Bench):
    def test_no_answer_is_awaited_but_time_is_given(self):
        self.write = pdu.write_register(pdu.RTU, 0, 0x0100, 5, self.reply_time)
        self.assertEqual(self.ask(self.write), REPLY)
        self.assertEqual(self.link.state, QUIET)
        self.assertEqual(self.link.replies, 0)
        self.assertTrue(99_000 <= self.wire.rest(self.link) <= 101_000)
        self.assertEqual(self.link.transfer_ms(self.write), 105)
        self.assertEqual(self.reply_time.timeout_ms, 300)

    def test_nothing_can_be_read_from_all(self):
        self.read.frame[0] = 0
        self.wire.rest(self.link)
        with self.assertRaises(ValueError):
            self.link.send(self.read, 0)


class PortTest(Bench):
    def test_port_that_is_gone_ends_in_timeouts(self):
        self.wire.rest(self.link)
        self.wire.dead = True
        self.link.send(self.read, self.wire.ticks())
        self.assertEqual(self.link.step(self.wire.ticks()), TIMED_OUT)
        self.assertIn("serial port", self.link.reason)
        self.wire.now_us += 500_000
        for _ in range(3):
            self.assertEqual(self.link.step(self.wire.ticks()), NOTHING)
        self.assertEqual(self.link.state, QUIET)
        self.wire.dead = False
        self.wire.rest(self.link)
        self.assertEqual(self.ask(), REPLY)
        self.assertEqual(self.link.reason, "")

    def test_port_that_dies_while_an_answer_is_awaited(self):
        self.wire.rest(self.link)
        self.link.send(self.read, self.wire.ticks())
        self.wire.dead = True
        self.assertEqual(self.link.step(self.wire.ticks()), TIMED_OUT)
        self.assertEqual((self.link.losses, self.link.timeouts), (1, 1))

    def test_request_that_does_not_fit_the_port(self):
        self.wire.short = True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.wire.short = False
        self.assertEqual(self.ask(), REPLY)

    def test_port_that_sends_for_ever(self):
        self.wire.rest(self.link)
        self.wire.unit = silent_unit
        self.wire.sending = lambda: True
        self.assertEqual(self.ask(), TIMED_OUT)
        self.assertIn("end sending", self.link.reason)

    def test_closing_gives_the_request_up(self):
        self.wire.rest(self.link)
        self.link.send(self.read, self.wire.ticks())
        self.link.close(self.wire.ticks(), "configuration changed")
        self.assertEqual(self.link.state, QUIET)
        self.wire.rest(self.link)
        self.assertEqual(self.link.state, IDLE)
        self.assertEqual(self.ask(), REPLY)

    def test_request_given_up_is_sent_to_its_end(self):
        self.build(silent_unit, 9600)
        long = pdu.write_registers(pdu.RTU, 7, 0, [0] * 123, self.reply_time)
        self.wire.rest(self.link)
        self.link.send(long, self.wire.ticks())
        self.link.close(self.wire.ticks(), "configuration changed")
        self.ask()
        self.assertTrue(self.wire.sent[1][3] >= 4011)


if __name__ == "__main__":
    unittest.main()
