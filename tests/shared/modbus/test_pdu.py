import unittest

from gateway.modbus import pdu
from gateway.modbus.crc16 import crc16
from gateway.modbus.pdu import RTU, TCP
from gateway.modbus.reply_time import ReplyTime

TIME = ReplyTime(100, 1000)


def hexed(frame):
    return "".join(["%02x" % byte for byte in frame])


def framed(framing, unit, body):
    """A whole frame around the PDU `body`, made without the code under test."""
    if framing == TCP:
        return bytearray(bytes([0, 0, 0, 0, 0, len(body) + 1, unit]) + body)
    frame = bytearray(bytes([unit]) + body)
    crc = crc16(frame, 0, len(frame))
    return frame + bytes([crc & 0xFF, crc >> 8])


# what is asked, PDU of the request, PDU of a good answer
CASES = (
    (lambda f: pdu.read_request(f, 17, 1, 19, 37, TIME), "0100130025", "0105cd6bb20e1b"),
    (lambda f: pdu.read_request(f, 17, 2, 196, 22, TIME), "0200c40016", "0203acdb35"),
    (lambda f: pdu.read_request(f, 17, 3, 107, 3, TIME), "03006b0003", "0306022b00000064"),
    (lambda f: pdu.read_request(f, 17, 4, 8, 1, TIME), "0400080001", "0402000a"),
    (lambda f: pdu.write_coil(f, 17, 172, True, TIME), "0500acff00", "0500acff00"),
    (lambda f: pdu.write_coil(f, 17, 172, False, TIME), "0500ac0000", "0500ac0000"),
    (lambda f: pdu.write_register(f, 17, 1, 40000, TIME), "0600019c40", "0600019c40"),
    (
        lambda f: pdu.write_coils(f, 17, 19, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0), TIME),
        "0f0013000a02cd01",
        "0f0013000a",
    ),
    (
        lambda f: pdu.write_registers(f, 17, 1, (10, 40000), TIME),
        "100001000204000a9c40",
        "1000010002",
    ),
)  # fmt: skip


class RequestTest(unittest.TestCase):
    def test_frames_are_as_the_specification_has_them(self):
        for framing in (TCP, RTU):
            for make, asked, answered in CASES:
                with self.subTest(framing=framing, asked=asked):
                    request = make(framing)
                    frame = framed(framing, 17, bytes.fromhex(asked))
                    self.assertEqual(hexed(request.frame), hexed(frame))
                    answer = framed(framing, 17, bytes.fromhex(answered))
                    self.assertEqual(request.expected, len(answer))
                    self.assertEqual(request.data_at, 9 if framing == TCP else 3)
                    self.assertEqual(request.check(answer, len(answer)), pdu.GOOD)

    def test_a_known_crc(self):
        request = pdu.read_request(RTU, 1, 3, 0, 10, TIME)
        self.assertEqual(hexed(request.frame), "01030000000ac5cd")

    def test_transaction_id_is_in_the_frame_and_in_the_head_of_the_answer(self):
        request = pdu.read_request(TCP, 17, 3, 0x006B, 3, TIME)
        request.set_transaction(0x1234)
        self.assertEqual(hexed(request.frame), "123400000006" + "1103006b0003")
        self.assertEqual(hexed(request.head), "123400000009" + "110306")

    def test_the_largest_requests_fit_a_frame(self):
        for framing in (TCP, RTU):
            for request in (
                pdu.read_request(framing, 1, 3, 0, 125, TIME),
                pdu.read_request(framing, 1, 1, 0, 2000, TIME),
                pdu.write_registers(framing, 1, 0, [0xFFFF] * 123, TIME),
                pdu.write_coils(framing, 1, 0, [1] * 1968, TIME),
            ):
                longest = pdu.FRAME_BYTES if framing == TCP else 256
                self.assertTrue(request.expected <= longest)
                self.assertTrue(len(request.frame) <= longest)
                self.assertFalse(request.label == "")

    def test_out_of_range_is_refused_before_it_can_wrap(self):
        for arguments in (
            (TCP, 248, 3, 0, 1),
            (TCP, -1, 3, 0, 1),
            (RTU, 0, 3, 0, 1),
            (RTU, 255, 3, 0, 1),
            (TCP, 1, 3, 0, 0),
            (TCP, 1, 3, 0, 126),
            (TCP, 1, 4, 65535, 2),
            (TCP, 1, 1, 0, 2001),
            (TCP, 1, 2, 65535, 2),
            (TCP, 1, 5, 0, 1),
            (TCP, 1, 23, 0, 1),
        ):
            with self.subTest(arguments=arguments):
                with self.assertRaises(ValueError):
                    pdu.read_request(*arguments, TIME)
        for address, value in ((-1, 0), (65536, 0), (0, 65536), (0, -1)):
            with self.subTest(address=address, value=value):
                with self.assertRaises(ValueError):
                    pdu.write_register(TCP, 1, address, value, TIME)
                with self.assertRaises(ValueError):
                    pdu.write_registers(TCP, 1, address, [value], TIME)
                with self.assertRaises(ValueError):
                    pdu.write_coils(TCP, 1, address, [value], TIME)
        for values in ([], [0] * 124):
            with self.assertRaises(ValueError):
                pdu.write_registers(TCP, 1, 0, values, TIME)
        for values in ([], [0] * 1969):
            with self.assertRaises(ValueError):
                pdu.write_coils(TCP, 1, 0, values, TIME)

    def test_units_a_tcp_server_may_have(self):
        for unit in (0, 1, 247, 255):
            self.assertEqual(pdu.read_request(TCP, unit, 3, 0, 1, TIME).frame[6], unit)


