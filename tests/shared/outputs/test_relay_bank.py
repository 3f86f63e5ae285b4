"""Relay commands kept twice: what disagrees opens everything and is told."""

import unittest

from fake_hardware import FakeRelays

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


if __name__ == "__main__":
    unittest.main()
