"""Relay commands kept twice: what disagrees opens everything and is told."""

import unittest

from fake_hardware import FakeRelays

from gateway.outputs import relay_faults
from gateway.outputs.relay_bank import RelayBank


class RelayBankTest(unittest.TestCase):
    def bank(self):
        relays = FakeRelays(4)
        bank = RelayBank(relays, [2, 0, -1, 3], 0)
        bank.set(0, 1)
        bank.set(1, 1)
        bank.set(2, 1)
        return relays, bank

    def test_commands_reach_the_relay_of_their_number(self):
        relays, bank = self.bank()
        self.assertEqual(bytes(relays.state), b"\x01\x00\x01\x00")
        self.assertEqual(bytes(bank.energised), b"\x01\x01\x01\x00")
        bank.set(0, 0)
        self.assertEqual(bytes(relays.state), b"\x01\x00\x00\x00")
        self.assertTrue(bank.check())

    def test_any_flipped_bit_of_any_copy_opens_everything_for_good(self):
        for index in range(4):
            for bit in range(8):
                for copy in ("energised", "_copies"):
                    relays, bank = self.bank()
                    getattr(bank, copy)[index] ^= 1 << bit
                    self.assertFalse(bank.check(), (index, bit, copy))
                    self.assertTrue(bank.fault and bank.stopped)
                    self.assertEqual(bytes(relays.state), bytes(4))
                    bank.set(0, 1)
                    self.assertEqual(bytes(relays.state), bytes(4))
                    self.assertFalse(bank.check())

    def test_both_copies_flipped_alike_are_no_command(self):
        relays, bank = self.bank()
        bank.energised[3] = 2
        bank._copies[3] = 0xFF ^ 2
        self.assertFalse(bank.check())
        self.assertEqual(bytes(relays.state), bytes(4))

    def test_a_disturbed_output_stage_is_set_right(self):
        relays, bank = self.bank()
        relays.state[3] = 1
        relays.state[2] = 0
        self.assertTrue(bank.check())
        self.assertEqual(bytes(relays.state), b"\x01\x00\x01\x00")

    def test_stop_is_no_fault_and_has_no_way_back(self):
        relays, bank = self.bank()
        bank.stop()
        for index in range(4):
            bank.set(index, 1)
        self.assertTrue(bank.check())
        self.assertFalse(bank.fault)
        self.assertTrue(all(bank.agrees(index) for index in range(4)))
        self.assertEqual(bytes(relays.state), bytes(4))
        self.assertEqual(bytes(bank.energised), bytes(4))

    def test_what_a_stop_did_not_open_is_driven_again_in_every_pass(self):
        relays, bank = self.bank()
        relays.deaf = True
        bank.stop()
        self.assertEqual(bytes(relays.state), b"\x01\x00\x01\x00")
        bank.check()
        relays.deaf = False
        bank.check()
        self.assertEqual(bytes(relays.state), bytes(4))

    def test_behind_a_fault_every_pass_opens_too(self):
        relays, bank = self.bank()
        relays.deaf = True
        bank.energised[0] ^= 1
        self.assertFalse(bank.check())
        relays.deaf = False
        self.assertFalse(bank.check())
        self.assertEqual(bytes(relays.state), bytes(4))

    def test_a_driver_that_fails_after_a_stop_stops_no_pass(self):
        relays, bank = self.bank()
        bank.stop()

        def broken(number, energised):
            raise OSError(5)

        relays.set = broken
        self.assertTrue(bank.check())
        self.assertEqual(bank.errors, 3)

    def test_a_broken_driver_keeps_no_other_relay_closed(self):
        relays, bank = self.bank()
        healthy = relays.set

        def broken(number, energised):
            if number == 2:
                raise OSError(5)
            healthy(number, energised)

        relays.set = broken
        bank.stop()
        self.assertEqual(relays.state[0], 0)
        self.assertEqual(bank.errors, 1)

    def test_every_driver_that_fails_counts(self):
        relays, bank = self.bank()

        def broken(number, energised):
            raise OSError(5)

        relays.set = broken
        bank.stop()
        self.assertEqual(bank.errors, 3)  # of four; one is not wired
        self.assertEqual(bytes(bank.energised), bytes(4))

    def test_helpers_go_on_after_a_stop_and_can_still_be_switched(self):
        relays = FakeRelays(4)
        bank = RelayBank(relays, [0, 1, 2, 3], 2)
        for index in range(4):
            bank.set(index, 1)
        bank.stop()
        self.assertEqual(bytes(relays.state), b"\x00\x00\x01\x01")
        bank.set(2, 0)
        bank.set(1, 1)
        self.assertEqual(bytes(relays.state), b"\x00\x00\x00\x01")
        bank.set(2, 1)
        self.assertEqual(bytes(relays.state), b"\x00\x00\x01\x01")
        self.assertTrue(bank.agrees(1) and bank.agrees(2))