class SetValueTest(unittest.TestCase):
    def test_every_unsigned_value_and_a_new_crc(self):
        for framing in (TCP, RTU):
            one = pdu.write_register(framing, 17, 1, 0, TIME)
            two = pdu.write_registers(framing, 17, 1, [7, 0], TIME)
            for value in (0, 1, 40000, 0xFFFF):
                same_one = pdu.write_register(framing, 17, 1, value, TIME)
                same_two = pdu.write_registers(framing, 17, 1, [7, value], TIME)
                one.set_value(0, value)
                two.set_value(1, value)
                self.assertEqual(hexed(one.frame), hexed(same_one.frame))
                self.assertEqual(hexed(one.head), hexed(same_one.head))
                self.assertEqual(hexed(two.frame), hexed(same_two.frame))
                self.assertEqual(hexed(two.head), hexed(same_two.head))

    def test_only_values_of_registers_that_are_written(self):
        for request, index, value in (
            (pdu.write_register(TCP, 1, 0, 0, TIME), 0, 70000),
            (pdu.write_register(TCP, 1, 0, 0, TIME), 0, -1),
            (pdu.write_register(RTU, 1, 0, 0, TIME), 1, 0),
            (pdu.write_registers(TCP, 1, 0, [0], TIME), 1, 0),
            (pdu.write_registers(RTU, 1, 0, [0], TIME), 1, 0),
            (pdu.write_registers(TCP, 1, 0, [0], TIME), -1, 0),
            (pdu.write_coil(TCP, 1, 0, True, TIME), 0, 0),
            (pdu.read_request(TCP, 1, 3, 0, 1, TIME), 0, 0),
        ):
            before = bytes(request.frame)
            with self.assertRaises(ValueError):
                request.set_value(index, value)
            self.assertEqual(bytes(request.frame), before)


class AimTest(unittest.TestCase):
    def test_it_is_then_the_same_as_one_made_for_it(self):
        other_time = ReplyTime(20, 20)
        for framing in (TCP, RTU):
            for function, most in ((1, 2000), (2, 2000), (3, 125), (4, 125)):
                request = pdu.read_request(framing, 17, function, 300, 25, TIME)
                for address, count in ((0, 1), (0x10000 - most, most), (0x1234, 61), (7, 8)):
                    request.aim(18, address, count, other_time)
                    same = pdu.read_request(framing, 18, function, address, count, TIME)
                    self.assertEqual(hexed(request.frame), hexed(same.frame))
                    self.assertEqual(hexed(request.head), hexed(same.head))
                    self.assertEqual(request.expected, same.expected)
                    self.assertEqual(request.label, same.label)
                    self.assertTrue(request.reply_time is other_time)

    def test_the_answer_to_what_it_asked_before_is_none(self):
        for framing in (TCP, RTU):
            request = pdu.read_request(framing, 17, 3, 0, 2, TIME)
            answer = framed(framing, 17, bytes.fromhex("030400010002"))
            self.assertEqual(request.check(answer, len(answer)), pdu.GOOD)
            request.aim(17, 0, 3, TIME)
            self.assertEqual(request.check(answer, len(answer)), pdu.MALFORMED)
            request.aim(17, 5, 2, TIME)
            self.assertEqual(request.check(answer, len(answer)), pdu.GOOD)

    def test_only_reads_and_what_the_protocol_can_carry(self):
        for request, address, count in (
            (pdu.read_request(TCP, 1, 3, 0, 1, TIME), 0, 126),
            (pdu.read_request(RTU, 1, 4, 0, 1, TIME), 0, 0),
            (pdu.read_request(RTU, 1, 1, 0, 1, TIME), 0, 2001),
            (pdu.read_request(TCP, 1, 3, 0, 1, TIME), 0xFFFF, 2),
            (pdu.read_request(TCP, 1, 3, 0, 1, TIME), -1, 2),
            (pdu.write_register(TCP, 1, 0, 0, TIME), 0, 1),
            (pdu.write_coil(RTU, 1, 0, True, TIME), 0, 1),
        ):
            before = bytes(request.frame), bytes(request.head), request.expected
            with self.assertRaises(ValueError):
                request.aim(1, address, count, TIME)
            self.assertEqual((bytes(request.frame), bytes(request.head), request.expected), before)


