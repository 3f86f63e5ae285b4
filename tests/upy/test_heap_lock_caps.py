"""An order from outside costs the protecting loop no allocation."""

import unittest

import micropython
from protection_bench import Bench

from gateway.protection import rules


class HeapLockTest(unittest.TestCase):
    def test_a_decision_under_a_cap_that_comes_and_goes(self):
        bench = Bench()
        bench.fresh(150000)
        decision = bench.decision
        now = bench.clock.ticks()
        granted = bytearray(2)
        micropython.heap_lock()
        try:
            decision.cap(20, 30)
            decision.make(True, now)
            granted[0] = decision.charge_da
            granted[1] = decision.discharge_da
            by = decision.charge_by
            decision.cap(1570, 1570)
            decision.make(True, now)
            rising = decision.charge_by
        finally:
            micropython.heap_unlock()
        self.assertEqual((granted[0], granted[1]), (20, 30))
        self.assertEqual((by, rising), (rules.BY_ORDER, rules.BY_RAMP))


if __name__ == "__main__":
    unittest.main()