class DriverFaultTest(unittest.TestCase):
    """Relays 2, 0 and 3 for power, the last of them a site's; relay 1 switches a fan."""

    def setUp(self):
        self.relays = FakeRelays(4)
        self.bank = RelayBank(self.relays, [2, 0, 3, 1], 1)
        for index in range(3):
            self.bank.set(index, 1)

    def passes(self, count, faults):
        self.relays.faults = faults
        for _ in range(count):
            self.assertTrue(self.bank.check())
        return self.bank.faults, self.bank.unopened

    def test_a_relay_that_stays_closed_is_told_after_ten_passes(self):
        self.bank.set(0, 0)
        self.assertEqual(self.passes(9, 0b100), (0, False))
        self.assertEqual(self.passes(1, 0b100), (0b100, True))

    def test_a_fault_is_gone_when_it_was_gone_for_ten_seconds(self):
        self.bank.set(0, 0)
        self.passes(10, 0b100)
        self.assertEqual(self.passes(199, 0), (0b100, True))
        self.assertEqual(self.passes(1, 0b100), (0b100, True))
        self.assertEqual(self.passes(199, 0), (0b100, True))
        self.assertEqual(self.passes(1, 0), (0, False))

    def test_a_write_that_was_repeated_is_no_fault(self):
        self.bank.set(0, 0)
        for _ in range(20):
            self.assertEqual(self.passes(9, 0b100), (0, False))
            self.assertEqual(self.passes(1, 0), (0, False))

    def test_a_relay_that_does_not_close_is_a_fault_and_nothing_that_is_not_open(self):
        self.assertEqual(self.passes(10, 0b100), (0b100, False))
        self.bank.set(0, 0)  # what held it open is no longer against the order
        self.assertEqual(self.passes(10, 0b001), (0b101, False))
        self.assertEqual(self.passes(190, 0b001), (0b001, False))
        self.bank.set(1, 0)
        self.assertEqual(self.passes(9, 0b001), (0b001, False))
        self.assertEqual(self.passes(1, 0b001), (0b001, True))

    def test_beside_a_standing_fault_a_transfer_that_failed_is_no_fault(self):
        self.passes(10, 0b100)  # does not close
        for _ in range(20):
            self.assertEqual(self.passes(1, relay_faults.NO_ANSWER), (0b100, False))
            self.assertEqual(self.passes(9, 0b100), (0b100, False))
            self.assertEqual(self.passes(9, relay_faults.NO_ANSWER), (0b100, False))
            self.assertEqual(self.passes(1, 0b100), (0b100, False))

    def test_beside_a_standing_fault_a_driver_without_an_answer_is_one_after_ten_passes(self):
        self.passes(10, 0b100)
        self.assertEqual(self.passes(9, relay_faults.NO_ANSWER), (0b100, False))
        both = relay_faults.NO_ANSWER | 0b100
        self.assertEqual(self.passes(1, relay_faults.NO_ANSWER), (both, True))

    def test_beside_a_standing_fault_a_relay_that_stays_closed_is_told_after_ten_passes(self):
        self.passes(10, 0b100)  # does not close
        self.bank.set(1, 0)
        self.assertEqual(self.passes(9, 0b101), (0b100, False))
        self.assertEqual(self.passes(1, 0b101), (0b101, True))

    def test_what_comes_and_goes_beside_it_delays_no_relay_that_stays_closed(self):
        self.bank.set(0, 0)
        for each in (0b101, 0b1100, 0b100, relay_faults.NO_ANSWER) * 2 + (0b1100,):
            self.assertEqual(self.passes(1, each), (0, False))
        self.assertEqual(self.passes(1, 0b100), (0b100, True))

    def test_relays_that_take_turns_in_staying_closed_are_an_escalation(self):
        self.bank.set(0, 0)
        self.bank.set(1, 0)
        for each in (0b100, 0b001) * 4 + (0b100,):
            self.assertEqual(self.passes(1, each), (0, False))
        self.assertEqual(self.passes(1, 0b001), (0, True))
        for each in (0b100, 0b001) * 100:
            self.assertEqual(self.passes(1, each), (0, True))

    def test_a_fan_is_not_what_must_open(self):
        self.assertEqual(self.passes(10, 0b010), (0b010, False))

    def test_a_driver_without_an_answer_opens_nothing(self):
        self.assertEqual(self.passes(10, relay_faults.NO_ANSWER)[1], True)
        self.assertFalse(self.bank.stopped)

    def test_a_driver_that_lost_its_supply_ends_it(self):
        self.passes(10, 0b100)
        self.assertEqual(self.passes(1, relay_faults.SUPPLY_LOST)[0], relay_faults.SUPPLY_LOST | 4)
        self.assertTrue(self.bank.stopped)
        self.assertEqual(bytes(self.bank.energised), bytes(4))

    def test_what_a_stop_does_not_open_is_told_too(self):
        self.bank.stop()
        self.assertEqual(self.passes(10, 0b001), (0b001, True))

    def test_relays_that_cannot_tell_have_no_fault(self):
        class Blind:
            count = 4

            def set(self, number, energised):
                pass

        bank = RelayBank(Blind(), [0], 0)
        for _ in range(20):
            bank.check()
        self.assertEqual((bank.faults, bank.unopened), (0, False))

    def test_more_relays_than_faults_have_bits_are_refused(self):
        self.assertFalse(RelayBank(FakeRelays(16), [15], 0).unopened)
        with self.assertRaises(ValueError):
            RelayBank(FakeRelays(17), [0], 0)

    def test_words(self):
        for faults, words in (
            (0, ""),
            (0b1001, "output 0 and 3 "),
            (relay_faults.NO_ANSWER, "does not answer"),
            (relay_faults.SUPPLY_LOST | 1, "lost its supply"),
        ):
            text = relay_faults.text(faults)
            self.assertIn(words, text)
            self.assertEqual(text == "", faults == 0)


if __name__ == "__main__":
    unittest.main()
