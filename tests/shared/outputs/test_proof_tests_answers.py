"""Proof tests as a person reads them: every answer, note and line of the log, whole."""

import unittest

from enforcer_bench import ARM_MS, INPUTS
from fake_hardware import MemoryStorage
from proof_bench import ProofBench

from gateway.clock import UNSET
from gateway.outputs.proof_test import ABORTED, NONE, PASSED, STILL_CLOSED, UNCHANGED, WITHDRAWN
from gateway.protection.interlocks import SITE

RESET, SMOKE = 0, 4
CONFIRM_MS = INPUT_MS = 60000
RELAY_MS = 10000
DAY_MS = 86400000
ITEMS = ["rack/rack01", "rack/rack02"] + ["input/" + each["name"] for each in INPUTS]
NEVER = {"utc_s": None, "result": "none", "days_left": 0, "due": True}


class Bench(ProofBench):
    """Time in steps of the tests' task."""

    def confirm(self):
        return self.tests.confirm(self.clock.ticks())

    def steps(self, count):
        for _ in range(count):
            self.tests.step(self.clock.advance(50))

    def run_ms(self, duration_ms):
        for _ in range(duration_ms // 50):
            self.site.run_ms(50)
            self.tests.step(self.clock.ticks())

    def level(self, number, level):
        """An input that is worked long enough to count."""
        self.site.inputs.levels[number] = level
        self.steps(3)


def order(number, kind, name, state, left_ms, changed=False):
    return {
        "number": number,
        "kind": kind,
        "name": name,
        "state": state,
        "changed": changed,
        "left_ms": left_ms,
    }


def end(number, kind, name, result, verdict, kept=None):
    return {
        "number": number,
        "kind": kind,
        "name": name,
        "result": result,
        "passed": result == "passed",
        "verdict": verdict,
        "kept": verdict if kept is None else kept,
    }


class WholeTest(unittest.TestCase):
    def test_nothing_was_ever_tested(self):
        bench = Bench()
        state = bench.tests.state()
        self.assertEqual([each["kind"] + "/" + each["name"] for each in state.pop("items")], ITEMS)
        self.assertEqual(
            state, {"running": None, "last": None, "clock_set": True, "write_errors": 0}
        )
        for entry in bench.tests.state()["items"]:
            del entry["kind"], entry["name"]
            self.assertEqual(entry, NEVER)
        self.assertEqual((bench.log.lines, bench.notes), ([], []))

    def test_an_input_from_the_order_to_the_record(self):
        bench = Bench()
        self.assertEqual(
            bench.tests.answer("smoke"),
            {"ordered": order(1, "input", "smoke", "confirm", CONFIRM_MS)},
        )
        self.assertEqual(
            bench.log.lines,
            [("info", "proof test of input smoke ordered: waiting for the reset button")],
        )
        bench.clock.advance(1000)
        self.assertEqual(bench.running["left_ms"], CONFIRM_MS - 1000)
        self.assertTrue(bench.confirm())
        self.assertFalse(bench.confirm())  # the next push is a reset
        self.assertEqual(bench.running, order(1, "input", "smoke", "test", INPUT_MS))
        bench.level(SMOKE, False)
        self.assertEqual(bench.running, order(1, "input", "smoke", "test", INPUT_MS - 150, True))
        bench.level(SMOKE, True)
        self.assertIsNone(bench.running)
        self.assertEqual(bench.last, end(1, "input", "smoke", "passed", True))
        self.assertEqual(bench.notes, [(SITE, "input smoke: passed", PASSED)])
        self.assertEqual(len(bench.log.lines), 1)
        entry = bench.tests.state()["items"][ITEMS.index("input/smoke")]
        self.assertEqual(
            entry,
            {
                "kind": "input",
                "name": "smoke",
                "utc_s": bench.clock.utc_ms() // 1000,
                "result": "passed",
                "days_left": 180,
                "due": False,
            },
        )

    def test_a_rack_that_opens_and_one_that_does_not(self):
        bench = Bench()
        bench.site.wires[1].stuck = 1
        for number, rack, result, words in (
            (1, 0, PASSED, "passed"),
            (2, 1, STILL_CLOSED, "contactor still reads closed"),
        ):
            name = "rack%02d" % (rack + 1)
            self.assertEqual(
                bench.tests.answer("rack/" + name),
                {"ordered": order(number, "rack", name, "confirm", CONFIRM_MS)},
            )
            self.assertTrue(bench.confirm())
            self.assertEqual(bench.running, order(number, "rack", name, "test", RELAY_MS))
            self.assertFalse(bench.confirm())
            bench.run_ms(2000)
            self.assertEqual(bench.last, end(number, "rack", name, words, True))
            self.assertEqual(bench.notes[-1], (rack, "relay: " + words, result))
        errors = [text for level, text in bench.log.lines if level == "error"]
        self.assertEqual(
            errors, ["proof test of rack rack02 failed: contactor still reads closed"]
        )

    def test_the_push_that_confirms_may_be_the_change_of_the_button_itself(self):
        bench = Bench()
        bench.tests.answer("reset")
        bench.site.inputs.levels[RESET] = True
        self.assertTrue(bench.confirm())
        self.assertEqual(bench.running, order(1, "input", "reset", "test", INPUT_MS, True))
        self.assertTrue(bench.confirm())  # of a button under test no push is a reset
        bench.level(RESET, False)
        self.assertEqual(bench.last, end(1, "input", "reset", "passed", True))

    def test_another_input_at_its_alarm_level_is_no_push(self):
        bench = Bench()
        bench.site.inputs.levels[SMOKE] = True
        bench.tests.answer("smoke")
        bench.site.inputs.levels[RESET] = True
        self.assertTrue(bench.confirm())
        self.assertFalse(bench.running["changed"])

    def test_what_does_not_change_in_its_minute_has_failed(self):
        bench = Bench()
        bench.tests.answer("leak")
        bench.confirm()
        bench.tests.step(bench.clock.advance(INPUT_MS - 1))
        self.assertEqual(bench.running["left_ms"], 1)
        bench.tests.step(bench.clock.advance(1))
        self.assertEqual(bench.last, end(1, "input", "leak", "did not change", True))
        self.assertEqual(bench.notes, [(SITE, "input leak: did not change", UNCHANGED)])
        self.assertEqual(
            bench.log.lines[1:], [("error", "proof test of input leak failed: did not change")]
        )

    def test_a_result_that_the_flash_does_not_take_is_told(self):
        bench = Bench()
        bench.tests.answer("leak")
        bench.confirm()
        bench.storage.dead = True
        bench.level(7, False)
        bench.level(7, True)
        self.assertEqual(bench.last, end(1, "input", "leak", "passed", True, False))
        self.assertEqual(
            bench.log.lines[1:], [("error", "the result of input leak is not on flash")]
        )
        self.assertEqual(bench.tests.state()["write_errors"], 1)

    def test_damaged_dates_are_told_at_the_start(self):
        bench = Bench(MemoryStorage({"prooftests": b"damaged"}))
        self.assertEqual(
            bench.log.lines,
            [("warning", "dates of proof tests were damaged: everything counts as never tested")],
        )

    def test_without_a_clock_no_date_is_believed(self):
        bench = Bench()
        bench.clock.utc_quality = UNSET
        bench.tests.answer("leak")
        bench.confirm()
        bench.level(7, False)
        bench.level(7, True)
        state = bench.tests.state()
        self.assertFalse(state["clock_set"])
        entry = state["items"][ITEMS.index("input/leak")]
        self.assertEqual((entry["utc_s"], entry["result"], entry["due"]), (None, "passed", True))


class RefusedTest(unittest.TestCase):
    def refusal(self, bench, argument):
        found = bench.tests.answer(argument)
        self.assertIsNone(bench.running)
        return found

    def test_an_unknown_name_and_one_that_is_no_single_thing(self):
        bench = Bench()
        self.assertEqual(
            self.refusal(bench, "rack03"),
            {"refused": "no such rack or input", "items": ITEMS},
        )
        bench = Bench(inputs=INPUTS[:-1] + [{"name": "rack01", "number": 7, "role": "leak"}])
        self.assertEqual(
            self.refusal(bench, "rack01"),
            {
                "refused": "a rack and an input have this name",
                "items": ITEMS[:-1] + ["input/rack01"],
            },
        )
        self.assertEqual(bench.tests.answer("input/rack01")["ordered"]["kind"], "input")

    def test_nobody_could_confirm(self):
        bench = Bench(inputs=INPUTS[1:], commands={"acknowledge": 1})
        self.assertEqual(
            self.refusal(bench, "smoke"),
            {"refused": "no input has the role reset, so nobody on site can confirm"},
        )

    def test_one_at_a_time(self):
        bench = Bench()
        bench.tests.answer("rack02")
        for argument in ("rack01", "rack02", "smoke"):
            self.assertEqual(
                bench.tests.answer(argument), {"refused": "rack rack02 is being tested"}
            )

    def test_a_rack_that_is_not_closed_well_and_at_rest(self):
        bench = Bench()
        bench.site.wires[0].wanted_da = 500
        bench.site.wires[0].obeys = False
        bench.run_ms(1000)
        self.assertEqual(
            self.refusal(bench, "rack01"), {"refused": "current flows: bring it to zero first"}
        )
        bench = Bench()
        bench.site.wires[1].stuck = 0
        bench.run_ms(1000)
        self.assertEqual(self.refusal(bench, "rack02"), {"refused": "its contactor is open"})
        bench.site.wires[1].silent = True
        bench.run_ms(3000)
        self.assertEqual(self.refusal(bench, "rack02"), {"refused": "no fresh data of it"})
        bench.site.enforcer.stop()
        self.assertEqual(self.refusal(bench, "rack02"), {"refused": "its relay is open"})

    def test_an_input_may_be_tested_whatever_the_racks_do(self):
        bench = Bench()
        bench.site.enforcer.stop()
        self.assertTrue("ordered" in bench.tests.answer("smoke"))


class CancelTest(unittest.TestCase):
    def test_nothing_to_withdraw(self):
        self.assertEqual(Bench().tests.answer("cancel"), {"refused": "nothing is ordered"})

    def test_before_and_after_the_push(self):
        for pushed in (False, True):
            bench = Bench()
            bench.tests.answer("smoke")
            if pushed:
                bench.confirm()
            self.assertEqual(bench.tests.answer("cancel"), {"withdrawn": "input smoke"})
            self.assertEqual(bench.last, end(1, "input", "smoke", "withdrawn", False))
            self.assertEqual(bench.notes, [(SITE, "input smoke: withdrawn", WITHDRAWN)])
            self.assertFalse(bench.confirm())
            self.assertTrue("ordered" in bench.tests.answer("smoke"))
            bench.confirm()
            self.assertEqual(bench.running["left_ms"], INPUT_MS)

    def test_a_relay_that_is_on_its_way_is_waited_for(self):
        bench = Bench()
        bench.tests.answer("rack01")
        bench.confirm()
        self.assertEqual(
            bench.tests.answer("cancel"), {"refused": "the test of rack01 is over in a moment"}
        )
        self.assertEqual(bench.running["state"], "test")


class TimeTest(unittest.TestCase):
    def test_the_minute_of_the_push_ends_with_its_last_millisecond(self):
        for after_ms, taken in ((CONFIRM_MS - 1, True), (CONFIRM_MS, False)):
            bench = Bench()
            bench.tests.answer("smoke")
            bench.clock.advance(after_ms)
            self.assertEqual(bench.running["left_ms"], CONFIRM_MS - after_ms)
            self.assertEqual(bench.confirm(), taken)
            bench = Bench()
            bench.tests.answer("smoke")
            bench.tests.step(bench.clock.advance(after_ms))
            self.assertEqual(bench.running is not None, taken)

    def test_a_relay_test_that_nobody_carries_out_is_given_up(self):
        bench = Bench()
        bench.tests.answer("rack01")
        bench.confirm()
        bench.tests.step(bench.clock.advance(RELAY_MS - 1))
        self.assertEqual(bench.running["left_ms"], 1)
        bench.tests.step(bench.clock.advance(1))
        words = "given up, the rack had to open"
        self.assertEqual(bench.last, end(1, "rack", "rack01", words, False))
        self.assertEqual(bench.notes, [(0, "relay: " + words, ABORTED)])
        self.assertEqual(len(bench.log.lines), 1)  # no failure of the relay

    def test_what_is_overdue_is_told_once_a_day(self):
        for never, text in (
            (0, None),
            (1, "rack rack01"),
            (3, "rack rack01, rack rack02, input reset"),
            (4, "rack rack01, rack rack02, input reset and 1 more"),
            (10, "rack rack01, rack rack02, input reset and 7 more"),
        ):
            bench = Bench()
            started_ms = ARM_MS + 1000  # of this day have passed
            for name in bench.names[never:]:
                bench.records.note(name, PASSED, bench.clock.utc_ms(), True)
            expected = [] if text is None else [(SITE, text, NONE)]
            for after_ms, times in (
                (DAY_MS - started_ms - 1, 0), (1, 1), (DAY_MS - 1, 1), (1, 2),
            ):  # fmt: skip
                bench.tests.step(bench.clock.advance(after_ms))
                self.assertEqual(bench.notes, expected * times)


if __name__ == "__main__":
    unittest.main()
