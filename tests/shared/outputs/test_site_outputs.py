"""Outputs of the whole site from the levels handed in, down to the relay."""

import unittest

from fake_hardware import FakeRelays

from gateway.outputs.relay_bank import NO_RELAY, RelayBank
from gateway.outputs.site_outputs import OUTPUTS, SITE, SUPPRESSION, VENTILATION, SiteOutputs

RACKS = 2
# (run, open_site, gas level, fire): site relay, ventilation, suppression
TABLE = (
    ((False, False, 0, False), (0, 0, 0)),
    ((True, False, 0, False), (1, 0, 0)),
    ((True, True, 0, False), (0, 0, 0)),
    ((False, True, 0, False), (0, 0, 0)),
    ((True, False, 1, False), (1, 1, 0)),
    ((True, False, 2, False), (1, 1, 0)),
    ((True, True, 3, False), (0, 1, 0)),
    ((True, False, 3, False), (1, 1, 0)),
    ((True, False, 0, True), (1, 0, 1)),
    ((True, True, 0, True), (0, 0, 1)),
    ((False, False, 1, True), (0, 0, 1)),
)


class Site:
    def __init__(self, numbers=(5, 6, 7)):
        self.relays = FakeRelays(8)
        self.bank = RelayBank(self.relays, [0, 1] + list(numbers), 2)
        self.bank.set(0, 1)
        self.outputs = SiteOutputs(self.bank, RACKS)

    def state(self):
        return tuple(self.relays.state[5:8])


class SiteOutputsTest(unittest.TestCase):
    def test_the_table(self):
        for levels, expected in TABLE:
            with self.subTest(levels=levels):
                site = Site()
                site.outputs.step(*levels)
                self.assertEqual(site.state(), expected)
                self.assertEqual(site.relays.state[0], 1)  # racks are not its business
                told = tuple([int(site.outputs.is_on(each)) for each in range(OUTPUTS)])
                self.assertEqual(told, expected)

    def test_every_state_leads_to_every_other(self):
        site = Site()
        for before, _ in TABLE:
            for levels, expected in TABLE:
                site.outputs.step(*before)
                site.outputs.step(*levels)
                self.assertEqual(site.state(), expected)

    def test_what_is_not_wired_is_left_out(self):
        site = Site((NO_RELAY, 6, NO_RELAY))
        site.outputs.step(True, False, 3, False)
        self.assertEqual(bytes(site.relays.state), b"\x01\x00\x00\x00\x00\x00\x01\x00")
        self.assertEqual(
            [site.outputs.is_on(each) for each in (SITE, VENTILATION, SUPPRESSION)],
            [False, True, False],
        )

    def test_fans_go_on_in_a_fire_when_there_is_nothing_to_release(self):
        site = Site((5, 6, NO_RELAY))
        site.outputs.step(True, False, 3, True)
        self.assertEqual(site.state(), (1, 1, 0))
        self.assertFalse(site.outputs.is_on(SUPPRESSION))

    def test_a_fault_of_the_bank_opens_power_and_leaves_the_fans_running(self):
        site = Site()
        site.outputs.step(True, False, 1, False)
        site.bank.energised[0] ^= 4
        site.bank.check()
        site.outputs.step(True, False, 1, False)
        self.assertEqual(site.state(), (0, 1, 0))
        self.assertEqual(bytes(site.relays.state[:2]), bytes(2))
        self.assertFalse(site.outputs.is_on(SITE))
        self.assertTrue(site.outputs.is_on(VENTILATION))
        self.assertFalse(site.outputs.is_on(SUPPRESSION))


if __name__ == "__main__":
    unittest.main()
