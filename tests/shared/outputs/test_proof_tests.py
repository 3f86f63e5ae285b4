"""Proof tests from the order to the record: racks on the wire, a person at the push-button."""

import unittest

from enforcer_bench import ARM_MS, INPUTS
from fake_hardware import MemoryStorage
from proof_bench import ProofBench

from gateway.outputs.proof_test import NONE, PASSED, STILL_CLOSED
from gateway.outputs.proof_tests import CONFIRM_MS, DAY_MS, INPUT_MS, items
from gateway.protection.interlocks import SITE
from gateway.protection.reset_inputs import NOBODY, ResetInputs

RESET, ESTOP, SMOKE = 0, 1, 4
STEP_MS = 50


class Bench(ProofBench):
    """`resets` counts pushes that were taken as a reset, `lowest` the relays of both racks."""

    def __init__(self, storage=None, **changes):
        super().__init__(storage, **changes)
        self.mark()

    def close(self):
        self.buttons = ResetInputs(self.site.settings.inputs, self.site.inputs)
        self.resets = 0
        self.lowest = (1, 1)  # seen since `mark`
        self.run_ms(ARM_MS + 1000)

    def mark(self):
        self.lowest = self.site.closed()

    def run_ms(self, duration_ms):
        for _ in range(duration_ms // STEP_MS):
            for _ in range(STEP_MS // 5):
                self.site.run_ms(5)
                closed = self.site.closed()
                self.lowest = tuple([min(pair) for pair in zip(self.lowest, closed)])
            now = self.clock.ticks()
            if self.buttons.step() != NOBODY and not self.tests.confirm(now):
                self.resets += 1
            self.tests.step(now)

    def push(self, hold_ms=200):
        self.site.inputs.levels[RESET] = True
        self.run_ms(hold_ms)
        self.site.inputs.levels[RESET] = False
        self.run_ms(100)

    def entry(self, kind, name):
        for entry in self.tests.state()["items"]:
            if (entry["kind"], entry["name"]) == (kind, name):
                return entry
        raise AssertionError("not listed: " + name)


class OrderTest(unittest.TestCase):
    def test_an_order_alone_moves_nothing_and_ends_after_a_minute(self):
        bench = Bench()
        ordered = bench.tests.answer("rack01")["ordered"]
        self.assertEqual((ordered["kind"], ordered["name"]), ("rack", "rack01"))
        self.assertEqual((ordered["state"], ordered["left_ms"]), ("confirm", CONFIRM_MS))
        bench.run_ms(CONFIRM_MS - 100)
        self.assertEqual(bench.running["state"], "confirm")
        bench.run_ms(150)
        self.assertEqual(bench.running, None)
        self.assertIn("nobody pushed the reset button", bench.last["result"])
        self.assertFalse(bench.last["verdict"])
        self.assertEqual(bench.lowest, (1, 1))
        self.assertEqual(bench.records.last("rack rack01")[1], NONE)
        bench.push()
        self.assertEqual((bench.resets, bench.lowest), (1, (1, 1)))

    def test_a_button_that_was_held_before_the_order_confirms_nothing(self):
        bench = Bench()
        bench.site.inputs.levels[RESET] = True
        bench.run_ms(500)
        self.assertEqual(bench.resets, 1)
        bench.tests.answer("rack01")
        bench.run_ms(5000)
        self.assertEqual((bench.running["state"], bench.lowest), ("confirm", (1, 1)))

    def test_unknown_names_get_the_list(self):
        bench = Bench()
        answer = bench.tests.answer("rack09")
        self.assertEqual(answer["refused"], "no such rack or input")
        self.assertEqual(answer["items"][:3], ["rack/rack01", "rack/rack02", "input/reset"])
        self.assertEqual(bench.running, None)

    def test_a_name_of_both_kinds_must_say_which(self):
        inputs = list(INPUTS)
        inputs[SMOKE] = {"name": "rack01", "number": SMOKE, "role": "smoke"}
        bench = Bench(inputs=inputs)
        self.assertIn("a rack and an input", bench.tests.answer("rack01")["refused"])
        self.assertEqual(bench.tests.answer("input/rack01")["ordered"]["kind"], "input")
        self.assertEqual(bench.tests.answer("cancel"), {"withdrawn": "input rack01"})
        self.assertEqual(bench.tests.answer("rack/rack01")["ordered"]["kind"], "rack")

    def test_one_order_at_a_time(self):
        bench = Bench()
        bench.tests.answer("smoke")
        refused = bench.tests.answer("rack01")["refused"]
        self.assertEqual(refused, "input smoke is being tested")
        bench.push()
        self.assertEqual(bench.running["state"], "test")
        self.assertEqual(bench.tests.answer("rack01")["refused"], "input smoke is being tested")

    def test_without_a_reset_button_nobody_can_confirm(self):
        bench = Bench(inputs=INPUTS[1:], commands={"acknowledge": 1})
        self.assertIn("role reset", bench.tests.answer("rack01")["refused"])

    def test_what_cannot_begin_is_refused_at_once(self):
        def open_relay(bench):
            bench.site.alarm(ESTOP)

        def silent(bench):
            bench.site.wires[0].silent = True

        def flowing(bench):
            bench.site.wires[0].wanted_da = -200

        def own_opening(bench):
            bench.site.wires[0].stuck = 0

        for change, words in (
            (open_relay, "relay is open"),
            (silent, "no fresh data"),
            (flowing, "current flows"),
            (own_opening, "contactor is open"),
        ):
            with self.subTest(words=words):
                bench = Bench()
                change(bench)
                bench.run_ms(4000)
                self.assertIn(words, bench.tests.answer("rack01")["refused"])
                self.assertEqual(bench.running, None)

    def test_withdrawn_orders_are_over(self):
        bench = Bench()
        self.assertEqual(bench.tests.answer("cancel"), {"refused": "nothing is ordered"})
        bench.tests.answer("rack01")
        bench.tests.answer("cancel")
        bench.push()
        self.assertEqual((bench.resets, bench.lowest, bench.running), (1, (1, 1), None))
        self.assertEqual(bench.last["result"], "withdrawn")


class RackTest(unittest.TestCase):
    def test_a_confirmed_test_opens_one_rack_for_a_moment_and_is_kept(self):
        bench = Bench()
        bench.tests.answer("rack02")
        bench.run_ms(30000)
        bench.push()
        bench.run_ms(3000)
        self.assertEqual(bench.lowest, (1, 0))
        self.assertEqual(bench.site.closed(), (1, 1))
        self.assertEqual(bench.resets, 0)
        self.assertTrue(bench.last["passed"] and bench.last["kept"])
        self.assertEqual(bench.notes, [(1, "relay: passed", PASSED)])
        entry = bench.entry("rack", "rack02")
        self.assertEqual((entry["result"], entry["days_left"]), ("passed", 180))
        self.assertFalse(entry["due"])
        self.assertTrue(bench.entry("rack", "rack01")["due"])
        after = Bench(storage=MemoryStorage(bench.storage.files))
        self.assertEqual(after.entry("rack", "rack02")["result"], "passed")

    def test_a_rack_that_does_not_open_fails_and_is_told(self):
        bench = Bench()
        bench.site.wires[0].stuck = 1
        bench.tests.answer("rack01")
        bench.push()
        bench.run_ms(3000)
        self.assertEqual(bench.records.last("rack rack01")[1], STILL_CLOSED)
        self.assertEqual(bench.notes, [(0, "relay: contactor still reads closed", STILL_CLOSED)])
        self.assertIn("error", [level for level, _ in bench.log.lines])
        self.assertTrue(bench.entry("rack", "rack01")["due"])

    def test_current_that_begins_before_the_push_ends_it_without_a_verdict(self):
        bench = Bench()
        bench.tests.answer("rack01")
        bench.site.wires[0].wanted_da = -200
        bench.run_ms(35000)  # until limits that rise slowly let it flow
        bench.push()
        bench.run_ms(500)
        self.assertEqual(bench.last["result"], "not begun, current flows")
        self.assertEqual((bench.lowest, bench.resets), ((1, 1), 0))
        self.assertEqual(bench.records.last("rack rack01")[1], NONE)

    def test_a_loop_that_is_dead_does_not_hold_the_order_for_ever(self):
        bench = Bench()
        bench.tests.answer("rack01")
        bench.tests.confirm(bench.clock.ticks())
        for _ in range(300):
            bench.tests.step(bench.clock.advance(STEP_MS))
        self.assertEqual(bench.running, None)
        self.assertFalse(bench.last["passed"] or bench.last["verdict"])

    def test_a_flash_that_refuses_is_told(self):
        bench = Bench()
        bench.storage.dead = True
        bench.tests.answer("rack01")
        bench.push()
        bench.run_ms(2000)
        self.assertTrue(bench.last["passed"])
        self.assertFalse(bench.last["kept"])
        self.assertEqual(bench.tests.state()["write_errors"], 1)


class InputTest(unittest.TestCase):
    def test_change_and_return_of_an_alarm_contact(self):
        bench = Bench()
        bench.tests.answer("leak")
        bench.push()
        self.assertEqual((bench.running["state"], bench.running["changed"]), ("test", False))
        bench.site.alarm(7)
        bench.run_ms(500)
        self.assertTrue(bench.running["changed"])
        bench.site.inputs.levels[7] = True
        bench.run_ms(500)
        self.assertEqual(bench.notes, [(SITE, "input leak: passed", PASSED)])
        self.assertEqual(bench.entry("input", "leak")["result"], "passed")

    def test_alarms_are_not_masked(self):
        bench = Bench()
        bench.tests.answer("estop")
        bench.push()
        bench.site.alarm(ESTOP)
        bench.run_ms(500)
        self.assertEqual(bench.site.closed(), (0, 0))

    def test_nobody_works_the_input(self):
        bench = Bench()
        bench.tests.answer("smoke")
        bench.push()
        bench.run_ms(INPUT_MS)
        self.assertEqual(bench.last["result"], "did not change")
        self.assertTrue(bench.last["verdict"])
        self.assertTrue(bench.entry("input", "smoke")["due"])

    def test_a_withdrawn_test_leaves_no_verdict(self):
        bench = Bench()
        bench.tests.answer("smoke")
        bench.push()
        bench.tests.answer("cancel")
        self.assertEqual(bench.records.last("input smoke")[1], NONE)
        bench.tests.answer("smoke")  # and the next one begins anew
        self.assertEqual(bench.running["state"], "confirm")

    def test_a_reset_that_is_pushed_during_a_test_of_something_else_is_one(self):
        bench = Bench()
        bench.tests.answer("smoke")
        bench.push()
        bench.push()
        self.assertEqual(bench.resets, 1)

    def test_the_push_that_confirms_is_the_test_of_the_reset_button(self):
        bench = Bench()
        bench.tests.answer("reset")
        bench.push()
        bench.run_ms(500)
        self.assertEqual((bench.last["result"], bench.resets), ("passed", 0))

    def test_a_second_button_is_tested_by_itself_and_resets_nothing(self):
        second = {"name": "reset-2", "number": 7, "role": "reset"}
        bench = Bench(inputs=INPUTS[:7] + [second])
        bench.site.inputs.levels[7] = False
        bench.run_ms(100)
        bench.tests.answer("reset-2")
        bench.push()  # the first one
        self.assertFalse(bench.running["changed"])
        bench.push()  # once more: whoever pushes it now means a reset
        self.assertEqual((bench.running["changed"], bench.resets), (False, 1))
        bench.site.inputs.levels[7] = True
        bench.run_ms(500)
        self.assertTrue(bench.running["changed"])
        bench.site.inputs.levels[7] = False
        bench.run_ms(500)
        self.assertEqual((bench.last["result"], bench.resets), ("passed", 1))


class DueTest(unittest.TestCase):
    def days(self, bench, count):
        for _ in range(count * 24):
            bench.tests.step(bench.clock.advance(DAY_MS // 24))

    def test_what_is_overdue_is_told_once_a_day(self):
        bench = Bench()
        bench.tests.step(bench.clock.advance(DAY_MS - 10000))
        self.assertEqual(bench.notes, [])
        bench.tests.step(bench.clock.advance(10000))
        text = "rack rack01, rack rack02, input reset and 7 more"
        self.assertEqual(bench.notes, [(SITE, text, NONE)])
        self.days(bench, 14)  # ticks wrap meanwhile
        self.assertEqual(len(bench.notes), 15)

    def test_nothing_overdue_is_nothing_to_tell(self):
        bench = Bench()
        for item in items(bench.site.settings):
            bench.records.note(item.key, PASSED, bench.clock.utc_ms(), True)
        self.days(bench, 179)
        self.assertEqual(bench.notes, [])
        self.days(bench, 2)
        self.assertTrue(1 <= len(bench.notes) <= 2)

    def test_without_a_clock_everything_is_due(self):
        bench = Bench()
        bench.records.note("rack rack01", PASSED, bench.clock.utc_ms(), True)
        bench.clock.utc_quality = 0
        self.assertTrue(bench.entry("rack", "rack01")["due"])
        self.assertFalse(bench.tests.state()["clock_set"])


if __name__ == "__main__":
    unittest.main()
