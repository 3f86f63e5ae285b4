"""Interlocks and the dead man, from the input or the damaged memory to the relays."""

import unittest

from enforcer_bench import SITE_RELAY, SUPPRESSION, VENTILATION, Site
from rack_wire import OPEN_COMMAND

RACK_PROBLEM = "thresholds or latches disagree with their copies"
SITE_PROBLEM = "interlocks disagree with their copies"


class InterlockTest(unittest.TestCase):
    def test_emergency_stop_opens_every_relay_at_once_under_load(self):
        site = Site()
        site.run_ms(3000)
        for wire in site.wires:
            wire.wanted_da = -1000
        site.run_ms(40000, 10)
        site.alarm(1)
        waited_ms = site.run_until(lambda: site.closed() == (0, 0), 100)
        self.assertTrue(waited_ms <= 40, waited_ms)
        self.assertEqual(site.relays.state[SITE_RELAY], 0)
        site.run_ms(500)
        self.assertEqual(site.last_written(0, OPEN_COMMAND), 0)
        self.assertEqual(site.last_written(1, OPEN_COMMAND), 0)

    def test_gas_ventilates_then_opens(self):
        site = Site()
        site.run_ms(5000)
        site.alarm(2)
        site.run_ms(60)
        self.assertEqual(site.relays.state[VENTILATION], 1)
        self.assertEqual(site.closed(), (1, 1))
        site.alarm(3)
        site.run_ms(60)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.relays.state[SUPPRESSION], 0)

    def test_two_smoke_detectors_release_the_suppression(self):
        site = Site()
        site.run_ms(5000)
        site.alarm(4)
        site.run_ms(60)
        self.assertEqual(site.relays.state[SUPPRESSION], 0)
        site.alarm(5)
        site.run_ms(9800)
        self.assertEqual(site.relays.state[SUPPRESSION], 0)
        site.run_ms(400)
        self.assertEqual(site.relays.state[SUPPRESSION], 1)
        self.assertEqual(site.closed(), (0, 0))

    def test_latches_alone_release_no_suppression(self):
        # Every latch counts as held when their file is lost; the extinguisher must not go for it.
        site = Site()
        site.interlocks.latches.hold_all()
        site.interlocks.restored()
        site.run_ms(5000)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.relays.state[VENTILATION], 1)
        self.assertEqual(site.relays.state[SUPPRESSION], 0)
        site.alarm(4, 5)
        site.run_ms(10200)
        self.assertEqual(site.relays.state[SUPPRESSION], 1)


class DeadManTest(unittest.TestCase):
    def test_it_is_toggled_twenty_times_a_second_while_all_is_well(self):
        site = Site()
        site.run_ms(10000)
        self.assertTrue(190 <= site.dead_man.toggles <= 200, site.dead_man.toggles)

    def damaged(self, problem, damage):
        """A healthy site after `damage(site)`: everything open, the dead man let go, for good."""
        site = Site()
        self.assertEqual(site.enforcer.self_check.problem, "")
        site.run_ms(5000)
        self.assertEqual(site.enforcer.self_check.problem, "")
        self.assertEqual(site.closed(), (1, 1))
        damage(site)
        site.run_ms(2000)
        toggles = site.dead_man.toggles
        site.run_ms(2000)
        self.assertEqual(sum(site.relays.state), 0)
        self.assertEqual(site.enforcer.self_check.problem, problem)
        self.assertEqual(site.dead_man.toggles, toggles)

    def test_a_threshold_that_flips_a_bit(self):
        for table, index in (
            ("set_points", 40), ("clear_points", 40), ("delays", 40), ("clear_ms", 40),
            ("levels", 40), ("first", 20), ("sides", 20),
        ):  # fmt: skip
            self.damaged(
                RACK_PROBLEM,
                lambda site, of=table, at=index: flip(
                    getattr(site.protections[0].thresholds, of), at
                ),
            )
            self.damaged(
                SITE_PROBLEM,
                lambda site, of=table: flip(getattr(site.interlocks.thresholds, of), 3),
            )

    def test_a_latch_that_flips_a_bit(self):
        self.damaged(RACK_PROBLEM, lambda site: flip(site.protections[1].latches._marks, 7))
        self.damaged(SITE_PROBLEM, lambda site: flip(site.interlocks.latches._marks, 1))

    def test_a_relay_command_that_flips_a_bit(self):
        problem = "relay commands disagree with their copies"
        for place in (0, 1):  # those of the site are decided anew in each pass
            self.damaged(problem, lambda site, at=place: flip(site.enforcer.bank.energised, at))

    def test_a_step_that_leaves_a_part_out(self):
        def skip(site):
            site.protections[1].decision.make = fail

        def fail(has_data, now):
            raise ValueError("broken")

        site = Site()
        site.run_ms(5000)
        skip(site)
        with self.assertRaises(ValueError):
            site.run_ms(500)
        del site.protections[1].decision.make
        site.run_ms(500)
        self.assertTrue(site.enforcer.self_check.problem)
        self.assertEqual(site.closed(), (0, 0))


def flip(values, index):
    values[index] ^= 1


if __name__ == "__main__":
    unittest.main()
