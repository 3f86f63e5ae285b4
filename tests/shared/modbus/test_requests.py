import unittest

from gateway.modbus import pdu
from gateway.modbus.pdu import RTU, TCP
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests

TIME = ReplyTime(100, 1000)
OTHER = ReplyTime(50, 50)


class RequestsTest(unittest.TestCase):
    """Whatever was asked for before, each is as one made for it alone."""

    def check(self, request, wanted, reply_time):
        self.assertEqual(bytes(request.frame), bytes(wanted.frame))
        self.assertEqual(bytes(request.head), bytes(wanted.head))
        self.assertEqual(request.expected, wanted.expected)
        self.assertTrue(request.reply_time is reply_time)

    def test_reads(self):
        for framing in (TCP, RTU):
            requests = Requests(framing)
            for unit, function, address, count, reply_time in (
                (1, 3, 0, 25, TIME),
                (2, 3, 0x1000, 104, OTHER),
                (2, 4, 0x1000, 104, TIME),
                (1, 1, 7, 2000, TIME),
                (1, 3, 0, 25, OTHER),
            ):
                request = requests.read(unit, function, address, count, reply_time)
                wanted = pdu.read_request(framing, unit, function, address, count, TIME)
                self.check(request, wanted, reply_time)

    def test_writes(self):
        for framing in (TCP, RTU):
            requests = Requests(framing)
            for unit, address, values in ((1, 5, (7,)), (2, 9, (8, 9)), (3, 0, (1, 2))):
                request = requests.write(unit, 16, address, len(values), OTHER)
                for index, value in enumerate(values):
                    request.set_value(index, value)
                self.check(
                    request, pdu.write_registers(framing, unit, address, values, TIME), OTHER
                )
            for unit, address, value in ((1, 5, 40000), (2, 9, 0)):
                request = requests.write(unit, 6, address, 1, TIME)
                request.set_value(0, value)
                self.check(request, pdu.write_register(framing, unit, address, value, TIME), TIME)
            for unit, address, on in ((1, 5, True), (2, 9, False), (3, 0xFFFF, True)):
                request = requests.coil(unit, address, on, OTHER)
                self.check(request, pdu.write_coil(framing, unit, address, on, TIME), OTHER)

    def test_what_the_protocol_cannot_carry_is_refused_first_and_later(self):
        for framing in (TCP, RTU):
            requests = Requests(framing)
            for _ in range(2):
                for refused in (
                    lambda: requests.read(1, 3, 0, 126, TIME),  # noqa: B023
                    lambda: requests.read(248, 3, 0, 1, TIME),  # noqa: B023
                    lambda: requests.write(1, 16, 0xFFFF, 2, TIME),  # noqa: B023
                    lambda: requests.write(248, 6, 0, 1, TIME),  # noqa: B023
                    lambda: requests.coil(1, 0x10000, True, TIME),  # noqa: B023
                ):
                    with self.assertRaises(ValueError):
                        refused()
                for function, count in ((5, 1), (15, 1), (3, 1), (0, 1), (22, 1), (6, 2), (6, 0)):
                    with self.assertRaises(ValueError):
                        requests.write(1, function, 0, count, TIME)
                requests.read(1, 3, 0, 1, TIME)
                requests.write(1, 16, 0, 2, TIME)
                requests.write(1, 6, 0, 1, TIME)
                requests.coil(1, 0, True, TIME)


if __name__ == "__main__":
    unittest.main()
