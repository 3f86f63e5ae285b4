import unittest

from gateway.modbus import pdu


def answer(request, data=b"", function=None):
    """A good answer to a read request holding `data`."""
    function = request.frame[7] if function is None else function
    body = bytes([request.frame[6], function, len(data)]) + data
    return bytearray(bytes(request.frame[:4]) + bytes([0, len(body)]) + body)


class RequestTest(unittest.TestCase):
    def test_read_frame_is_as_the_specification_has_it(self):
        request = pdu.read_request(17, 0x006B, 3)
        request.set_transaction(0x1234)
        self.assertEqual(bytes(request.frame), b"\x12\x34\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x03")
        self.assertEqual(request.expected, 15)

    def test_write_frame_takes_every_unsigned_value(self):
        request = pdu.write_request(1, 0x0100, 0)
        for value in (0, 1, 40000, 0xFFFF):
            request.set_value(value)
            self.assertEqual(bytes(request.frame[10:12]), bytes([value >> 8, value & 0xFF]))
        self.assertEqual(request.expected, 12)

    def test_out_of_range_is_refused_before_it_can_wrap(self):
        for unit, address, count in (
            (248, 0, 1),
            (-1, 0, 1),
            (1, 0, 0),
            (1, 0, 126),
            (1, 65535, 2),
        ):
            with self.subTest(unit=unit, address=address, count=count):
                with self.assertRaises(ValueError):
                    pdu.read_request(unit, address, count)
        for address, value in ((-1, 0), (65536, 0), (0, 65536), (0, -1)):
            with self.subTest(address=address, value=value):
                with self.assertRaises(ValueError):
                    pdu.write_request(1, address, value)
        with self.assertRaises(ValueError):
            pdu.write_request(1, 0, 0).set_value(70000)


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.request = pdu.read_request(1, 0, 2)

    def check(self, frame):
        return self.request.check(frame, 0, len(frame))

    def test_good_answer(self):
        self.assertEqual(self.check(answer(self.request, b"\x00\x01\x00\x02")), pdu.GOOD)

    def test_exception_answer(self):
        frame = answer(self.request, function=0x83)
        frame[8] = 2
        self.assertEqual(self.check(frame), pdu.EXCEPTION)

    def test_answers_that_do_not_belong_to_the_request(self):
        good = answer(self.request, b"\x00\x01\x00\x02")
        other_unit = bytearray(good)
        other_unit[6] = 2
        other_function = bytearray(good)
        other_function[7] = 4
        wrong_count = bytearray(good)
        wrong_count[8] = 2
        for frame in (
            other_unit,
            other_function,
            wrong_count,
            answer(self.request, b"\x00\x01"),
            answer(self.request, b"\x00\x01\x00\x02\x00\x03"),
        ):
            with self.subTest(frame=bytes(frame)):
                self.assertEqual(self.check(frame), pdu.MALFORMED)

    def test_write_echo_is_compared_byte_by_byte(self):
        request = pdu.write_request(1, 0x0100, 0)
        self.assertEqual(request.check(bytearray(request.frame), 0, 12), pdu.GOOD)
        for index in range(8, 12):
            echo = bytearray(request.frame)
            echo[index] ^= 1
            self.assertEqual(request.check(echo, 0, 12), pdu.MALFORMED)


if __name__ == "__main__":
    unittest.main()
