"""What protection calculates from a sample allocates nothing, whatever the sample."""

import unittest
from array import array

import micropython
from peak_bench import PeakBench

from gateway.clock import TICKS_MASK
from gateway.protection.curves import Curve
from gateway.protection.ramp import Ramp
from gateway.protection.rates import VoltageRate
from gateway.protection.temp_rise import TempRise
from gateway.rack.data import TEMP_ABSENT

SENSORS = 208


def locked(work):
    """Run `work`, which allocates nothing itself, with the heap locked."""
    micropython.heap_lock()
    try:
        work()
    finally:
        micropython.heap_unlock()


class HeapLockTest(unittest.TestCase):
    def test_peak_budget(self):
        budgets = [PeakBench(2800, 2800), PeakBench(12000, 12000)]

        def work():
            for budget in budgets:
                for current_da in (0, 3140, 6280, 24000, 30000):
                    for elapsed_ms in (0, 1, 500, 10000):
                        budget.step(current_da, True, elapsed_ms)
                        budget.step(-current_da, False, elapsed_ms)
                for _ in range(20):
                    budget.step(24000, True, 1600)

        locked(work)
        self.assertEqual([budget.step(30000, True, 0) for budget in budgets], [1000, 1000])

    def test_voltage_rate(self):
        rate = VoltageRate()

        def work():
            for step in range(20):
                rate.step(60 * step, 500)

        locked(work)
        self.assertEqual(rate.rate, 120)

    def test_temp_rise_of_a_whole_rack(self):
        rise = TempRise(SENSORS)
        temps_dc = array("h", [250 + index % 30 for index in range(SENSORS)])

        def work():
            for scan in range(60):
                for index in range(SENSORS):
                    temps_dc[index] += (index + scan) % 2
                temps_dc[7] += 4
                temps_dc[9] = TEMP_ABSENT if scan % 7 < 3 else 300
                rise.step(temps_dc, 4000)
            temps_dc[8] = 32767
            temps_dc[10] = -32767
            rise.step(temps_dc, 4000)

        locked(work)
        self.assertEqual(rise.sensor, 8)

    def test_temp_rise_of_coarse_sensors_and_of_none(self):
        rise = TempRise(SENSORS)
        temps_dc = array("h", [250] * SENSORS)

        def work():
            for scan in range(30):
                temps_dc[7] += 5 if scan < 15 else 30
                rise.step(temps_dc, 40000)
            for index in range(2, SENSORS):
                temps_dc[index] = TEMP_ABSENT
            rise.step(temps_dc, 300000)
            rise.step(temps_dc, 4000)
            temps_dc[0] = temps_dc[1] = TEMP_ABSENT
            rise.step(temps_dc, 4000)

        locked(work)
        self.assertEqual(rise.rise, 0)

    def test_curve(self):
        curve = Curve(((-100000, 1000), (0, 215), (1, 325), (100000, 0)))
        found = array("h", [0] * 5)
        places = (-100001, -99999, 0, 99999, 100001)

        def work():
            for index in range(5):
                found[index] = curve.pm(places[index])

        locked(work)
        self.assertEqual(list(found), [1000, 999, 215, 0, 0])

    def test_ramp(self):
        ramp = Ramp(30000, 30000, 50, 10, TICKS_MASK - 3000)

        def work():
            for second in range(100):
                ramp.step(
                    30000 if second != 40 else 1000,
                    (TICKS_MASK - 3000 + 1000 * second) & TICKS_MASK,
                )

        locked(work)
        self.assertEqual(ramp.granted_da, 1000 + 29 * 50)


if __name__ == "__main__":
    unittest.main()
