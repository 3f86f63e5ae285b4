import unittest

from protection_bench import Bench

from gateway.protection.latches import BY_OPERATOR, STILL_HOLDS
from gateway.rack import data as slots


class ContactorTest(unittest.TestCase):
    def order(self, bench):
        bench.protection.quantities.contactor.order(True, bench.clock.ticks())

    def test_a_contactor_that_stays_closed_is_a_mismatch(self):
        bench = Bench()
        bench.fresh(1000)
        self.order(bench)
        bench.fresh(900, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 0)
        bench.fresh(200, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 2)
        bench.fresh(2000, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 3)
        self.assertEqual(bench.protection.reset(BY_OPERATOR, bench.clock.ticks()), STILL_HOLDS)

    def test_one_that_opens_is_none(self):
        bench = Bench()
        bench.fresh(1000)
        self.order(bench)
        bench.fresh(500, 100)
        bench.put({slots.CONTACTOR_STATE: 0})
        bench.fresh(10000, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 0)

    def test_silence_after_the_order_proves_nothing_either_way(self):
        bench = Bench()
        bench.fresh(1000)
        self.order(bench)
        bench.silence(9000)
        self.assertEqual(bench.level_of("contactor_mismatch"), 0)

    def test_current_through_an_open_contactor_is_a_mismatch(self):
        bench = Bench()
        bench.put({slots.CONTACTOR_STATE: 0, slots.RACK_CURRENT_DA: -40})
        bench.fresh(4000, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 3)
        self.assertEqual(bench.level_of("comm_loss"), 0)

    def test_one_sample_and_silence_are_none(self):
        bench = Bench()
        bench.fresh(1000)
        bench.put({slots.CONTACTOR_STATE: 0, slots.RACK_CURRENT_DA: -40})
        bench.fresh(100, 100)  # opened, and the current was measured a little earlier
        bench.silence(9000)
        self.assertTrue(bench.level_of("contactor_mismatch") < 3)
        self.assertFalse(bench.decision.tripped)
        bench.put({slots.RACK_CURRENT_DA: 0})
        bench.fresh(90000)
        self.assertEqual(bench.level_of("contactor_mismatch"), 0)

    def test_two_samples_with_silence_between_them_are_one(self):
        bench = Bench()
        bench.put({slots.CONTACTOR_STATE: 0, slots.RACK_CURRENT_DA: -40})
        bench.fresh(100, 100)
        bench.silence(3000)
        bench.fresh(100, 100)
        self.assertEqual(bench.level_of("contactor_mismatch"), 3)

    def test_three_failed_precharges_open_and_a_good_one_forgets(self):
        bench = Bench()
        for tries in range(1, 4):
            bench.put({slots.CONTACTOR_STATE: 2})
            bench.fresh(1000)
            bench.put({slots.CONTACTOR_STATE: 0})
            bench.fresh(3000)
            self.assertEqual(bench.level_of("precharge"), (0, 1, 1, 3)[tries])
        bench = Bench()
        for _ in range(5):
            bench.put({slots.CONTACTOR_STATE: 2})
            bench.fresh(1000)
            bench.put({slots.CONTACTOR_STATE: 1})
            bench.fresh(3000)
        self.assertEqual(bench.level_of("precharge"), 0)

    def test_a_precharge_without_end_has_failed(self):
        bench = Bench()
        bench.put({slots.CONTACTOR_STATE: 2})
        bench.fresh(30000)
        self.assertEqual(bench.level_of("precharge"), 1)
        bench.fresh(18000)
        self.assertEqual(bench.level_of("precharge"), 3)


if __name__ == "__main__":
    unittest.main()
