"""From input to relay within a bound, whatever a step says of itself: ages that outputs watch.

A step that is left out adds its signature too, so the signature alone does not tell that a rack is
ever judged, nor that a permit that goes takes the relay along.
"""

import unittest

from enforcer_bench import ARM_MS, Site

from gateway.clock import add, subtract
from gateway.protection.engine import FLOW_STEP

CELL_MAX = 0x000A  # register
NOT_JUDGED = "a rack was not judged for too long"
STAYED_CLOSED = "a relay stayed closed without a permit"


def closed():
    site = Site()
    site.run_until(lambda: site.closed() == (1, 1), ARM_MS + 2000)
    site.run_ms(3000)
    return site


class JudgementTest(unittest.TestCase):
    def leave_out(self, site, rack):
        """Every step of `rack` from now on says it was complete and judges nothing."""
        protection = site.protections[rack]

        def rest(now):
            protection.flow += FLOW_STEP

        protection.step = rest

    def test_a_rack_that_is_never_judged_opens_though_each_step_signs(self):
        for rack in (0, 1):
            self.opens(rack)

    def opens(self, rack):
        site = closed()
        self.leave_out(site, rack)
        site.wires[rack].registers[CELL_MAX] = 3900
        waited_ms = site.run_until(lambda: site.closed() == (0, 0), 5000)
        self.assertTrue(waited_ms <= 1100, waited_ms)
        self.assertEqual(site.enforcer.self_check.problem, NOT_JUDGED)
        toggles = site.dead_man.toggles
        site.run_ms(1000)
        self.assertEqual(site.dead_man.toggles, toggles)

    def test_a_next_judgement_that_is_put_off_for_ever_opens(self):
        """As a damaged memory or a wrong sum would: there is always a little time left."""
        site = closed()
        protection = site.protections[0]
        step = protection.step

        def put_off(now):
            protection._due = add(now, 900)
            protection._sequence = protection.data.sequence
            protection._cells_sequence = protection.data.cells_sequence
            protection._temps_sequence = protection.data.temps_sequence
            step(now)

        protection.step = put_off
        waited_ms = site.run_until(lambda: site.closed() == (0, 0), 5000)
        self.assertTrue(waited_ms <= 1100, waited_ms)
        self.assertEqual(site.enforcer.self_check.problem, NOT_JUDGED)

    def test_a_judgement_of_the_future_is_none(self):
        site = closed()
        site.run_ms(50, 50)
        self.leave_out(site, 1)
        site.protections[1].judged = add(site.clock.ticks(), 60000)
        site.run_ms(60)
        self.assertEqual(site.enforcer.self_check.problem, NOT_JUDGED)
        self.assertEqual(site.closed(), (0, 0))

    def test_a_second_is_not_too_long_and_a_millisecond_more_is(self):
        for age_ms, problem in ((1000, ""), (1001, NOT_JUDGED)):
            site = closed()
            site.run_ms(50, 50)
            self.leave_out(site, 1)
            now = site.clock.advance(50)
            site.protections[1].judged = subtract(now, age_ms)
            site.enforcer.step(now)
            self.assertEqual(site.enforcer.self_check.problem, problem)

    def test_a_healthy_site_at_rest_is_judged_often_enough(self):
        site = closed()
        site.run_ms(60000, 10)
        self.assertEqual((site.enforcer.self_check.problem, site.closed()), ("", (1, 1)))

    def test_passes_that_are_slow_and_no_stall_are_no_reason(self):
        site = closed()
        for _ in range(30):
            site.enforcer.step(site.clock.advance(490))
        self.assertEqual((site.enforcer.self_check.problem, site.closed()), ("", (1, 1)))

    def test_after_a_stall_every_rack_has_been_judged_before_the_age_is_looked_at(self):
        site = closed()
        site.enforcer.step(site.clock.advance(30000))
        site.run_ms(60)
        self.assertEqual((site.enforcer.self_check.problem, site.enforcer.stalls), ("", 1))


class PermitTest(unittest.TestCase):
    def test_a_permit_that_goes_and_no_relay_with_it_opens_everything(self):
        """Two seconds for the current, one for the BMS, half a second for a loop that is late."""
        site = closed()
        site.enforcer.openings[0].step = lambda *order: None
        site.wires[0].registers[CELL_MAX] = 3900
        site.run_until(lambda: not site.protections[0].decision.permit, 5000)
        waited_ms = site.run_until(lambda: site.closed() == (0, 0), 5000)
        self.assertTrue(3500 <= waited_ms < 3550, waited_ms)  # seen once in 50 ms
        self.assertEqual(site.enforcer.self_check.problem, STAYED_CLOSED)

    def test_an_opening_against_a_current_that_does_not_go_is_in_time(self):
        for step_ms in (5, 50, 490):
            site = closed()
            site.wires[0].wanted_da = 800
            site.wires[0].obeys = False
            site.run_ms(3000)
            site.wires[0].registers[CELL_MAX] = 3900
            site.run_ms(4900 * 2, step_ms)
            self.assertEqual(site.closed()[0], 0)
            self.assertEqual(site.enforcer.self_check.problem, "")

    def test_what_is_open_needs_no_permit(self):
        site = Site()
        site.wires[0].registers[CELL_MAX] = 3900
        site.run_ms(20000, 10)
        self.assertEqual(site.closed(), (0, 1))
        self.assertEqual(site.enforcer.self_check.problem, "")


if __name__ == "__main__":
    unittest.main()
