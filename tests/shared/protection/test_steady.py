"""Which steps of a rack's protection are left out, and what makes the next one judge.

A step that judges notes the age of the data as the value of lost communication: what stands there
tells when the last one did.
"""

import unittest

from protection_bench import Bench

from gateway.clock import add
from gateway.protection import rules
from gateway.protection.contactor_watch import ContactorWatch
from gateway.protection.engine import FLOW_STEP
from gateway.protection.latches import BY_OPERATOR, BY_SERVICE, STILL_HOLDS
from gateway.rack import data as slots

LONGEST_MS = 1000
RISEN_MS = 140000  # from the start until the whole rating is granted
SCAN_STALE_MS = 120000


class SteadyBench(Bench):
    """A rack whose last summary came just now; by then its currents have risen."""

    def __init__(self, fresh_ms=RISEN_MS):
        super().__init__()
        self.fresh(fresh_ms)

    def judged_ms(self, after_ms):
        """Step `after_ms` after the last one; age of the data at the last judgement."""
        self.protection.step(self.clock.advance(after_ms))
        return self.protection.quantities.values[rules.COMM_LOSS]


class LeftOutTest(unittest.TestCase):
    def test_without_anything_new_a_rack_is_judged_once_a_second(self):
        bench = SteadyBench()
        self.assertEqual(bench.decision.charge_da, 1570)
        for _ in range(19):
            self.assertEqual(bench.judged_ms(50), 0)
        self.assertEqual(bench.judged_ms(49), 0)
        self.assertEqual(bench.judged_ms(1), LONGEST_MS)

    def test_nor_less_often_while_a_rise_is_far_away(self):
        bench = SteadyBench()
        bench.decision.cap(100, 200)
        bench.fresh(500)
        self.assertEqual(bench.judged_ms(999), 0)
        self.assertEqual(bench.judged_ms(1), LONGEST_MS)

    def test_no_decision_stands_before_the_first(self):
        self.assertFalse(Bench().decision.stands)

    def test_a_step_that_is_left_out_adds_its_whole_flow(self):
        bench = SteadyBench()
        bench.protection.flow = 0x1FFFFFFF
        self.assertEqual(bench.judged_ms(50), 0)
        self.assertEqual(bench.protection.flow, FLOW_STEP - 1)

    def test_a_summary_is_judged_at_once(self):
        bench = SteadyBench()
        bench.judged_ms(50)
        bench.put({slots.CELL_MAX_MV: 3660})
        bench.fresh(50, 50)
        self.assertTrue(bench.protection.running)

    def test_an_alarm_from_summaries_needs_no_more_than_they_do(self):
        bench = SteadyBench()
        bench.put({slots.CELL_MAX_MV: 3660})
        bench.fresh(40000)
        self.assertFalse(bench.decision.permit)
        self.assertEqual(bench.judged_ms(500), 0)
        self.assertFalse(bench.decision.permit)

    def test_neither_does_an_open_contactor(self):
        bench = SteadyBench()
        bench.put({slots.CONTACTOR_STATE: 0})
        bench.fresh(500)
        self.assertEqual(bench.judged_ms(500), 0)


class DueTest(unittest.TestCase):
    """What time alone changes is judged when its time has come."""

    def assert_due(self, bench, due_ms):
        """The next judgement is `due_ms` after the last step."""
        before = bench.judged_ms(1)
        self.assertEqual(bench.judged_ms(due_ms - 2), before)
        self.assertEqual(bench.judged_ms(1), bench.data.age_ms(bench.clock.ticks()))

    def test_a_rise_of_the_current(self):
        bench = SteadyBench(10000)
        for _ in range(1000):
            granted_da = bench.decision.charge_da
            bench.fresh(1, 1)
            if bench.decision.charge_da > granted_da:
                break
        granted_da = bench.decision.charge_da
        bench.judged_ms(999)
        self.assertEqual(bench.decision.charge_da, granted_da)
        bench.judged_ms(1)
        self.assertEqual(bench.decision.charge_da, granted_da + 15)

    def test_the_first_level_of_lost_communication(self):
        bench = SteadyBench()
        bench.data.stale_after_ms = 3000
        bench.judged_ms(1000)
        self.assert_due(bench, 500)
        self.assertEqual(bench.level_of("comm_loss"), 1)

    def test_data_that_go_stale(self):
        bench = SteadyBench()
        bench.data.stale_after_ms = 700
        bench.fresh(500)
        self.assert_due(bench, 700)
        self.assertEqual(bench.judged_ms(1), 701)

    def test_scans_that_go_stale(self):
        for scan, scanned in ((Bench.scan_cells, [3300] * 4), (Bench.scan_temps, [250] * 2)):
            bench = SteadyBench()
            scan(bench, scanned)
            bench.fresh(SCAN_STALE_MS - 500)
            self.assert_due(bench, 500)
            self.assertEqual(bench.judged_ms(100), 600)
            self.assertEqual(bench.level_of("implausible"), 1)


def new_cells(bench):
    bench.data.cells_sequence += 1


def new_temps(bench):
    bench.data.temps_sequence += 1


def doubt(bench):
    bench.data.suspect = True


def cap(bench):
    bench.decision.cap(100, 200)


def drop(bench):
    bench.decision.drop(bench.clock.ticks())


def order(bench):
    bench.protection.quantities.contactor.order(True, bench.clock.ticks())


def input_level(bench):
    bench.interlocks.levels[0] = 1


def input_latch(bench):
    bench.interlocks.latches.trip(rules.GAS)


def reset(bench):
    bench.protection.reset(BY_OPERATOR, bench.clock.ticks())


def restored(bench):
    bench.protection.restored()


NEWS = (new_cells, new_temps, doubt, cap, drop, order, input_level, input_latch, reset, restored)


