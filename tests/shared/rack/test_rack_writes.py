"""Writes: confirmed by their echo, repeated when there is none, reported when given up."""

import unittest

from bus_bench import BusBench

from gateway.rack import incidents

LIMIT = 0x0102
WRITES = (6, 16)


def refusing(code):
    """A device that answers every write with an exception."""

    def change(answer):
        if answer[7] not in WRITES:
            return answer
        return answer[:4] + b"\x00\x03" + answer[6:7] + bytes([answer[7] | 0x80, code])

    return change


class StartTest(unittest.TestCase):
    def test_no_limit_is_never_written_and_none_is_granted_before_protection_spoke(self):
        bench = BusBench(1)
        bench.run_ms(3000)
        self.assertTrue(bench.written(LIMIT))
        for address, value in bench.wire.written:
            if address in (LIMIT, LIMIT + 1):
                self.assertEqual(value, 0)


class WriteTest(unittest.TestCase):
    def setUp(self):
        self.bench = BusBench(1)
        self.grant(2000, 2000)
        self.bench.run_ms(11000)
        self.limits = self.bench.pollers[0].writes.jobs[2]
        self.bench.wire.written = []

    def grant(self, charge_da, discharge_da):
        now = self.bench.clock.ticks()
        self.bench.pollers[0].set_limits(charge_da, discharge_da, now)

    def test_both_limits_go_in_one_request_and_are_confirmed_by_its_echo(self):
        before = self.limits.confirmed
        self.grant(500, 600)
        self.bench.run_ms(20)
        self.assertEqual(self.bench.wire.written, [(LIMIT, 500), (LIMIT + 1, 600)])
        self.assertEqual(self.limits.confirmed, before + 1)

    def test_a_rise_in_small_steps_takes_little_of_the_bus_and_a_fall_none_of_the_time(self):
        self.grant(0, 0)
        self.bench.run_ms(100)
        self.bench.wire.written = []
        for second in range(1, 21):
            self.grant(10 * second, 10 * second)
            self.bench.run_ms(1000)
        charge = self.bench.written(LIMIT)
        self.assertTrue(3 <= len(charge) <= 5, charge)
        self.assertEqual(charge, sorted(charge))
        self.bench.run_ms(6000)
        self.assertEqual(self.bench.written(LIMIT)[-1], 200)
        self.bench.wire.written = []
        self.grant(210, 100)  # one of them falls
        self.bench.run_ms(50)
        self.assertEqual(self.bench.wire.written, [(LIMIT, 210), (LIMIT + 1, 100)])

    def test_a_refused_write_is_reported_and_tried_until_it_is_confirmed(self):
        self.bench.wire.change = refusing(6)
        self.grant(0, 600)
        self.bench.run_ms(4000)
        self.assertTrue(6 <= self.limits.refused <= 9, self.limits.refused)
        self.assertEqual(self.limits.failed, 2)
        self.bench.wire.change = None
        self.bench.wire.written = []
        self.bench.run_ms(700)
        self.assertEqual(self.bench.written(LIMIT), [0])
        codes = self.bench.codes()
        self.assertIn((0, incidents.WRITE_REFUSED, LIMIT), codes)
        self.assertIn((0, incidents.WRITE_FAILED, LIMIT), codes)

    def test_a_lost_echo_makes_it_be_written_again(self):
        lost = []

        def lose_once(answer):
            if answer[7] in WRITES and not lost:
                lost.append(answer)
                return b""
            return answer

        self.bench.wire.change = lose_once
        before = self.limits.confirmed
        self.grant(500, 600)
        self.bench.run_ms(1500)
        self.assertEqual(self.bench.written(LIMIT), [500, 500])
        self.assertEqual((self.limits.confirmed, self.limits.failed), (before + 1, 0))

    def test_an_echo_of_another_value_confirms_nothing(self):
        def alter(answer):
            if answer[7] == 16:
                return answer[:11] + bytes([answer[11] ^ 1])
            return answer

        self.bench.wire.change = alter
        before = self.limits.confirmed
        self.grant(500, 600)
        self.bench.run_ms(5000)
        self.assertEqual(self.limits.confirmed, before)
        self.assertTrue(self.bench.bus.link.losses > 0)

    def test_nothing_is_written_to_a_device_that_is_not_the_maps(self):
        bench = BusBench(1)
        bench.wire.registers[0x0200] = 0x1234
        bench.pollers[0].open_contactor(bench.clock.ticks())
        bench.pollers[0].set_limits(0, 0, bench.clock.ticks())
        bench.run_ms(5000)
        self.assertEqual(bench.wire.written, [])
        self.assertEqual(bench.racks[0].sequence, 0)
        self.assertTrue("map" in bench.racks[0].identity_problem)
        self.assertIn((0, incidents.IDENTITY, 0), bench.codes())
        bench.wire.registers[0x0200] = 0x4716
        bench.run_ms(31000)
        self.assertEqual(bench.racks[0].identity_problem, "")
        self.assertEqual(bench.racks[0].quality(bench.clock.ticks()), 1)
        self.assertIn((0x0100, 0), bench.wire.written)


if __name__ == "__main__":
    unittest.main()
