"""Proof tests: the rare ends of an order, and of a note about what is overdue."""

import unittest

from fake_hardware import MemoryStorage
from proof_bench import ProofBench

from gateway.outputs.proof_test import ABORTED, EXPIRED, NONE, PASSED, RESULT_NAMES
from gateway.outputs.proof_tests import CONFIRM_MS, DAY_MS
from gateway.protection.interlocks import SITE


class Bench(ProofBench):
    """Days pass."""

    def pass_all_but(self, count):
        """The first `count` items were never tested."""
        for name in self.names[count:]:
            self.records.note(name, PASSED, self.clock.utc_ms(), True)

    def one_day(self):
        self.tests.step(self.clock.advance(DAY_MS))


class OrderTest(unittest.TestCase):
    def test_an_empty_question_tells_the_state(self):
        bench = Bench()
        self.assertEqual(bench.tests.answer(""), bench.tests.state())

    def test_a_push_after_the_minute_confirms_nothing_even_before_the_next_step(self):
        bench = Bench()
        self.assertTrue("ordered" in bench.tests.answer("rack01"))
        now = bench.clock.advance(CONFIRM_MS)
        self.assertFalse(bench.tests.confirm(now))
        self.assertEqual(bench.tests.state()["last"]["result"], RESULT_NAMES[EXPIRED])
        self.assertFalse(bench.site.enforcer.relay_test.busy)

    def test_a_relay_that_is_tested_already_is_not_tested_again(self):
        bench = Bench()
        self.assertTrue("ordered" in bench.tests.answer("rack01"))
        self.assertTrue(bench.site.enforcer.relay_test.order(1))
        self.assertTrue(bench.tests.confirm(bench.clock.ticks()))
        self.assertEqual(bench.tests.state()["last"]["result"], RESULT_NAMES[ABORTED])
        self.assertEqual(bench.site.enforcer.relay_test.rack, 1)

    def test_a_relay_test_that_runs_is_not_withdrawn(self):
        bench = Bench()
        bench.tests.answer("rack01")
        self.assertTrue(bench.tests.confirm(bench.clock.ticks()))
        self.assertTrue("over in a moment" in bench.tests.answer("cancel")["refused"])
        self.assertTrue(bench.site.enforcer.relay_test.busy)

    def test_an_open_contactor_is_not_tested(self):
        bench = Bench()
        bench.site.enforcer.views[0].reads_open = True
        self.assertEqual(bench.tests.answer("rack01"), {"refused": "its contactor is open"})


class DueTest(unittest.TestCase):
    def test_dates_that_were_damaged_are_told(self):
        storage = MemoryStorage({"prooftests": b"nonsense"})
        bench = Bench(storage)
        self.assertEqual([level for level, _ in bench.log.lines], ["warning"])
        self.assertTrue("never tested" in bench.log.lines[0][1])

    def test_three_overdue_are_all_named(self):
        bench = Bench()
        bench.pass_all_but(3)
        bench.one_day()
        self.assertEqual(bench.notes, [(SITE, ", ".join(bench.names[:3]), NONE)])

    def test_of_four_the_last_is_counted(self):
        bench = Bench()
        bench.pass_all_but(4)
        bench.one_day()
        text = ", ".join(bench.names[:3]) + " and 1 more"
        self.assertEqual(bench.notes, [(SITE, text, NONE)])


if __name__ == "__main__":
    unittest.main()
