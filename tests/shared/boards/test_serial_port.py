import sys
import unittest

sys.path.insert(0, __file__.rpartition("tests/")[0] + "boards/parts")

from serial_port import SerialPort  # noqa: E402 - only now can it be found

from gateway.clock import TICKS_MASK  # noqa: E402


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
        self.uart = FakeUart()
        self.pin = Pin()

    def micros(self):
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
