"""Relays, inputs and dead men of the boards in the field allocate nothing while all is well."""

import unittest

import micropython
from dead_man import PulseDeadMan, TimerDeadMan
from fake_hardware import HandClock
from gpio_pins import GpioInputs, GpioRelays
from i2c_bus import I2cBus
from tca9554 import ExpanderRelays

CONFIGURATION = 3


class QuietI2c:
    """An expander that follows; its register pointers are all it remembers."""

    def __init__(self):
        self.output = 0
        self.writes = 0

    def writeto(self, address, data):
        if data[0] == 1:
            self.output = data[1]
        self.writes += 1
        return len(data)

    def readfrom_mem_into(self, address, register, into):
        into[0] = 0 if register == CONFIGURATION else self.output ^ 0xFF


class QuietPin:
    def __init__(self):
        self.level = 0

    def __call__(self, level=None):
        if level is None:
            return self.level
        self.level = level
        return None


def nothing(delay_us):
    pass


class HeapLockTest(unittest.TestCase):
    def test_expander(self):
        i2c = QuietI2c()
        clock = HandClock()
        bus = I2cBus(i2c, QuietPin(), QuietPin(), nothing)
        relays = ExpanderRelays(bus, 0x20, clock.ticks)
        seen = bytearray(3)
        micropython.heap_lock()
        try:
            relays.set(3, 1)
            seen[0] = i2c.output
            clock.advance(200)
            relays.set(3, 1)
            relays.set(7, 1)
            seen[1] = i2c.output
            relays.drop_all()
            seen[2] = i2c.output + relays.fault()
        finally:
            micropython.heap_unlock()
        self.assertEqual(bytes(seen), b"\x08\x88\x00")
        self.assertEqual((relays.errors, i2c.writes), (0, 3 + 3 + 3))

    def test_pins_and_dead_men(self):
        pins = (QuietPin(), QuietPin())
        relays = GpioRelays(pins, (QuietPin(), QuietPin()))
        inputs = GpioInputs(pins, 1)
        timer_dead_man = TimerDeadMan(relays.drop_all, relays.allow)
        pulse_dead_man = PulseDeadMan(QuietPin())
        micropython.heap_lock()
        try:
            relays.set(1, 1)
            closed = inputs.get(1)
            timer_dead_man.toggle()
            pulse_dead_man.toggle()
            for _ in range(7):
                timer_dead_man.look(None)
            dropped = not inputs.get(1)
        finally:
            micropython.heap_unlock()
        self.assertTrue(closed and dropped)


if __name__ == "__main__":
    unittest.main()
