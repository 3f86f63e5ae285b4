"""Published inputs and expectations of other battery projects, run against this one.

The numbers are those of the unit tests of foxBMS 2, OpenEMS, Battery-Emulator and Libre Solar, and
of the counter of a class-B storage BMS. Where this project decides otherwise on purpose, the test
asserts its own result and says why.
"""

import json
import unittest

from bus_bench import BusBench
from detector_bench import DetectorBench
from sample_site import tree
from timeline_bench import SERVICE, TimelineBench

from gateway import config
from gateway.clock import TICKS_MASK
from gateway.errors import ConfigError
from gateway.outputs.closing import Closing, ClosingRules
from gateway.outputs.rack_view import RackView
from gateway.protection.rules import CHARGE_OVERCURRENT, DISCHARGE_OVERCURRENT, VOLTAGE_SUM
from gateway.rack.data import RackData

INT32_MAX = 0x7FFFFFFF
INT32_MIN = -0x80000000


class StringVoltageTest(unittest.TestCase):
    """V1, tolerance 3000 mV between two measurements of one string."""

    def test_the_tolerance_itself_is_already_implausible(self):
        pairs = (
            (0, 0, False), (0, 2999, False), (0, 3000, True), (0, 3001, True),
            (4242, 4242, False), (INT32_MAX, INT32_MAX, False), (0, INT32_MAX, True),
        )  # fmt: skip
        for one, other, bad in pairs:
            bank = DetectorBench(3000, 2000)
            self.assertEqual(bank.feed([abs(one - other)]), bad, (one, other))

    def test_the_rack_is_compared_with_its_cells(self):
        """The same two measurements here: 208 cells of 3300 mV against 5.0 V of tolerance."""
        bench = TimelineBench()
        for rack_dv, difference_dv in ((6864, 0), (6863, 1), (6815, 49), (6914, 50), (0, 6864)):
            bench.put({"rack_voltage_dv": rack_dv})
            bench.fresh(500)
            self.assertEqual(bench.protection.quantities.values[VOLTAGE_SUM], difference_dv)


class CurrentLimitTest(unittest.TestCase):
    """V2, limits of 2400 mA and 180000 mA."""

    def test_a_limit_is_bad_from_the_limit_itself_on(self):
        """The source takes the limit itself as good. Here every set point is bad, current too:
        one rule for all quantities, and the stricter one.
        """
        for limit in (2400, 180000):
            for value, bad in ((0, False), (limit - 1, False), (limit, True), (limit + 1, True)):
                self.assertEqual(DetectorBench(limit, limit - 100).feed([value]), bad, value)
            self.assertTrue(DetectorBench(limit, limit - 100).feed([0xFFFFFFFF]))

    def test_a_current_of_the_other_direction_is_no_violation(self):
        self.assertFalse(DetectorBench(2400, 2300).feed([INT32_MIN, -2400, -1, 0] * 10))


class DirectionTest(unittest.TestCase):
    """V3 and V4, direction of the current, and a current that cannot be."""

    def values(self, current_da):
        bench = TimelineBench()
        bench.put({"rack_current_da": current_da})
        bench.fresh(500)
        view = RackView(bench.data, 200, None)
        view.look(bench.ticks())
        values = bench.protection.quantities.values
        return view.at_rest, values[CHARGE_OVERCURRENT], values[DISCHARGE_OVERCURRENT]

    def test_inside_the_band_is_rest(self):
        """The end of the band counts as rest here; the source has no vector for it."""
        for current, rest in ((199, True), (-199, True), (0, True), (200, True), (201, False)):
            self.assertEqual(self.values(current)[0], rest, current)

    def test_the_sign_tells_the_direction(self):
        """Discharging is positive in the source; here it is negative, and rest has a sign too."""
        largest = (1 << 30) - 1
        self.assertEqual(self.values(largest), (False, largest, 0))
        self.assertEqual(self.values(-largest), (False, 0, largest))
        self.assertEqual(self.values(0), (True, 0, 0))

    def test_a_current_through_an_open_contactor_is_an_error(self):
        """At once in the source; here after 1 s and 3 s, as contactor and current are not
        measured at the same moment.
        """
        table = (
            (0, 500, 3),  # open, current flows
            (1, 500, 0),
            (2, 500, 0),  # precharging
            (0, 31, 0),  # relaxation: at rest
        )
        for state, current_da, level in table:
            bench = TimelineBench()
            bench.put({"contactor_state": state, "rack_current_da": current_da})
            for _ in range(7):
                bench.fresh(500)
            self.assertEqual(bench.level_of("contactor_mismatch"), level, (state, current_da))


