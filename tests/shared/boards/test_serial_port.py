import sys
import unittest

sys.path.insert(0, __file__.rpartition("tests/")[0] + "boards/parts")

from serial_port import SerialPort  # noqa: E402 - only now can it be found
from serial_wire import sealed  # noqa: E402

from gateway.clock import TICKS_MASK  # noqa: E402
from gateway.modbus import pdu  # noqa: E402
from gateway.modbus.link import IDLE, NOTHING, REPLY  # noqa: E402
from gateway.modbus.reply_time import ReplyTime  # noqa: E402
from gateway.modbus.rtu_link import RtuLink  # noqa: E402


class FakeUart:
    """A `machine.UART` that sends in the background; `done` is what its status bit says."""

    def __init__(self):
        self.written = []
        self.incoming = bytearray()
        self.done = True
        self.takes = 1000

    def write(self, frame):
        self.written.append(bytes(frame))
        return min(len(frame), self.takes) or None

    def txdone(self):
        return self.done

    def any(self):
        return len(self.incoming)

    def readinto(self, buffer, count):
        for index in range(count):
            buffer[index] = self.incoming[index]
        self.incoming = self.incoming[count:]
        return count


class BlockingUart(FakeUart):
    """A `machine.UART` of the STM32: `write` returns when the last stop bit is out, by its own
    clock, which runs `ahead_us` ahead. With `echo` its receiver hears what it sends.
    """

    def __init__(self, test, ahead_us=0):
        super().__init__()
        self.test = test
        self.ahead_us = ahead_us
        self.echo = False

    def write(self, frame):
        taken = super().write(frame) or 0
        self.test.now += taken * 1146 - self.ahead_us
        if self.echo:
            self.incoming.extend(frame)
        return taken


class OldUart:
    """A port without `txdone`."""

    def __init__(self):
        self.write = FakeUart().write


class Pin:
    """Keeps every level; callable like machine.Pin, or with `value` only."""

    def __init__(self):
        self.levels = []

    def value(self, level):
        self.levels.append(level)


class CallablePin(Pin):
    def __call__(self, level):
        self.levels.append(level)


class SerialPortTest(unittest.TestCase):
    def setUp(self):
        self.now = TICKS_MASK - 100  # wraps while the first frame goes out
        self.looking_us = 0  # at the clock takes this long
        self.uart = FakeUart()
        self.pin = Pin()

    def micros(self):
        self.now += self.looking_us
        return self.now & TICKS_MASK

    def port(self, uart=None, pin=None):
        return SerialPort(
            uart or self.uart, self.micros, baud=9600, char_bits=11, direction=pin or self.pin
        )

    def test_direction_pin_covers_the_frame_and_no_more(self):
        for pin in (Pin(), CallablePin()):
            port = self.port(pin=pin)
            self.assertEqual(pin.levels, [0])
            self.assertEqual(port.write(bytearray(8)), 8)
            self.assertEqual(pin.levels, [0, 1])
            self.now += 9166  # 8 characters of 11 bits at 9600 baud last 9166.7 us
            self.assertTrue(port.sending())
            self.assertEqual(pin.levels, [0, 1])
            self.now += 1
            self.assertFalse(port.sending())
            self.assertEqual(pin.levels, [0, 1, 0])
            self.assertFalse(port.sending())
            self.assertEqual(pin.levels, [0, 1, 0])

    def test_uart_that_is_still_sending_keeps_the_line(self):
        port = self.port()
        port.write(bytearray(8))
        self.uart.done = False
        self.now += 20000
        self.assertTrue(port.sending())
        self.uart.done = True
        self.assertFalse(port.sending())
        self.assertEqual(self.pin.levels, [0, 1, 0])

    def test_port_without_txdone_goes_by_the_clock(self):
        port = self.port(uart=OldUart())
        port.write(bytearray(2))
        self.now += 2291
        self.assertTrue(port.sending())
        self.now += 2
        self.assertFalse(port.sending())

    def test_a_write_that_blocks_gives_the_line_free_before_it_returns(self):
        """A rack may answer after 3.5 characters, and other tasks have their turn before that."""
        self.looking_us = 1
        for ahead_us in (0, 20, 500):
            pin = Pin()
            port = self.port(BlockingUart(self, ahead_us), pin)
            before = self.now
            self.assertEqual(port.write(bytearray(8)), 8)
            self.assertEqual(pin.levels, [0, 1, 0])
            self.assertTrue(self.now - before >= 9167)  # and not sooner
            self.assertFalse(port.sending())

    def test_a_write_that_blocks_and_does_not_end_is_not_waited_for(self):
        self.looking_us = 1
        uart = BlockingUart(self)
        uart.done = False
        port = self.port(uart)
        port.write(bytearray(8))
        self.assertTrue(port.sending())
        self.assertEqual(self.pin.levels, [0, 1])

    def test_a_line_that_hears_itself_and_a_unit_that_answers_at_once(self):
        """The link knows echoes, so the receiver may stay on."""
        uart = BlockingUart(self)
        uart.echo = True
        link = RtuLink(self.port(uart), self.micros)
        time = ReplyTime(10, 100)
        request = pdu.read_request(pdu.RTU, 1, pdu.READ_HOLDING_REGISTERS, 7, 1, time)
        while link.state != IDLE:
            self.now += 1000
            link.step(0)
        for replies in (1, 2):
            link.send(request, 0)
            while len(uart.written) < replies:
                self.now += 100
                link.step(0)
            self.assertEqual(self.pin.levels[-1], 0)
            self.now += 4011  # 3.5 characters; nobody had his turn
            uart.incoming.extend(sealed(b"\x01\x03\x02\x12\x34"))
            event = NOTHING
            while event == NOTHING:
                self.now += 100
                event = link.step(0)
            self.assertEqual((event, link.replies, link.garbled), (REPLY, replies, 0))
            while link.state != IDLE:
                self.now += 1000
                link.step(0)

    def test_nothing_taken_gives_the_line_free_at_once(self):
        self.uart.takes = 0
        port = self.port()
        self.assertEqual(port.write(bytearray(8)), 0)
        self.assertFalse(port.sending())
        self.assertEqual(self.pin.levels, [0, 1, 0])

    def test_uart_that_fails_does_not_keep_the_line(self):
        def broken(frame):
            raise OSError(5)

        self.uart.write = broken
        port = self.port()
        with self.assertRaises(OSError):
            port.write(bytearray(8))
        self.assertEqual(self.pin.levels, [0, 1, 0])
        self.assertFalse(port.sending())

    def test_line_without_a_direction_pin(self):
        port = SerialPort(self.uart, self.micros, baud=115200, char_bits=10)
        self.assertEqual(port.write(bytearray(b"\x01\x02")), 2)
        self.assertEqual(self.uart.written, [b"\x01\x02"])
        self.assertTrue(port.sending())

    def test_reads_at_most_what_is_asked_and_never_waits(self):
        port = self.port()
        buffer = bytearray(8)
        self.assertIsNone(port.readinto(buffer, 8))
        self.uart.incoming = bytearray(b"\x01\x02\x03")
        self.assertEqual(port.readinto(buffer, 2), 2)
        self.assertEqual(bytes(buffer), b"\x01\x02\x00\x00\x00\x00\x00\x00")
        self.assertEqual(port.readinto(buffer, 8), 1)
        self.assertIsNone(port.readinto(buffer, 8))


if __name__ == "__main__":
    unittest.main()
