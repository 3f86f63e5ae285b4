"""Pins, dead men, Ethernet and board.json of boards in the field."""

import unittest

import board_file
from dead_man import PulseDeadMan, TimerDeadMan
from fake_hardware import HandClock, MemoryStorage
from fake_i2c import FakeI2c, FakePin, Tca9554
from gpio_pins import GpioInputs, GpioRelays
from i2c_bus import I2cBus
from lan import bring_up
from tca9554 import ExpanderRelays


class GpioTest(unittest.TestCase):
    def test_relays_and_their_lamps(self):
        pins, lamps = (FakePin(0), FakePin(0)), (FakePin(0), FakePin(0))
        relays = GpioRelays(pins, lamps)
        self.assertEqual(relays.count, 2)
        relays.set(1, 1)
        self.assertEqual([pin.level for pin in pins + lamps], [0, 1, 0, 1])
        relays.set(0, 1)
        relays.set(1, 0)
        self.assertEqual([pin.level for pin in pins + lamps], [1, 0, 1, 0])
        relays.drop_all()
        self.assertEqual([pin.level for pin in pins + lamps], [0, 0, 0, 0])
        relays.set(1, 1)  # an order of before
        self.assertEqual([pin.level for pin in pins + lamps], [0, 0, 0, 0])
        relays.allow()
        self.assertEqual([pin.level for pin in pins + lamps], [0, 0, 0, 0])
        relays.set(1, 1)
        self.assertEqual([pin.level for pin in pins + lamps], [0, 1, 0, 1])

    def test_relays_without_lamps(self):
        pin = FakePin(0)
        relays = GpioRelays((pin,))
        relays.set(0, 1)
        self.assertEqual(pin.level, 1)

    def test_inputs_of_both_polarities(self):
        pins = (FakePin(0), FakePin(1))
        for active in (0, 1):
            inputs = GpioInputs(pins, active)
            self.assertEqual([inputs.get(0), inputs.get(1)], [active == 0, active == 1])


class DeadManTest(unittest.TestCase):
    def setUp(self):
        self.drops = []
        self.allowed = []
        self.dead_man = TimerDeadMan(
            lambda: self.drops.append(1), lambda: self.allowed.append(len(self.drops))
        )

    def look(self, times):
        for _ in range(times):
            self.dead_man.look(None)

    def test_nothing_before_the_first_toggle(self):
        self.look(100)
        self.assertEqual(self.drops, [])

    def test_more_than_half_a_second_of_silence_drops_at_every_look(self):
        self.dead_man.toggle()
        self.look(6)
        self.assertEqual(self.drops, [])
        self.look(1)
        self.assertEqual(self.drops, [1])
        self.look(100)
        self.assertEqual(len(self.drops), 101)
        self.assertEqual(self.dead_man.drops, 1)

    def test_a_drop_that_a_deaf_bus_loses_is_made_up_for_at_the_next_look(self):
        chip = Tca9554()
        i2c = FakeI2c({0x20: chip})
        bus = I2cBus(i2c, i2c.scl, i2c.sda, lambda delay_us: None)
        relays = ExpanderRelays(bus, 0x20, HandClock().ticks)
        dead_man = TimerDeadMan(relays.drop_all, relays.allow)
        dead_man.toggle()
        relays.set(0, 1)
        i2c.deaf = 1000
        for _ in range(7):
            dead_man.look(None)
        self.assertEqual(chip.relays, 1)
        i2c.deaf = 0
        dead_man.look(None)  # the loop hangs on
        self.assertEqual((chip.relays, dead_man.drops), (0, 1))

    def test_toggles_keep_it_quiet_and_begin_it_again(self):
        for _ in range(100):
            self.dead_man.toggle()
            self.look(6)
        self.assertEqual(self.drops, [])
        self.look(1)
        self.dead_man.toggle()
        self.look(7)
        self.assertEqual(self.drops, [1, 1])
        self.assertEqual(self.allowed, [0, 1])  # by the first toggle, and by the one after a drop

    def test_pulses(self):
        pin = FakePin(0)
        dead_man = PulseDeadMan(pin)
        for _ in range(4):
            dead_man.toggle()
        self.assertEqual(pin.levels, [1, 0, 1, 0])


class FakeLan:
    def __init__(self):
        self.said = []

    def active(self, on):
        self.said.append(("active", on))

    def ipconfig(self, **settings):
        self.said.append(settings)


class LanTest(unittest.TestCase):
    def test_fixed_address(self):
        lan = FakeLan()
        result = bring_up(lambda: lan, "192.168.10.20/24", "192.168.10.1")
        self.assertEqual(result, (lan, ""))
        self.assertEqual(
            lan.said, [("active", True), {"addr4": "192.168.10.20/24"}, {"gw4": "192.168.10.1"}]
        )

    def test_dhcp_leaves_the_addresses_alone(self):
        lan = FakeLan()
        self.assertEqual(bring_up(lambda: lan, "", ""), (lan, ""))
        self.assertEqual(lan.said, [("active", True)])

    def test_no_chip(self):
        for error in (
            OSError("no chip"),
            ValueError("invalid phy type"),
            RuntimeError("Wifi Unknown Error 0x5001"),  # as the ESP32 says it of an address, too
        ):

            def missing(error=error):
                raise error

            lan, problem = bring_up(missing, "", "")
            self.assertIsNone(lan)
            self.assertIn(str(error), problem)


class BoardFileTest(unittest.TestCase):
    defaults = {"address": "", "level": 0}

    def load(self, content):
        storage = MemoryStorage()
        if content is not None:
            storage.files[board_file.FILE] = content
        return board_file.load(storage, self.defaults)

    def test_what_is_not_there_is_the_default(self):
        self.assertEqual(self.load(None), (self.defaults, ""))
        self.assertEqual(self.load(b'{"level": 1}'), ({"address": "", "level": 1}, ""))

    def test_damage_is_told_and_nothing_of_it_is_used(self):
        for content, word in (
            (b"", "read"),
            (b"{", "read"),
            (b"[]", "read"),
            (b'{"level": 1', "read"),
            (b'[{"level": 1}', "read"),
            (b'{"levle": 1}', "levle"),
            (b'{"level": "1"}', "level"),
            (b'{"level": 2}', "level: needs 0 or 1"),
            (b'{"level": -1}', "level: needs 0 or 1"),
            (b'{"level": true}', "level"),
            (b'{"address": null}', "address"),
        ):
            settings, problem = self.load(content)
            self.assertEqual(settings, self.defaults)
            self.assertIn(word, problem)


if __name__ == "__main__":
    unittest.main()