class PrechargeTest(unittest.TestCase):
    """V5, a precharge is over when voltage and current are equal.

    The rack BMS judges that here, and nothing in the gateway closes a contactor: what is seen of
    it is whether a precharge ends in a closed contactor.
    """

    def level_after(self, states):
        bench = TimelineBench()
        for state in states:
            bench.put({"contactor_state": state})
            for _ in range(3):
                bench.fresh(500)
        return bench.level_of("precharge")

    def test_only_one_that_ends_open_has_failed(self):
        self.assertEqual(self.level_after([0, 2, 1]), 0)
        self.assertEqual(self.level_after([0, 2, 0]), 1)
        self.assertEqual(self.level_after([0, 2, 0, 2, 1]), 1)  # its clear delay runs
        self.assertEqual(self.level_after([0] + [2, 0] * 3), 3)


class CounterTest(unittest.TestCase):
    """V6, an up and down counter of sensitivity 3: N = not OK, O = OK, one sample a 500 ms."""

    BAD, GOOD = 3700, 3300

    def bank(self):
        return DetectorBench(3650, 3450, 1000, 1000)

    def test_the_third_sample_sets_and_the_third_good_one_clears(self):
        bank = self.bank()
        self.assertFalse(bank.feed([self.BAD] * 2, 500))
        self.assertTrue(bank.feed([self.BAD], 500))
        self.assertTrue(bank.feed([self.GOOD] * 2, 500))
        self.assertFalse(bank.feed([self.GOOD], 500))

    def test_alternating_samples_do_set(self):
        """The counter never sets at a duty of one half. Here good time takes away only half, so
        that any duty above one third trips: chatter must not hide a violation.
        """
        self.assertTrue(self.bank().feed([self.BAD, self.GOOD] * 5, 500))


class ConsecutiveTest(unittest.TestCase):
    """V7, cell over-voltage 3630/3600 mV, 10 samples of 100 ms to set, 100 to clear."""

    def setUp(self):
        self.bank = DetectorBench(3630, 3600, 1000, 10000)

    def trip(self):
        self.assertTrue(self.bank.feed([3631] * 11))

    def test_the_samples_must_span_the_delay(self):
        """Ten samples span 900 ms. The source counts samples, here time counts: the eleventh."""
        self.assertFalse(self.bank.feed([3631] * 9))
        self.assertFalse(self.bank.feed([3631]))
        self.assertTrue(self.bank.feed([3631]))

    def test_the_set_point_itself_is_bad(self):
        """Strictly greater in the source; at or beyond here, as for every other rule."""
        self.assertTrue(self.bank.feed([3630] * 11))

    def test_the_band_keeps_the_verdict_while_the_delay_runs(self):
        self.assertFalse(self.bank.feed([3631] + [3610] * 9))
        self.assertTrue(self.bank.feed([3610]))

    def test_held_for_the_clear_delay_then_clear(self):
        """Cleared one sample later than in the source, for the same reason as it sets later."""
        self.trip()
        self.assertTrue(self.bank.feed([3599] * 99))
        self.assertTrue(self.bank.feed([3599]))
        self.assertFalse(self.bank.feed([3599]))

    def test_the_clear_point_itself_clears(self):
        """Strictly less in the source. Here a clear point is within, a set point is beyond."""
        self.trip()
        self.assertFalse(self.bank.feed([3600] * 101))

    def test_a_sample_in_the_band_starts_the_clear_delay_again(self):
        """In the source the count goes on. Here clearing takes the clear value without a break,
        so a value that hovers just below the set point keeps the trip.
        """
        self.trip()
        self.assertTrue(self.bank.feed([3599] * 99 + [3610] + [3599] * 100))
        self.assertFalse(self.bank.feed([3599]))
        self.trip()
        self.assertTrue(self.bank.feed([3599, 3610] * 1000))


class WrapTest(unittest.TestCase):
    """V12, a time-out of 60 s over the wrap of a 32-bit millisecond clock. Ticks here are the same
    milliseconds modulo 2 ** 30.
    """

    TABLE = (
        (0xFFFFFFF0, 0xFFFFFFF8, True),
        (0xFFFFFFF0, 1000, True),
        (0xFFFFFFF0, 70000, False),
        (0xFFFF0000, 70000, False),
    )

    def test_the_age_of_data_is_right_across_the_wrap(self):
        for stamp, now, alive in self.TABLE:
            data = RackData(0, "rack01", 4, 2, 60000, stamp & TICKS_MASK)
            age_ms = data.age_ms(now & TICKS_MASK)
            self.assertEqual(age_ms <= 60000, alive, (stamp, now))
            self.assertEqual(age_ms, (now - stamp) & 0xFFFFFFFF)

    def test_the_start_up_delay_does_not_begin_again(self):
        """2 ** 32 + 1000 ms after the start everything is armed as ever."""
        views = [RackView(TimelineBench().data, 31, None)]
        start = 5000
        closing = Closing(ClosingRules(60000, True, 30), views, bytearray(1), start)
        closing.step(start + 59999)
        self.assertFalse(closing.armed)
        uptime_ms = 60000
        while uptime_ms < (1 << 32) + 1000:
            closing.step(start + uptime_ms & TICKS_MASK)
            self.assertTrue(closing.armed, uptime_ms)
            uptime_ms += 1 << 24
        closing.step(start + (1 << 32) + 1000 & TICKS_MASK)
        self.assertTrue(closing.armed)