class NewsTest(unittest.TestCase):
    def test_whatever_is_new_is_judged_in_the_next_step(self):
        for bring in NEWS:
            bench = SteadyBench()
            self.assertEqual(bench.judged_ms(50), 0)
            bring(bench)
            self.assertEqual(bench.judged_ms(50), 100, bring.__name__)

    def test_an_order_holds_from_the_next_step_on(self):
        bench = SteadyBench()
        bench.judged_ms(50)
        cap(bench)
        bench.judged_ms(50)
        self.assertEqual((bench.decision.charge_da, bench.decision.discharge_da), (100, 200))

    def test_an_input_back_at_rest_is_judged_once_more(self):
        bench = SteadyBench()
        input_level(bench)
        self.assertEqual(bench.judged_ms(50), 50)
        bench.interlocks.levels[0] = 0
        self.assertEqual(bench.judged_ms(50), 100)
        self.assertEqual(bench.judged_ms(50), 100)

    def test_what_service_judged_is_no_level_any_more(self):
        bench = SteadyBench()
        bench.protection.latches.trip(rules.BAD_CELLS)  # never scanned here
        bench.protection.latches.trip(rules.CELL_OVERVOLTAGE)
        bench.protection.restored()
        bench.judged_ms(50)
        self.assertEqual(bench.level_of("bad_cells"), 3)
        self.assertEqual(bench.protection.reset(BY_SERVICE, bench.clock.ticks()), STILL_HOLDS)
        self.assertEqual(bench.level_of("bad_cells"), 0)
        self.assertEqual(bench.judged_ms(50), 100)

    def test_a_damaged_due_time_puts_nothing_off_for_longer(self):
        for ahead_ms, judged_ms in ((LONGEST_MS, 0), (LONGEST_MS + 1, 50)):
            bench = SteadyBench()
            bench.protection._due = add(bench.clock.ticks(), 50 + ahead_ms)
            self.assertEqual(bench.judged_ms(50), judged_ms)

    def test_a_current_rises_a_second_after_it_may_and_not_sooner(self):
        """The time in which nothing was judged is no part of that second."""
        bench = SteadyBench()
        bench.put({slots.CELL_MAX_MV: 3480})  # the curve leaves four fifths
        bench.fresh(60000)
        granted_da = bench.decision.charge_da
        bench.silence(450)
        bench.put({slots.CELL_MAX_MV: 3310})
        bench.fresh(50, 50)
        bench.silence(900)
        self.assertEqual(bench.decision.charge_da, granted_da)
        bench.silence(50)
        self.assertEqual(bench.decision.charge_da, granted_da + 15)

    def test_neither_when_a_reset_brings_it_back(self):
        bench = SteadyBench()
        bench.put({slots.CELL_MAX_MV: 3700})
        bench.fresh(5000)
        bench.put({slots.CELL_MAX_MV: 3310})
        bench.fresh(60000)
        bench.silence(450)
        bench.protection.reset(BY_OPERATOR, bench.clock.ticks())
        bench.silence(950)
        self.assertEqual(bench.decision.charge_da, 0)
        bench.silence(50)
        self.assertEqual(bench.decision.charge_da, 15)


class CountingTest(unittest.TestCase):
    """While time alone may change something, every step judges."""

    def assert_each_is_judged(self, bench, name=""):
        for _ in range(3):
            age_ms = bench.judged_ms(50)
            self.assertEqual(age_ms, bench.data.age_ms(bench.clock.ticks()), name)

    def test_before_the_first_summary(self):
        self.assert_each_is_judged(SteadyBench(0))

    def test_while_something_is_not_at_rest(self):
        for bring in (doubt, order, input_level, input_latch):
            bench = SteadyBench()
            bring(bench)
            self.assert_each_is_judged(bench, bring.__name__)

    def test_while_the_contactor_is_at_something(self):
        for readings in (
            {slots.CONTACTOR_STATE: 0, slots.RACK_CURRENT_DA: 100},  # a current that is odd
            {slots.CONTACTOR_STATE: 2},  # pre-charging
        ):
            bench = SteadyBench()
            bench.put(readings)
            bench.fresh(500)
            self.assert_each_is_judged(bench, readings)

    def test_while_a_failed_precharge_is_remembered(self):
        bench = SteadyBench()
        for state in (2, 0):
            bench.put({slots.CONTACTOR_STATE: state})
            bench.fresh(500)
        self.assert_each_is_judged(bench)
        bench.put({slots.CONTACTOR_STATE: 1})
        bench.fresh(10000)
        self.assertEqual(bench.judged_ms(500), 0)

    def test_one_failed_precharge_counts_whatever_its_rule_makes_of_it(self):
        watch = ContactorWatch()
        for state in (2, 0):
            watch.take(state, False)
            watch.failed_tries(True, 0)
        self.assertTrue(watch.is_counting())
        watch.take(1, False)
        watch.failed_tries(True, 0)
        self.assertFalse(watch.is_counting())

    def test_while_silence_is_not_made_up_for(self):
        bench = SteadyBench()
        bench.data.stale_after_ms = 1000
        bench.silence(1200)
        bench.fresh(50, 50)
        for silence_ms in (150, 125):  # it goes down, no age does
            self.assertEqual(bench.judged_ms(50), silence_ms)
        self.assertEqual(bench.level_of("comm_loss"), 0)
        bench.fresh(1000)
        self.assertEqual(bench.judged_ms(500), 0)

    def test_while_an_age_has_a_level(self):
        bench = SteadyBench()
        bench.beat = False
        bench.fresh(4000)
        self.assertEqual(bench.level_of("heartbeat_frozen"), 1)
        self.assert_each_is_judged(bench)


if __name__ == "__main__":
    unittest.main()
