"""The proof of an opening whose contactor reads neither open nor closed, and its counters."""

import unittest

from fake_hardware import HandClock
from view_stub import ViewStub

from gateway.outputs.opening import (
    AT_ONCE,
    ESCALATED,
    IDLE,
    NONE,
    PROVEN,
    RELAY,
    Opening,
    OpeningTimes,
)

ESCALATE_MS = 3000


class Bench:
    """One opening at once; the relay is energised until it drops."""

    def __init__(self, silent=False):
        self.clock = HandClock(1000)
        self.opening = Opening(OpeningTimes(2000, 1000, ESCALATE_MS))
        self.view = ViewStub(acquired=self.clock.ticks())
        if silent:
            self.view.lose()
        self.step(AT_ONCE)

    def step(self, order=AT_ONCE):
        opening = self.opening
        opening.step(order, True, not opening.relay_open, self.view, self.clock.ticks())

    def see(self, after_ms, at_rest=True, reads="nothing", order=AT_ONCE):
        """A sample as of now, `after_ms` after the last step."""
        now = self.clock.advance(after_ms)
        self.view.show(now, at_rest, reads == "open")
        self.view.reads_closed = reads == "closed"
        self.step(order)

    @property
    def end(self):
        return self.opening.state, self.opening.proven, self.opening.escalate


class UnclearTest(unittest.TestCase):
    def test_rest_for_long_enough_proves_it(self):
        bench = Bench()
        bench.see(100)
        bench.see(ESCALATE_MS - 101)
        self.assertEqual(bench.end, (RELAY, False, False))
        bench.see(1)
        self.assertEqual(bench.end, (PROVEN, True, False))
        bench.see(100, order=NONE)
        self.assertEqual(bench.opening.state, IDLE)

    def test_a_contactor_that_reads_closed_or_a_current_proves_nothing(self):
        for at_rest, reads in ((True, "closed"), (False, "nothing"), (False, "open")):
            bench = Bench()
            bench.see(100, at_rest, reads)
            bench.see(ESCALATE_MS, at_rest, reads)
            self.assertEqual(bench.end, (ESCALATED, False, True), (at_rest, reads))

    def test_what_is_proven_stays_so_while_it_reads_nothing_at_rest(self):
        bench = Bench()
        bench.see(100, reads="open")
        bench.see(100)
        self.assertEqual(bench.end, (PROVEN, True, False))

    def test_a_proof_is_lost_to_a_closed_contactor_or_a_current(self):
        for at_rest, reads in ((True, "closed"), (False, "nothing")):
            bench = Bench()
            bench.see(100, reads="open")
            bench.see(100, at_rest, reads)
            self.assertEqual(bench.end, (RELAY, False, False), (at_rest, reads))

    def test_an_escalation_is_not_proven_by_what_reads_nothing(self):
        bench = Bench()
        bench.see(ESCALATE_MS, False, "closed")
        self.assertEqual(bench.end, (ESCALATED, False, True))
        bench.see(ESCALATE_MS)
        self.assertEqual(bench.end, (ESCALATED, False, True))
        bench.see(100, reads="open")
        self.assertEqual(bench.end, (ESCALATED, True, True))
        bench.see(100)
        self.assertEqual(bench.end, (ESCALATED, False, True))


class SilenceTest(unittest.TestCase):
    def test_after_data_at_the_beginning_silence_alone_escalates(self):
        bench = Bench()
        bench.view.lose()
        bench.clock.advance(ESCALATE_MS)
        bench.step()
        self.assertEqual(bench.end, (ESCALATED, False, True))

    def test_without_them_the_first_data_begin_the_wait_and_data_end_it(self):
        bench = Bench(silent=True)
        bench.clock.advance(10 * ESCALATE_MS)
        bench.step()
        self.assertEqual(bench.end, (RELAY, False, False))
        bench.see(100, False, "closed")
        bench.see(ESCALATE_MS - 1, False, "closed")
        self.assertEqual(bench.end, (RELAY, False, False))
        bench.see(1, False, "closed")
        self.assertEqual(bench.end, (ESCALATED, False, True))


class SampleTest(unittest.TestCase):
    def test_a_sample_must_be_asked_for_after_the_relay_dropped(self):
        bench = Bench()
        dropped = bench.clock.ticks()
        bench.clock.advance(50)
        bench.view.show(dropped, True, True)
        bench.step()
        self.assertFalse(bench.opening.proven)
        bench.view.show(dropped + 1, True, True)
        bench.step()
        self.assertTrue(bench.opening.proven)


class CounterTest(unittest.TestCase):
    def test_openings_and_escalations_count_on(self):
        bench = Bench()
        for number in (1, 2, 3):
            bench.see(ESCALATE_MS, False, "closed")
            self.assertEqual(bench.opening.escalations, number)
            self.assertEqual(bench.opening.openings, number)
            bench.see(100, reads="open", order=NONE)
            self.assertEqual(bench.opening.state, IDLE)
            bench.step()


if __name__ == "__main__":
    unittest.main()
