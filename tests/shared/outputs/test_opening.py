"""The staged opening in time: every stage, every way out of it, and what counts as a proof."""

import unittest

from fake_hardware import HandClock
from view_stub import ViewStub

from gateway.outputs.opening import (
    AT_ONCE,
    COMMAND,
    ESCALATED,
    IDLE,
    NONE,
    PROVEN,
    RELAY,
    STAGED,
    STATE_NAMES,
    ZERO,
    Opening,
    OpeningTimes,
)

ZERO_WAIT_MS, CHECK_MS, ESCALATE_MS = 2000, 1000, 3000
STEP_MS = 50


class Bench:
    """One rack in service with its current flowing; the relay follows the opening."""

    def __init__(self, zero_wait_ms=ZERO_WAIT_MS):
        self.clock = HandClock(0x3FFFFF00)
        self.view = ViewStub()
        self.flowing = True
        self.contactor_open = False
        self.answers = True
        self.energised = True
        self.order = NONE
        self.command = False
        self.opening = Opening(OpeningTimes(zero_wait_ms, CHECK_MS, ESCALATE_MS))
        self.dropped_ms = None  # after the first order
        self.ordered_ms = 0
        self.step()

    def step(self):
        now = self.clock.ticks()
        if self.answers:
            self.view.show(now, not self.flowing, self.contactor_open)
        self.opening.step(self.order, self.command, self.energised, self.view, now)
        if self.opening.relay_open and self.energised:
            self.energised = False
            self.dropped_ms = self.clock.uptime_ms() - self.ordered_ms

    def give(self, order, command=True):
        """An order, and its first step."""
        self.order = order
        self.command = command
        self.ordered_ms = self.clock.uptime_ms()
        self.step()

    def run_ms(self, duration_ms):
        for _ in range(duration_ms // STEP_MS):
            self.clock.advance(STEP_MS)
            self.step()

    def open_by_itself(self):
        """The contactor follows, and with it the current."""
        self.flowing = False
        self.contactor_open = True

    def fall_silent(self):
        self.answers = False
        self.view.lose()

    def outputs(self):
        opening = self.opening
        return opening.zero_current, opening.command_open, opening.relay_open, opening.escalate


class StagedTest(unittest.TestCase):
    def test_nothing_is_done_without_an_order(self):
        bench = Bench()
        bench.run_ms(5000)
        self.assertEqual(bench.outputs(), (False, False, False, False))
        self.assertEqual((bench.opening.state, bench.opening.openings), (IDLE, 0))
        self.assertFalse(bench.opening.under_load)

    def test_current_that_stays_is_waited_for_then_command_then_relay(self):
        bench = Bench()
        bench.give(STAGED)
        self.assertEqual(bench.outputs(), (True, False, False, False))
        bench.run_ms(ZERO_WAIT_MS - STEP_MS)
        self.assertEqual(
            (bench.opening.state, bench.outputs()), (ZERO, (True, False, False, False))
        )
        bench.run_ms(STEP_MS)
        self.assertEqual(
            (bench.opening.state, bench.outputs()), (COMMAND, (True, True, False, False))
        )
        bench.run_ms(CHECK_MS - STEP_MS)
        self.assertTrue(bench.energised)
        bench.run_ms(STEP_MS)
        self.assertEqual(
            (bench.opening.state, bench.outputs()), (RELAY, (True, True, True, False))
        )
        self.assertEqual(bench.dropped_ms, ZERO_WAIT_MS + CHECK_MS)
        self.assertTrue(bench.opening.under_load)
        self.assertEqual(bench.opening.loaded, 1)

    def test_the_relay_drops_whatever_the_register_did(self):
        bench = Bench()
        bench.give(STAGED)
        bench.run_ms(ZERO_WAIT_MS)
        bench.contactor_open = True  # it says so, but current flows
        bench.run_ms(CHECK_MS - STEP_MS)
        self.assertTrue(bench.energised)
        bench.run_ms(STEP_MS)
        self.assertFalse(bench.energised)

    def test_at_rest_command_and_relay_go_together_at_once(self):
        bench = Bench()
        bench.flowing = False
        bench.give(STAGED)
        self.assertEqual(bench.outputs(), (True, True, True, False))
        self.assertEqual(bench.dropped_ms, 0)
        self.assertEqual((bench.opening.under_load, bench.opening.loaded), (False, 0))

    def test_current_that_goes_ends_the_wait(self):
        for gone_ms in (500, ZERO_WAIT_MS + 500):
            with self.subTest(gone_ms=gone_ms):
                bench = Bench()
                bench.give(STAGED)
                bench.run_ms(gone_ms)
                bench.flowing = False
                bench.run_ms(STEP_MS)
                self.assertEqual(bench.outputs(), (True, True, True, False))
                self.assertEqual(bench.dropped_ms, gone_ms + STEP_MS)
                self.assertFalse(bench.opening.under_load)

    def test_without_data_the_current_counts_as_flowing(self):
        bench = Bench()
        bench.flowing = False
        bench.fall_silent()
        bench.give(STAGED)
        bench.run_ms(ZERO_WAIT_MS + CHECK_MS - STEP_MS)
        self.assertTrue(bench.energised)
        bench.run_ms(STEP_MS)
        self.assertFalse(bench.energised)
        self.assertTrue(bench.opening.under_load)

    def test_no_command_where_the_register_may_not_be_used(self):
        bench = Bench()
        bench.give(STAGED, command=False)
        bench.run_ms(ZERO_WAIT_MS)
        self.assertEqual(bench.outputs(), (True, False, True, False))
        self.assertEqual(bench.dropped_ms, ZERO_WAIT_MS)  # nothing to be checked in between

    def test_a_request_with_high_current_and_a_wait_of_seven_seconds(self):
        bench = Bench(zero_wait_ms=7000)
        bench.give(STAGED)
        bench.run_ms(5000)
        self.assertTrue(bench.energised)
        bench.run_ms(3000)
        self.assertFalse(bench.energised)
        self.assertEqual(bench.opening.loaded, 1)

    def test_a_rest_reached_at_three_of_seven_seconds_opens_without_load(self):
        bench = Bench(zero_wait_ms=7000)
        bench.give(STAGED)
        bench.run_ms(3000)
        bench.flowing = False
        bench.run_ms(STEP_MS)
        self.assertEqual((bench.energised, bench.opening.loaded), (False, 0))

    def test_late_steps_do_not_put_the_relay_off(self):
        bench = Bench()
        bench.give(STAGED)
        bench.clock.advance(ZERO_WAIT_MS + CHECK_MS - 1)
        bench.step()
        self.assertEqual(bench.outputs(), (True, True, False, False))
        bench.clock.advance(1)
        bench.step()
        self.assertEqual(bench.outputs(), (True, True, True, False))
        bench = Bench()
        bench.give(STAGED)
        bench.clock.advance(60000)  # nobody looked for a minute
        bench.step()
        self.assertEqual(bench.outputs(), (True, True, True, False))

    def test_once_begun_it_is_carried_through(self):
        bench = Bench()
        bench.give(STAGED)
        bench.order, bench.command = NONE, False
        bench.run_ms(ZERO_WAIT_MS + CHECK_MS)
        self.assertEqual(bench.outputs(), (True, True, True, False))
        bench.run_ms(ESCALATE_MS)
        self.assertTrue(bench.opening.escalate)


class AtOnceTest(unittest.TestCase):
    def test_relay_and_command_in_the_same_step_under_load(self):
        bench = Bench()
        bench.give(AT_ONCE)
        self.assertEqual(bench.outputs(), (True, True, True, False))
        self.assertEqual(bench.dropped_ms, 0)
        self.assertTrue(bench.opening.under_load)

    def test_it_overtakes_an_opening_in_any_stage(self):
        for stage_ms in (0, 1000, ZERO_WAIT_MS, ZERO_WAIT_MS + 500):
            with self.subTest(stage_ms=stage_ms):
                bench = Bench()
                bench.give(STAGED)
                bench.run_ms(stage_ms)
                bench.give(AT_ONCE)
                self.assertEqual(bench.dropped_ms, 0)
                self.assertEqual(bench.opening.openings, 1)

    def test_silence_drops_the_relay_and_commands_nothing(self):
        bench = Bench()
        bench.fall_silent()
        bench.give(AT_ONCE, command=False)
        self.assertEqual(bench.outputs(), (True, False, True, False))
        bench.run_ms(60000)
        self.assertEqual(bench.outputs(), (True, False, True, False))

    def test_a_trip_found_later_adds_the_command(self):
        bench = Bench()
        bench.fall_silent()
        bench.give(AT_ONCE, command=False)
        bench.run_ms(1000)
        bench.command = True
        bench.run_ms(STEP_MS)
        self.assertTrue(bench.opening.command_open)


class ProofTest(unittest.TestCase):
    def dropped(self):
        bench = Bench()
        bench.give(AT_ONCE)
        return bench

    def test_open_contactor_and_no_current_are_the_proof(self):
        bench = self.dropped()
        bench.run_ms(1000)
        self.assertEqual((bench.opening.state, bench.opening.proven), (RELAY, False))
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        self.assertEqual((bench.opening.state, bench.opening.proven), (PROVEN, True))
        bench.run_ms(60000)
        self.assertEqual(bench.outputs(), (True, True, True, False))

    def test_either_alone_is_none(self):
        for flowing, contactor_open in ((True, True), (False, False), (True, False)):
            with self.subTest(flowing=flowing, contactor_open=contactor_open):
                bench = self.dropped()
                bench.flowing = flowing
                bench.contactor_open = contactor_open
                bench.run_ms(ESCALATE_MS - STEP_MS)
                self.assertEqual(bench.opening.state, RELAY)
                bench.run_ms(STEP_MS)
                self.assertEqual(bench.opening.state, ESCALATED)
                self.assertEqual(bench.outputs(), (True, True, True, True))
                self.assertEqual(bench.opening.escalations, 1)

    def test_data_from_before_the_relay_prove_nothing(self):
        bench = Bench()
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        bench.answers = False  # the old sample stays, and stays fresh
        bench.give(STAGED)
        self.assertTrue(bench.opening.relay_open)
        bench.run_ms(ESCALATE_MS - STEP_MS)
        self.assertFalse(bench.opening.proven)
        bench.run_ms(STEP_MS)
        self.assertTrue(bench.opening.escalate)

    def test_falling_silent_while_opening_counts_as_not_open(self):
        bench = self.dropped()
        bench.fall_silent()
        bench.run_ms(ESCALATE_MS)
        self.assertTrue(bench.opening.escalate)

    def test_falling_silent_after_the_proof_does_not(self):
        bench = self.dropped()
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        bench.fall_silent()
        bench.run_ms(60000)
        self.assertEqual(bench.opening.state, PROVEN)

    def test_a_rack_that_was_silent_all_along_is_judged_when_it_comes_back(self):
        for flowing, state in ((True, ESCALATED), (False, PROVEN)):
            with self.subTest(flowing=flowing):
                bench = Bench()
                bench.fall_silent()
                bench.give(AT_ONCE, command=False)
                bench.run_ms(600000)
                self.assertEqual(bench.opening.state, RELAY)
                bench.answers = True
                bench.flowing = flowing
                bench.contactor_open = not flowing
                bench.run_ms(ESCALATE_MS)
                bench.run_ms(STEP_MS)
                self.assertEqual(bench.opening.state, state)

    def test_a_rack_that_is_heard_only_for_a_moment_does_not_open_the_site(self):
        bench = Bench()
        bench.fall_silent()
        bench.give(AT_ONCE, command=False)
        bench.run_ms(1000)
        bench.answers = True
        bench.run_ms(500)
        bench.fall_silent()
        bench.run_ms(60000)
        self.assertEqual(bench.opening.state, RELAY)
        bench.answers = True  # still closed, a minute later
        bench.run_ms(STEP_MS)
        self.assertEqual(bench.opening.state, ESCALATED)

    def test_heard_twice_with_weeks_between_and_closed_both_times(self):
        for days in (7, 10, 13, 20):
            bench = Bench()
            bench.fall_silent()
            bench.give(AT_ONCE, command=False)
            bench.answers = True
            bench.run_ms(500)
            bench.fall_silent()
            for _ in range(24 * days):
                bench.clock.advance(3600000)
                bench.step()
            bench.answers = True
            bench.run_ms(STEP_MS)
            self.assertEqual(bench.opening.state, ESCALATED, days)

    def test_a_lost_proof_and_then_silence_do_not_open_the_site(self):
        bench = self.dropped()
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        bench.contactor_open = False
        bench.run_ms(STEP_MS)
        bench.fall_silent()
        bench.run_ms(60000)
        self.assertEqual(bench.opening.state, RELAY)

    def test_silence_of_weeks_keeps_the_proof_possible(self):
        bench = Bench()
        bench.fall_silent()
        bench.give(AT_ONCE, command=False)
        for _ in range(20 * 24):
            bench.clock.advance(3600000)
            bench.step()
        bench.answers = True
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        self.assertTrue(bench.opening.proven)

    def test_a_contactor_that_closes_again_is_noticed(self):
        bench = self.dropped()
        bench.open_by_itself()
        bench.run_ms(10000)
        bench.contactor_open = False
        bench.run_ms(ESCALATE_MS)
        self.assertFalse(bench.opening.escalate)
        bench.run_ms(STEP_MS)
        self.assertTrue(bench.opening.escalate)

    def test_a_flicker_of_the_feedback_is_not(self):
        bench = self.dropped()
        bench.open_by_itself()
        bench.run_ms(10000)
        for _ in range(20):
            bench.contactor_open = not bench.contactor_open
            bench.run_ms(1000)
        self.assertEqual(bench.opening.escalations, 0)

    def test_a_late_proof_leaves_the_site_open_until_the_release(self):
        bench = self.dropped()
        bench.run_ms(ESCALATE_MS)
        bench.open_by_itself()
        bench.run_ms(1000)
        self.assertEqual(bench.outputs(), (True, True, True, True))
        bench.order, bench.command = NONE, False
        bench.run_ms(STEP_MS)
        self.assertEqual(bench.outputs(), (False, False, False, False))


class EndTest(unittest.TestCase):
    def test_it_ends_with_the_permit_and_closes_nothing(self):
        bench = Bench()
        bench.give(AT_ONCE)
        bench.open_by_itself()
        bench.run_ms(5000)
        bench.order, bench.command = NONE, False
        bench.run_ms(STEP_MS)
        self.assertEqual(bench.outputs(), (False, False, False, False))
        self.assertEqual((bench.opening.state, bench.energised), (IDLE, False))
        self.assertFalse(bench.opening.under_load or bench.opening.proven)

    def test_a_permit_does_not_end_what_is_not_proven(self):
        bench = Bench()
        bench.give(AT_ONCE)
        bench.order, bench.command = NONE, False
        bench.run_ms(ESCALATE_MS + 10000)
        self.assertEqual(bench.outputs(), (True, True, True, True))

    def test_the_next_opening_begins_from_the_start(self):
        bench = Bench()
        bench.give(AT_ONCE)
        bench.run_ms(ESCALATE_MS)
        bench.open_by_itself()
        bench.run_ms(STEP_MS)
        bench.order, bench.command = NONE, False
        bench.run_ms(STEP_MS)
        bench.energised, bench.flowing, bench.contactor_open = True, True, False
        bench.run_ms(1000)
        bench.give(STAGED, command=False)
        self.assertEqual(bench.outputs(), (True, False, False, False))
        self.assertEqual(bench.opening.openings, 2)
        bench.run_ms(ZERO_WAIT_MS)
        self.assertEqual(bench.outputs(), (True, False, True, False))


class OpenRelayTest(unittest.TestCase):
    """A latch from before a restart, or a rack that was never let on."""

    def test_the_command_goes_without_a_wait(self):
        bench = Bench()
        bench.energised = False
        bench.give(STAGED)
        self.assertEqual(bench.outputs(), (True, True, True, False))
        self.assertEqual(bench.opening.loaded, 0)

    def test_nothing_begins_without_anything_to_open_or_command(self):
        for order in (STAGED, AT_ONCE):
            bench = Bench()
            bench.energised = False
            bench.give(order, command=False)
            bench.run_ms(10000)
            self.assertEqual((bench.opening.state, bench.opening.openings), (IDLE, 0))

    def test_a_tripped_rack_that_never_answers_does_not_open_the_site(self):
        bench = Bench()
        bench.energised = False
        bench.fall_silent()
        bench.give(STAGED)
        bench.run_ms(600000)
        self.assertFalse(bench.opening.escalate)
        bench.answers = True  # and it is closed in spite of its open relay
        bench.run_ms(ESCALATE_MS)
        self.assertFalse(bench.opening.escalate)
        bench.run_ms(STEP_MS)
        self.assertTrue(bench.opening.escalate)

    def test_a_rack_that_was_open_and_falls_silent_does_not_open_the_site(self):
        bench = Bench()
        bench.energised = False
        bench.give(STAGED)
        bench.fall_silent()
        bench.run_ms(600000)
        self.assertFalse(bench.opening.escalate)

    def test_a_relay_that_something_else_opened_shortens_the_sequence(self):
        bench = Bench()
        bench.give(STAGED)
        bench.run_ms(500)
        bench.energised = False  # the gateway's own stop
        bench.run_ms(STEP_MS)
        self.assertEqual(bench.outputs(), (True, True, True, False))


class NamesTest(unittest.TestCase):
    def test_every_state_has_a_name(self):
        states = (IDLE, ZERO, COMMAND, RELAY, PROVEN, ESCALATED)
        self.assertEqual(states, tuple(range(len(STATE_NAMES))))
        self.assertEqual((NONE, STAGED, AT_ONCE), (0, 1, 2))


if __name__ == "__main__":
    unittest.main()
