"""What the data say about a rack's contactor and current, good, old, or from before its start."""

import unittest

from gateway.outputs.rack_view import RackView
from gateway.rack.data import (
    ABSENT,
    CONTACTOR_CLOSED,
    CONTACTOR_OPEN,
    CONTACTOR_STATE,
    CONTACTOR_UNKNOWN,
    HEARTBEAT,
    RACK_CURRENT_DA,
    RACK_VOLTAGE_DV,
    STATE,
    TEMP_MIN_DC,
    RackData,
)
from gateway.rack.writes import Write

STALE_MS, REST_DA = 1100, 31


def command(slot, expected):
    return Write(("open", 6, 0x100, (0,), 1000, 0, slot, expected, -1, (), 0))


class Bench:
    def __init__(self, write=None):
        self.data = RackData(0, "rack", 4, 2, STALE_MS, 0)
        self.view = RackView(self.data, REST_DA, write)

    def read(self, now, current_da=0, contactor=CONTACTOR_CLOSED, state=0, coldest_dc=0):
        staging = self.data.staging
        staging[RACK_CURRENT_DA] = current_da
        staging[CONTACTOR_STATE] = contactor
        staging[RACK_VOLTAGE_DV] = 13312
        staging[STATE] = state
        staging[TEMP_MIN_DC] = coldest_dc
        self.data.take(now)
        self.view.look(now)
        return self.view


class RackViewTest(unittest.TestCase):
    def test_nothing_is_known_before_the_first_answer(self):
        view = Bench().view
        for _ in range(2):  # before the first look, and after it
            self.assertEqual((view.fresh, view.known, view.at_rest), (False, False, False))
            self.assertEqual((view.reads_open, view.voltage_dv), (False, ABSENT))
            self.assertEqual((view.reads_closed, view.cold), (False, False))
            self.assertEqual(view.acquired, 0)
            view.look(100)

    def test_rest_is_up_to_the_limit_either_way(self):
        bench = Bench()
        for current_da, at_rest in (
            (0, True), (REST_DA, True), (-REST_DA, True), (REST_DA + 1, False),
            (-REST_DA - 1, False), (3000, False), (ABSENT, False),
        ):  # fmt: skip
            self.assertEqual(bench.read(10, current_da).at_rest, at_rest, current_da)

    def test_only_open_reads_open(self):
        bench = Bench()
        for contactor in (CONTACTOR_CLOSED, 2, CONTACTOR_UNKNOWN):
            self.assertFalse(bench.read(10, contactor=contactor).reads_open, contactor)
        self.assertTrue(bench.read(10, contactor=CONTACTOR_OPEN).reads_open)

    def test_only_closed_reads_closed_and_only_now(self):
        bench = Bench()
        for contactor in (CONTACTOR_OPEN, 2, CONTACTOR_UNKNOWN):
            self.assertFalse(bench.read(10, contactor=contactor).reads_closed, contactor)
        self.assertTrue(bench.read(10).reads_closed)
        bench.view.look(11 + STALE_MS)
        self.assertFalse(bench.view.reads_closed)

    def test_below_freezing_it_is_cold_as_last_known(self):
        bench = Bench()
        for coldest_dc, cold in ((1, False), (0, False), (-1, True)):
            self.assertEqual(bench.read(10, coldest_dc=coldest_dc).cold, cold, coldest_dc)
        bench.view.look(11 + STALE_MS)
        self.assertTrue(bench.view.cold)

    def test_the_proof_of_the_map_must_hold_too(self):
        bench = Bench(command(STATE, 4))
        self.assertFalse(bench.read(10, contactor=CONTACTOR_OPEN, state=1).reads_open)
        self.assertTrue(bench.read(20, contactor=CONTACTOR_OPEN, state=4).reads_open)
        self.assertFalse(bench.read(30, contactor=CONTACTOR_CLOSED, state=4).reads_open)
        first_slot = Bench(command(HEARTBEAT, 7))
        self.assertFalse(first_slot.read(10, contactor=CONTACTOR_OPEN).reads_open)
        without = Bench(command(-1, 0))
        self.assertTrue(without.read(10, contactor=CONTACTOR_OPEN).reads_open)

    def test_old_data_say_nothing(self):
        bench = Bench()
        view = bench.read(1000, contactor=CONTACTOR_OPEN)
        view.look(1000 + STALE_MS)
        self.assertTrue(view.fresh and view.known and view.at_rest and view.reads_open)
        self.assertEqual((view.voltage_dv, view.acquired), (13312, 1000))
        view.look(1001 + STALE_MS)
        self.assertFalse(view.fresh or view.known or view.at_rest or view.reads_open)
        self.assertEqual(view.voltage_dv, 13312)  # the last one that is known

    def test_implausible_data_say_nothing(self):
        bench = Bench()
        view = bench.read(1000)
        bench.data.reject(1500)
        view.look(1500)
        self.assertFalse(view.fresh or view.known or view.at_rest)

    def test_an_answer_before_the_start_shows_the_contactor_but_no_voltage(self):
        bench = Bench()
        view = bench.read(1000, current_da=500)
        bench.data.take_sign_of_life(1500, True)
        view.look(1600)
        self.assertEqual((view.fresh, view.known, view.acquired), (False, True, 1500))
        self.assertTrue(view.at_rest and view.reads_open)
        self.assertEqual(view.voltage_dv, 13312)
        view.look(1501 + STALE_MS)
        self.assertFalse(view.known or view.at_rest or view.reads_open)


if __name__ == "__main__":
    unittest.main()