class CellLimitTest(unittest.TestCase):
    """V15, a cell at its limit stops charging; 100 mV more is an error that stays."""

    LIMIT, ERROR = 3600, 3700

    def setUp(self):
        self.bench = TimelineBench()
        self.feed(3300, 300)
        self.assertEqual(self.bench.decision.charge_da, 1570)

    def feed(self, cell_max_mv, times):
        self.bench.put({"cell_max_mv": cell_max_mv, "cell_mean_mv": 3300})
        for _ in range(times):
            self.bench.fresh(500)

    def test_charging_stops_at_the_limit(self):
        """After 2 s, as one sample is no proof. The curve has left 2 % at once."""
        self.feed(self.LIMIT, 1)
        self.assertEqual(self.bench.decision.charge_da, 31)
        self.feed(self.LIMIT, 4)
        self.assertEqual(self.bench.decision.charge_da, 0)
        self.assertEqual(self.bench.decision.discharge_da, 1570)

    def test_twenty_mv_below_it_do_not_release_it(self):
        """The source releases there. Here it takes 100 mV, for 5 s, and level 1 is left."""
        self.feed(self.LIMIT, 6)
        self.feed(self.LIMIT - 20, 60)
        self.assertEqual(self.bench.level_of("cell_overvoltage"), 2)
        self.assertEqual(self.bench.decision.charge_da, 0)
        self.feed(self.LIMIT - 100, 12)
        self.assertEqual(self.bench.level_of("cell_overvoltage"), 1)

    def test_the_error_stays_until_a_person_releases_it(self):
        self.feed(self.ERROR, 4)
        self.assertFalse(self.bench.decision.permit)
        self.feed(3300, 600)
        self.assertFalse(self.bench.decision.permit)
        self.bench.reset(SERVICE)
        self.assertTrue(self.bench.decision.permit)


class ClampingTest(unittest.TestCase):
    """V16, a protection chip moves settings to what it can do, and says nothing.

    Here a setting outside of its range is refused, and what a rack BMS made of a limit shows in
    its current.
    """

    def test_a_limit_out_of_range_is_refused_and_not_moved(self):
        table = (
            ("cell_overvoltage", "l3", "set", 3651),
            ("cell_undervoltage", "l3", "set", 2499),
            ("cell_overvoltage", "l3", "delay_ms", 5001),
            ("charge_peak_current", "l3", "delay_ms", 15),
            ("cell_undervoltage", "l1", "clear", 2909),
        )
        for rule, level, key, value in table:
            entries = tree()
            entries["limits"][rule][level][key] = value
            with self.assertRaises(ConfigError) as caught:
                config.load(json.dumps(entries))
            self.assertIn("limits.%s.%s.%s" % (rule, level, key), str(caught.exception))

    def test_a_limit_in_range_is_taken_as_it_is(self):
        entries = tree()
        entries["limits"]["cell_overvoltage"]["l3"]["delay_ms"] = 999
        loaded = config.load(json.dumps(entries))
        self.assertEqual(loaded.limits["cell_overvoltage"][2].delay_ms, 999)

    def test_a_bms_that_takes_another_limit_than_it_was_told_trips(self):
        bench = TimelineBench()
        bench.protection.limits_sent = True
        bench.put({"cell_max_mv": 3600})
        for _ in range(6):
            bench.fresh(500)
        self.assertEqual(bench.decision.charge_da, 0)
        bench.put({"rack_current_da": 300})  # it confirmed 0 A and goes on charging
        for _ in range(22):
            bench.fresh(500)
        self.assertEqual(bench.level_of("limit_not_respected"), 3)
        self.assertFalse(bench.decision.permit)


class GarbageTest(unittest.TestCase):
    """V15, fifty random frames must not keep a device alive."""

    def test_random_answers_never_refresh_the_data(self):
        bench = BusBench(cells=4)
        bench.run_ms(3000)
        data = bench.racks[0]
        self.assertTrue(data.sequence > 0)
        state = [1]

        def garbage(answer):
            noise = bytearray(len(answer))
            for index in range(len(noise)):
                state[0] = (state[0] * 1103515245 + 12345) & 0x3FFFFFFF
                noise[index] = state[0] >> 16 & 0xFF
            frames.append(1)
            return bytes(noise)

        frames = []
        bench.wire.change = garbage
        bench.run_ms(50)  # the last good answer was on its way
        before = data.sequence
        acquired = data.acquired
        for _ in range(240):  # the pauses between two connections are a matter of chance
            bench.run_ms(500)
            if len(frames) >= 50:
                break
        self.assertTrue(len(frames) >= 50, len(frames))
        self.assertEqual(data.sequence, before)
        self.assertEqual(data.acquired, acquired)
        bench.wire.change = None
        bench.run_ms(5000)
        self.assertTrue(data.sequence > before)


if __name__ == "__main__":
    unittest.main()
