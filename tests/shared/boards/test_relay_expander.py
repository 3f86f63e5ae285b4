"""Relays behind a TCA9554, against its registers."""

import unittest

from fake_hardware import HandClock
from fake_i2c import FakeI2c, Tca9554
from i2c_bus import I2cBus
from tca9554 import ExpanderRelays

from gateway.outputs import relay_faults

ADDRESS = 0x20
LEVELS, CONFIGURATION = b"\x01\x00", b"\x03\x00"


def nothing(delay_us):
    pass


class ExpanderTest(unittest.TestCase):
    def setUp(self):
        self.chip = Tca9554()
        self.i2c = FakeI2c({ADDRESS: self.chip})
        self.clock = HandClock(ticks=-50)  # wraps soon

    def relays(self):
        self.bus = I2cBus(self.i2c, self.i2c.scl, self.i2c.sda, nothing)
        return ExpanderRelays(self.bus, ADDRESS, self.clock.ticks)

    def later(self, relays, number, energised):
        self.clock.advance(100)
        relays.set(number, energised)

    def test_levels_first_then_outputs_and_no_relay_ever_moves(self):
        relays = self.relays()
        self.assertTrue(relays.ready)
        self.assertEqual(self.i2c.transfers[:2], [(ADDRESS, LEVELS), (ADDRESS, CONFIGURATION)])
        self.assertEqual((self.chip.relays, self.chip.history), (0, []))

    def test_relays_of_the_life_before_drop_with_the_first_write(self):
        self.chip.registers[:] = bytes((0, 0xA5, 0, 0))
        self.relays()
        self.assertEqual(self.i2c.transfers[0], (ADDRESS, LEVELS))
        self.assertEqual(self.chip.history, [0])

    def test_each_relay_is_its_bit(self):
        relays = self.relays()
        for number in range(8):
            relays.set(number, 1)
            self.assertEqual(self.chip.relays, 1 << number)
            relays.set(number, 0)
            self.assertEqual(self.chip.relays, 0)
        self.assertEqual(relays.errors, 0)

    def test_one_relay_leaves_the_others(self):
        relays = self.relays()
        for number in (0, 3, 7):
            relays.set(number, 1)
        relays.set(3, 0)
        self.assertEqual(self.chip.relays, 0x81)
        relays.drop_all()
        self.assertEqual(self.chip.relays, 0)
        relays.set(7, 1)  # an order of before
        self.assertEqual(self.chip.relays, 0)
        relays.allow()
        relays.set(7, 1)
        self.assertEqual(self.chip.relays, 0x80)

    def test_the_same_again_is_written_every_100_ms_only(self):
        relays = self.relays()
        relays.set(1, 1)
        written = len(self.i2c.transfers)
        for _ in range(9):
            self.clock.advance(10)
            relays.set(1, 1)
        self.assertEqual(len(self.i2c.transfers), written)
        self.clock.advance(10)
        relays.set(1, 1)
        self.assertEqual(len(self.i2c.transfers), written + 1)

    def test_a_disturbed_output_is_set_right(self):
        relays = self.relays()
        relays.set(1, 1)
        self.chip.registers[1] = 0xFF
        self.later(relays, 1, 1)
        self.assertEqual(self.chip.relays, 2)

    def test_a_disturbed_polarity_is_set_right(self):
        relays = self.relays()
        relays.set(1, 1)
        self.chip.registers[2] = 0x0F
        self.later(relays, 1, 1)
        self.assertEqual((self.chip.registers[2], self.chip.relays), (0xFF, 2))
        self.assertEqual((relays.stuck, relays.fault()), (0, 0))

    def test_no_chip_is_counted_and_never_raised(self):
        del self.i2c.chips[ADDRESS]
        relays = self.relays()
        self.assertFalse(relays.ready)
        before = relays.errors
        relays.set(0, 1)
        relays.set(0, 0)
        self.assertTrue(relays.errors > before)

    def test_a_chip_that_answers_late_is_still_made_safe(self):
        self.chip.registers[:] = bytes((0, 0xFF, 0, 0))
        self.i2c.deaf = 2
        relays = self.relays()
        self.assertTrue(relays.ready)
        self.assertEqual(self.chip.relays, 0)

    def test_a_lost_write_is_tried_again_at_once(self):
        for fault in ("deaf", "short"):
            relays = self.relays()
            relays.set(2, 1)
            setattr(self.i2c, fault, 1)
            relays.set(2, 0)
            self.assertEqual(self.chip.relays, 0)
            self.assertEqual(relays.errors, 1)
            self.assertEqual(self.bus.errors, 1)

    def test_a_drop_that_fails_for_long_is_made_up_for(self):
        relays = self.relays()
        relays.set(2, 1)
        self.i2c.deaf = 1000
        relays.set(2, 0)
        self.assertEqual(self.chip.relays, 4)
        self.i2c.deaf = 0
        self.later(relays, 2, 0)
        self.assertEqual(self.chip.relays, 0)

    def test_a_drop_that_failed_is_written_again_by_the_very_next_order(self):
        relays = self.relays()
        relays.set(0, 1)
        self.i2c.deaf = 1000
        relays.set(0, 0)
        self.assertEqual(self.chip.relays, 1)
        self.i2c.deaf = 0
        relays.set(0, 0)  # nothing new, and no time has passed
        self.assertEqual(self.chip.relays, 0)
        written = len(self.i2c.transfers)
        relays.set(0, 0)
        self.assertEqual(len(self.i2c.transfers), written)  # it has arrived now

    def test_after_a_failed_drop_of_the_dead_man_every_order_tries_again(self):
        relays = self.relays()
        relays.set(0, 1)
        self.i2c.deaf = 1000
        relays.drop_all()
        self.i2c.deaf = 0
        relays.set(5, 0)
        self.assertEqual(self.chip.relays, 0)

    def test_on_a_dead_bus_each_repeated_order_costs_one_attempt(self):
        relays = self.relays()
        relays.set(0, 1)
        self.i2c.deaf = 1000
        relays.set(0, 0)
        left = self.i2c.deaf
        relays.set(0, 0)
        self.assertEqual(left - self.i2c.deaf, 1)

    def test_beside_a_stuck_pin_a_lost_transfer_is_made_up_for_at_once(self):
        for lost in range(4):  # of levels, configuration, pins, polarity
            self.setUp()
            relays = self.relays()
            self.chip.high = 0x08
            relays.set(0, 1)
            self.i2c.later(lost, "deaf", 2)
            relays.set(0, 1)
            self.assertEqual((self.chip.relays, relays.fault()), (0x09, 0x08), lost)

    def test_beside_a_stuck_pin_each_repeated_order_is_written_once(self):
        relays = self.relays()
        self.chip.high = 0x08
        relays.set(0, 1)
        written = self.i2c.transfers.count((ADDRESS, b"\x01\x01"))
        relays.set(0, 1)
        self.assertEqual(self.i2c.transfers.count((ADDRESS, b"\x01\x01")), written + 1)

    def test_one_wrong_answer_changes_nothing(self):
        relays = self.relays()
        relays.set(0, 1)
        self.chip.lies = 1
        self.later(relays, 0, 1)
        self.assertEqual((self.chip.relays, relays.stuck), (1, 0))

    def test_a_stuck_pin_is_told_and_the_rest_still_follow(self):
        relays = self.relays()
        self.chip.high = 0x08
        relays.set(0, 1)
        self.assertEqual(relays.stuck, 0x08)
        self.assertEqual(self.chip.relays, 0x09)
        before = relays.errors
        self.later(relays, 0, 0)
        self.assertTrue(relays.errors > before)
        self.assertEqual(self.chip.relays, 0x08)
        self.chip.high = 0
        self.later(relays, 0, 0)
        self.assertEqual(relays.stuck, 0)

    def test_a_pin_that_cannot_rise_is_told(self):
        self.chip.low = 0x01
        relays = self.relays()
        relays.set(0, 1)
        self.assertEqual(relays.stuck, 0x01)

    def test_a_held_data_line_does_not_pass_for_dropped_relays(self):
        relays = self.relays()
        relays.set(5, 1)
        self.i2c.held = True
        before = relays.errors
        relays.set(5, 0)
        self.assertTrue(relays.errors > before)
        self.assertEqual(self.chip.relays, 0x20)

    def test_a_chip_that_holds_the_line_is_clocked_free(self):
        self.i2c = FakeI2c({ADDRESS: self.chip}, clocks=7)
        relays = self.relays()
        relays.set(5, 1)
        self.i2c.held = True
        relays.set(5, 0)
        self.assertEqual(self.chip.relays, 0)

    def test_a_bus_held_since_the_reset_is_free_before_the_first_write(self):
        self.chip.registers[:] = bytes((0, 0xFF, 0, 0))
        self.i2c = FakeI2c({ADDRESS: self.chip}, clocks=9)
        self.i2c.held = True
        relays = self.relays()
        self.assertTrue(relays.ready)
        self.assertEqual(self.chip.relays, 0)
        self.assertEqual(relays.errors, 0)

    def test_a_chip_whose_supply_went_stays_open(self):
        for floating in (0xFF, 0):
            self.setUp()
            self.chip.floating = floating
            relays = self.relays()
            relays.set(0, 1)
            self.chip.power_up()
            self.later(relays, 0, 1)
            self.assertTrue(relays.lost)
            for _ in range(3):
                self.later(relays, 0, 1)
                self.later(relays, 1, 1)
            self.assertEqual(self.chip.relays, 0)
            self.assertEqual(self.chip.registers[3], 0)  # driven low, not floating
            self.assertEqual(self.chip.history, [1])

    def test_faults_in_the_words_of_the_gateway(self):
        relays = self.relays()
        relays.set(0, 1)
        self.assertEqual(relays.fault(), 0)
        self.chip.high = 0x08
        self.later(relays, 0, 1)
        self.assertEqual(relays.fault(), 0x08)
        self.i2c.deaf = 1000
        self.later(relays, 0, 1)
        self.assertEqual(relays.fault(), relay_faults.NO_ANSWER)
        self.i2c.deaf = self.chip.high = 0
        relays.set(0, 1)
        self.assertEqual(relays.fault(), 0)
        self.chip.power_up()
        self.later(relays, 0, 1)
        self.assertEqual(relays.fault(), relay_faults.SUPPLY_LOST)

    def test_a_number_beyond_the_relays_moves_none(self):
        relays = self.relays()
        relays.set(8, 1)
        self.assertEqual(self.chip.relays, 0)


if __name__ == "__main__":
    unittest.main()