class AimWriteTest(unittest.TestCase):
    """A write that goes to another unit and register, with the values it has."""

    MAKERS = (
        lambda framing, unit, address: pdu.write_coil(framing, unit, address, True, TIME),
        lambda framing, unit, address: pdu.write_register(framing, unit, address, 40000, TIME),
        lambda framing, unit, address: pdu.write_registers(framing, unit, address, [1, 2], TIME),
    )

    def test_it_is_then_the_same_as_one_made_for_it(self):
        other_time = ReplyTime(20, 20)
        for framing in (TCP, RTU):
            for make in self.MAKERS:
                request = make(framing, 17, 300)
                for unit, address in ((17, 0), (18, 0xFFFE), (1, 0x1234), (0, 7)):
                    request.aim_write(unit, address, other_time)
                    same = make(framing, unit, address)
                    self.assertEqual(hexed(request.frame), hexed(same.frame))
                    self.assertEqual(hexed(request.head), hexed(same.head))
                    self.assertEqual(request.expected, same.expected)
                    self.assertEqual(request.unit, unit)
                    self.assertTrue(request.reply_time is other_time)

    def test_only_writes_to_where_the_protocol_can_carry_them(self):
        for request, unit, address in (
            (pdu.read_request(TCP, 1, 3, 0, 1, TIME), 1, 0),
            (pdu.write_register(TCP, 1, 0, 0, TIME), 1, 0x10000),
            (pdu.write_register(RTU, 1, 0, 0, TIME), 1, -1),
            (pdu.write_register(RTU, 1, 0, 0, TIME), 248, 0),
            (pdu.write_registers(TCP, 1, 0, [1, 2], TIME), 1, 0xFFFF),
        ):
            before = bytes(request.frame), bytes(request.head), request.unit
            with self.assertRaises(ValueError):
                request.aim_write(unit, address, TIME)
            self.assertEqual((bytes(request.frame), bytes(request.head), request.unit), before)


class LabelTest(unittest.TestCase):
    def test_it_tells_function_address_and_count(self):
        for framing in (TCP, RTU):
            for request, label in (
                (pdu.read_request(framing, 1, 4, 0x1000, 104, TIME), "read 4:0x1000+104"),
                (pdu.write_register(framing, 1, 256, 40000, TIME), "write 6:0x0100+1"),
                (pdu.write_coil(framing, 1, 3, True, TIME), "write 5:0x0003+1"),
                (pdu.write_registers(framing, 1, 258, [1, 2], TIME), "write 16:0x0102+2"),
                (pdu.write_coils(framing, 1, 0, [1] * 9, TIME), "write 15:0x0000+9"),
            ):
                self.assertEqual(request.label, label)


class CheckTest(unittest.TestCase):
    def test_exception_answer(self):
        for framing in (TCP, RTU):
            request = pdu.read_request(framing, 17, 3, 0, 2, TIME)
            answer = framed(framing, 17, b"\x83\x0b")
            self.assertEqual(request.check(answer, len(answer)), pdu.EXCEPTION)
            self.assertEqual(answer[request.data_at - 1], 11)
            for wrong in (
                framed(framing, 18, b"\x83\x0b"),
                framed(framing, 17, b"\x84\x0b"),
                framed(framing, 17, b"\x83\x0b\x00"),
            ):
                self.assertEqual(request.check(wrong, len(wrong)), pdu.MALFORMED)

    def test_answers_that_do_not_belong_to_the_request(self):
        for framing in (TCP, RTU):
            request = pdu.read_request(framing, 17, 3, 0, 2, TIME)
            for unit, body, why in (
                (18, b"\x03\x04\x00\x01\x00\x02", "unit 18"),
                (17, b"\x04\x04\x00\x01\x00\x02", "function 4"),
                (17, b"\x03\x02\x00\x01\x00\x02", "byte count"),
                (17, b"\x03\x02\x00\x01", "bytes instead of"),
                (17, b"\x03\x06\x00\x01\x00\x02\x00\x03", "bytes instead of"),
            ):
                frame = framed(framing, unit, body)
                with self.subTest(framing=framing, why=why):
                    self.assertEqual(request.check(frame, len(frame)), pdu.MALFORMED)
                    self.assertIn(why, request.misfit(frame, len(frame)))

    def test_every_byte_of_an_echo_counts(self):
        for framing in (TCP, RTU):
            for make, _, answered in CASES[4:]:
                request = make(framing)
                for index in range(5):
                    body = bytearray(bytes.fromhex(answered))
                    body[index] ^= 1
                    frame = framed(framing, 17, bytes(body))
                    self.assertEqual(request.check(frame, len(frame)), pdu.MALFORMED)
                    self.assertIn(
                        "function" if index == 0 else "echo", request.misfit(frame, len(frame))
                    )

    def test_every_bit_of_a_serial_answer_counts(self):
        for make, _, answered in CASES:
            request = make(RTU)
            good = framed(RTU, 17, bytes.fromhex(answered))
            for bit in range(8 * len(good)):
                frame = bytearray(good)
                frame[bit >> 3] ^= 1 << (bit & 7)
                self.assertEqual(request.check(frame, len(frame)), pdu.MALFORMED)
                self.assertTrue(request.misfit(frame, len(frame)))


if __name__ == "__main__":
    unittest.main()
