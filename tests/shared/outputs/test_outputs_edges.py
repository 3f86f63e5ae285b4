"""Names and states that the outputs show, and what they do when the loop itself fails."""

import unittest

from enforcer_bench import Site

from gateway.outputs import opening, site_outputs
from gateway.protection import rules


class StateTest(unittest.TestCase):
    def test_names_of_the_site_outputs(self):
        self.assertEqual(
            [site_outputs.OUTPUT_NAMES[place] for place in range(site_outputs.OUTPUTS)],
            ["site", "ventilation", "suppression"],
        )
        self.assertEqual(
            (site_outputs.SITE, site_outputs.VENTILATION, site_outputs.SUPPRESSION), (0, 1, 2)
        )

    def test_every_state_of_an_opening_has_its_name(self):
        states = ("IDLE", "ZERO", "COMMAND", "RELAY", "PROVEN", "ESCALATED")
        self.assertEqual([getattr(opening, state) for state in states], list(range(6)))
        self.assertEqual(
            opening.STATE_NAMES,
            ("idle", "zero current", "open command", "relay open", "proven", "escalated"),
        )

    def test_fresh_data_help_from_the_first_stage_to_the_proof(self):
        one = opening.Opening(opening.OpeningTimes(2000, 1000, 3000))
        found = []
        for state in range(6):
            one.state = state
            found.append(one.under_way)
        self.assertEqual(found, [False, True, True, True, False, False])

    def test_armed_and_stopped_are_shown(self):
        site = Site()
        self.assertFalse(site.enforcer.armed)
        site.run_ms(2500)
        self.assertTrue(site.enforcer.armed)
        self.assertFalse(site.enforcer.stopped)
        site.enforcer.stop()
        self.assertTrue(site.enforcer.stopped)
        self.assertEqual(site.closed(), (0, 0))


class StallTest(unittest.TestCase):
    def test_an_open_rack_stays_open_and_a_closed_one_is_dropped(self):
        site = Site()
        site.run_until(lambda: site.closed() == (1, 1), 10000)
        site.protections[0].latches.trip(rules.CELL_OVERVOLTAGE)
        site.run_until(lambda: site.closed() == (0, 1), 10000)
        site.enforcer.step(site.clock.advance(600))
        self.assertEqual(site.enforcer.stalls, 1)
        self.assertEqual(site.closed(), (0, 0))


class PassTest(unittest.TestCase):
    def closed(self):
        site = Site()
        site.run_until(lambda: site.closed() == (1, 1), 10000)
        return site

    def test_every_rack_is_protected_with_each_of_its_summaries_and_by_time(self):
        site = self.closed()
        steps = [0, 0]

        def counting(rack, step):
            def count(now):
                steps[rack] += 1
                step(now)

            return count

        for rack in range(2):
            protection = site.protections[rack]
            protection.step = counting(rack, protection.step)
        taken = [protection.data.sequence for protection in site.protections]
        site.run_ms(3000)
        for rack in range(2):
            summaries = site.protections[rack].data.sequence - taken[rack]
            self.assertTrue(summaries >= 5)
            self.assertEqual(steps[rack], 3000 // 50 + summaries, rack)

    def test_it_asks_to_come_round_within_ten_milliseconds(self):
        site = self.closed()
        waits_us = [site.enforcer.step(site.clock.advance(1)) for _ in range(500)]
        self.assertTrue(0 <= min(waits_us) < max(waits_us) <= 10000)

    def test_a_rack_under_test_is_read_faster(self):
        site = self.closed()
        pollers = site.enforcer.pollers
        self.assertEqual([poller.hot for poller in pollers], [False, False])
        self.assertTrue(site.enforcer.relay_test.order(1))
        hot = [False, False]
        for _ in range(100):
            site.run_ms(1, 1)
            hot = [seen or poller.hot for seen, poller in zip(hot, pollers)]
        self.assertEqual(hot, [False, True])

    def test_every_stall_counts(self):
        site = self.closed()
        for number in (1, 2, 3):
            site.enforcer.step(site.clock.advance(600))
            self.assertEqual(site.enforcer.stalls, number)


class RisingTest(unittest.TestCase):
    def gas_level(self, rising_level):
        """Level of one gas detector at its lower point while a sensor warms up like that."""
        site = Site()
        site.run_ms(2500)
        site.protections[1].levels[rules.TEMP_RISE] = rising_level
        site.alarm(2)
        site.run_ms(40)
        return site.interlocks.levels[rules.GAS - rules.RACK_RULES]

    def test_gas_beside_a_rise_of_level_two_is_the_worst_case(self):
        self.assertEqual([self.gas_level(level) for level in (0, 1, 2, 3)], [1, 1, 3, 3])


class FlowTest(unittest.TestCase):
    def closed(self):
        site = Site()
        site.run_until(lambda: site.closed() == (1, 1), 10000)
        return site

    def test_a_step_that_was_not_complete_opens_everything(self):
        site = self.closed()
        site.protections[1].flow += 1
        site.run_ms(60)
        self.assertEqual(site.enforcer.self_check.problem, "a protection step was not complete")
        self.assertEqual(site.closed(), (0, 0))

    def test_a_rack_that_is_left_out_opens_everything(self):
        site = self.closed()
        check = site.enforcer.self_check
        check.stepped = lambda rack: None
        site.run_ms(60)
        toggles = site.dead_man.toggles
        self.assertEqual(check.problem, "a rack was left out of a protection cycle")
        site.run_ms(500)
        self.assertEqual(site.closed(), (0, 0))
        self.assertEqual(site.dead_man.toggles, toggles)

    def test_a_copy_of_a_site_output_that_flips_a_bit_opens_everything(self):
        site = self.closed()
        site.enforcer.bank._copies[-1] ^= 1
        site.run_ms(60)
        self.assertEqual(
            site.enforcer.self_check.problem, "relay commands disagree with their copies"
        )
        self.assertEqual(site.closed(), (0, 0))

    def test_the_first_problem_is_the_one_that_is_told(self):
        site = self.closed()
        site.protections[0].flow += 1
        site.run_ms(60)
        site.enforcer.self_check.stepped = lambda rack: None
        site.run_ms(60)
        self.assertEqual(site.enforcer.self_check.problem, "a protection step was not complete")


if __name__ == "__main__":
    unittest.main()
