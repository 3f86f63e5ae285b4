"""Proof tests of relays and inputs, and the dates they leave on flash."""

import binascii
import struct
import unittest

from fake_hardware import HandClock, MemoryStorage
from view_stub import ViewStub

from gateway.outputs.proof_records import ProofRecords
from gateway.outputs.proof_test import (
    ABORTED,
    EXPIRED,
    NO_DATA,
    NONE,
    NOT_AT_REST,
    NOT_BACK,
    NOT_CLOSED,
    PASSED,
    RESULT_NAMES,
    RUNNING,
    STILL_CLOSED,
    STILL_FLOWING,
    UNCHANGED,
    WAITING,
    WITHDRAWN,
    InputTest,
    RelayTest,
    is_verdict,
)

EFFECT_MS = 1000
DAY_MS = 86400000
UTC_MS = 1800000000000


class RackBench:
    """A closed rack at rest whose contactor follows its relay after `delay_ms`."""

    def __init__(self, delay_ms=100):
        self.clock = HandClock(0x3FFFFFC0)
        self.view = ViewStub(acquired=self.clock.ticks())
        self.test = RelayTest()
        self.permit = True
        self.energised = True
        self.delay_ms = delay_ms
        self.answers = True
        self.flowing_after = False
        self.open_ms = 0

    def step(self):
        now = self.clock.ticks()
        opened = self.open_ms > self.delay_ms
        if self.answers:
            self.view.show(now, not (opened and self.flowing_after), opened)
        self.test.step(self.energised, self.permit, self.view, now)
        self.energised = not self.test.hold_open

    def run_ms(self, duration_ms, step_ms=10):
        for _ in range(duration_ms // step_ms):
            self.clock.advance(step_ms)
            self.open_ms = 0 if self.energised else self.open_ms + step_ms
            self.step()


class RelayTestTest(unittest.TestCase):
    def test_nothing_happens_without_an_order(self):
        bench = RackBench()
        bench.run_ms(1000)
        self.assertEqual((bench.test.result, bench.energised), (NONE, True))
        self.assertEqual(bench.test.rack, -1)

    def test_a_rack_that_opens_in_time_passes_and_is_released(self):
        bench = RackBench()
        self.assertTrue(bench.test.order(3))
        self.assertEqual((bench.test.result, bench.test.rack), (WAITING, 3))
        bench.step()
        self.assertEqual((bench.test.result, bench.energised), (RUNNING, False))
        bench.run_ms(100)
        self.assertTrue(bench.test.hold_open)
        bench.run_ms(50)
        self.assertEqual((bench.test.result, bench.test.hold_open), (PASSED, False))
        self.assertEqual(bench.test.begun, 1)

    def test_every_relay_that_dropped_counts(self):
        bench = RackBench()
        for number in (1, 2, 3):
            self.assertTrue(bench.test.order(0))
            bench.run_ms(500)
            self.assertEqual((bench.test.result, bench.test.begun), (PASSED, number))

    def test_current_is_never_broken(self):
        bench = RackBench()
        bench.view.at_rest = False
        bench.answers = False
        bench.test.order(0)
        bench.step()
        self.assertEqual((bench.test.result, bench.energised), (NOT_AT_REST, True))
        self.assertEqual(bench.test.begun, 0)

    def test_only_a_closed_healthy_rack_is_tested(self):
        for what, value in (("energised", False), ("permit", False), ("fresh", 0), ("open", 1)):
            with self.subTest(what=what):
                bench = RackBench()
                bench.answers = False
                if what == "fresh":
                    bench.view.lose()
                elif what == "open":
                    bench.view.reads_open = True
                else:
                    setattr(bench, what, value)
                before = bench.energised
                bench.test.order(0)
                bench.test.step(bench.energised, bench.permit, bench.view, bench.clock.ticks())
                self.assertEqual((bench.test.result, bench.test.hold_open), (NOT_CLOSED, False))
                self.assertEqual(bench.energised, before)

    def test_what_did_not_follow_within_a_second_is_told_and_released(self):
        for changes, result in (
            ({"delay_ms": 1500}, STILL_CLOSED),
            ({"flowing_after": True}, STILL_FLOWING),
        ):
            with self.subTest(result=result):
                bench = RackBench()
                for name in changes:
                    setattr(bench, name, changes[name])
                bench.test.order(0)
                bench.step()
                bench.run_ms(EFFECT_MS - 10)
                self.assertEqual((bench.test.result, bench.test.hold_open), (RUNNING, True))
                bench.run_ms(10)
                self.assertEqual((bench.test.result, bench.test.hold_open), (result, False))

    def test_data_from_before_the_relay_are_no_result(self):
        bench = RackBench()
        bench.test.order(0)
        bench.step()
        bench.answers = False
        bench.view.reads_open = True  # of the same old sample
        bench.run_ms(EFFECT_MS)
        self.assertEqual(bench.test.result, NO_DATA)

    def test_data_asked_for_one_millisecond_after_the_relay_count(self):
        bench = RackBench()
        bench.test.order(0)
        bench.step()
        bench.answers = False
        bench.view.show(bench.clock.advance(1), True, True)
        bench.step()
        self.assertEqual(bench.test.result, PASSED)

    def test_data_that_came_and_went_are_no_data(self):
        bench = RackBench(delay_ms=5000)
        bench.test.order(0)
        bench.step()
        bench.run_ms(500)
        bench.answers = False
        bench.view.lose()
        bench.run_ms(500)
        self.assertEqual(bench.test.result, NO_DATA)

    def test_an_opening_takes_over(self):
        bench = RackBench()
        bench.test.order(0)
        bench.step()
        bench.permit = False
        bench.run_ms(10)
        self.assertEqual((bench.test.result, bench.test.hold_open), (ABORTED, False))

    def test_one_at_a_time(self):
        bench = RackBench()
        self.assertTrue(bench.test.order(0))
        self.assertFalse(bench.test.order(1))
        bench.step()
        self.assertFalse(bench.test.order(1))
        bench.run_ms(500)
        self.assertEqual(bench.test.rack, 0)
        self.assertTrue(bench.test.order(1))


class InputTestTest(unittest.TestCase):
    def setUp(self):
        self.clock = HandClock(0x3FFFFFC0)
        self.test = InputTest()

    def play(self, levels):
        for level in levels:
            self.test.step(level, self.clock.advance(50))
        return self.test.result

    def test_change_and_return_pass_for_either_normal_level(self):
        for normal in (True, False):
            self.assertTrue(self.test.order(normal, 10000, self.clock.ticks()))
            self.assertEqual(self.play([normal] * 5 + [not normal] * 3), RUNNING)
            self.assertEqual(self.play([normal] * 2), RUNNING)
            self.assertEqual(self.play([normal]), PASSED)

    def test_bounce_is_neither_change_nor_return(self):
        self.test.order(True, 10000, self.clock.ticks())
        self.play([False, False, True] * 20)
        self.play([False] * 3)
        self.assertEqual(self.play([True, True, False] * 20), RUNNING)

    def test_no_change_in_time(self):
        self.test.order(True, 1000, self.clock.ticks())
        self.assertEqual(self.play([True] * 19), RUNNING)
        self.assertEqual(self.play([True]), UNCHANGED)

    def test_stuck_after_the_change(self):
        self.test.order(True, 1000, self.clock.ticks())
        self.assertEqual(self.play([False] * 20), NOT_BACK)

    def test_withdrawn_is_no_verdict_and_a_verdict_stays(self):
        self.test.withdraw()
        self.assertEqual(self.test.result, NONE)
        self.test.order(True, 1000, self.clock.ticks())
        self.test.withdraw()
        self.assertEqual(self.play([False] * 3 + [True] * 3), WITHDRAWN)
        self.test.order(True, 1000, self.clock.ticks())
        self.play([False] * 3 + [True] * 3)
        self.test.withdraw()
        self.assertEqual(self.test.result, PASSED)

    def test_a_change_that_was_seen_before_the_order_needs_only_the_return(self):
        self.test.order(False, 1000, self.clock.ticks(), True)
        self.assertTrue(self.test.changed)
        self.assertEqual(self.play([True, True, False, False]), RUNNING)
        self.assertEqual(self.play([False]), PASSED)

    def test_one_at_a_time_and_again_after_the_end(self):
        self.assertTrue(self.test.order(True, 1000, self.clock.ticks()))
        self.assertFalse(self.test.order(False, 1000, self.clock.ticks()))
        self.play([True] * 20)
        self.assertTrue(self.test.order(False, 1000, self.clock.ticks()))
        self.assertEqual(self.play([True] * 3 + [False] * 3), PASSED)

    def test_what_one_test_saw_does_not_help_the_next(self):
        self.assertEqual((self.test.result, self.test.changed), (NONE, False))
        self.test.order(True, 1000, self.clock.ticks())
        self.assertEqual(self.play([True] * 18 + [False] * 2), UNCHANGED)
        self.test.order(True, 150, self.clock.ticks())
        self.assertEqual(self.play([False] * 2 + [True]), UNCHANGED)

    def test_after_the_end_nothing_changes_the_result(self):
        self.test.order(True, 1000, self.clock.ticks())
        self.play([True] * 20)
        self.assertEqual(self.play([False] * 3 + [True] * 3), UNCHANGED)


NAMES = ["relay rack01", "relay rack02", "input smoke"]


class ProofRecordsTest(unittest.TestCase):
    def records(self, storage, names=NAMES):
        return ProofRecords(storage, names, 180)

    def test_what_was_never_tested_is_due(self):
        records = self.records(MemoryStorage())
        self.assertEqual(records.due(UTC_MS, True), NAMES)
        self.assertEqual(records.last(NAMES[0]), (0, NONE, False))
        self.assertFalse(records.damaged)

    def test_results_and_dates_outlive_a_restart(self):
        storage = MemoryStorage()
        self.assertTrue(self.records(storage).note(NAMES[1], PASSED, UTC_MS, True))
        records = self.records(storage)
        self.assertEqual(records.last(NAMES[1]), (UTC_MS // 1000, PASSED, True))
        self.assertEqual(records.due(UTC_MS, True), [NAMES[0], NAMES[2]])

    def test_days_left_count_down_to_due(self):
        records = self.records(MemoryStorage())
        records.note(NAMES[0], PASSED, UTC_MS, True)
        for after_ms, days in (
            (0, 180), (1, 180), (DAY_MS, 179), (179 * DAY_MS, 1), (180 * DAY_MS - 1000, 1),
            (180 * DAY_MS, 0), (400 * DAY_MS, 0), (-1000, 0),
        ):  # fmt: skip
            self.assertEqual(records.days_left(NAMES[0], UTC_MS + after_ms, True), days, after_ms)

    def test_a_failure_is_due_again_whatever_passed_before(self):
        records = self.records(MemoryStorage())
        records.note(NAMES[0], PASSED, UTC_MS, True)
        records.note(NAMES[0], STILL_CLOSED, UTC_MS + DAY_MS, True)
        self.assertEqual(records.days_left(NAMES[0], UTC_MS + DAY_MS, True), 0)

    def test_a_date_nobody_knows_is_no_date(self):
        records = self.records(MemoryStorage())
        records.note(NAMES[0], PASSED, 5000, False)
        records.note(NAMES[1], PASSED, UTC_MS, True)
        self.assertEqual(records.days_left(NAMES[0], 6000, True), 0)
        self.assertEqual(records.days_left(NAMES[1], UTC_MS, False), 0)

    def test_a_rack_more_or_less_costs_no_other_its_date(self):
        storage = MemoryStorage()
        records = self.records(storage)
        for number in range(3):
            records.note(NAMES[number], PASSED, UTC_MS + 1000 * number, True)
        changed = self.records(storage, ["relay new", NAMES[2], NAMES[0]])
        self.assertEqual(changed.due(UTC_MS + 5000, True), ["relay new"])
        self.assertEqual(changed.last(NAMES[2])[0], UTC_MS // 1000 + 2)

    def test_any_damage_counts_as_never_tested(self):
        storage = MemoryStorage()
        self.records(storage).note(NAMES[0], PASSED, UTC_MS, True)
        good = storage.files["prooftests"]
        damaged = [good[:length] for length in range(len(good))]
        for index in range(len(good)):
            bad = bytearray(good)
            bad[index] ^= 0x10
            damaged.append(bytes(bad))
        for content in damaged:
            storage.files["prooftests"] = content
            records = self.records(storage)
            self.assertTrue(records.damaged)
            self.assertEqual(records.due(UTC_MS, True), NAMES)

    def test_a_whole_file_of_another_form_counts_as_damaged(self):
        one = struct.pack("<IIBB", 1, 2, PASSED, 1)
        for head, body in (((0x5450, 2), one), ((0x5450, 0), one), ((0x5451, 1), one)):
            content = struct.pack("<HH", *head) + body
            content += struct.pack("<I", binascii.crc32(content))
            self.assertTrue(self.records(MemoryStorage({"prooftests": content})).damaged)
        content = struct.pack("<HH", 0x5450, 1) + one
        content += struct.pack("<I", binascii.crc32(content))
        self.assertFalse(self.records(MemoryStorage({"prooftests": content})).damaged)

    def test_power_cut_at_any_operation_keeps_old_or_new(self):
        for cut in range(1, 8):
            storage = MemoryStorage()
            records = self.records(storage)
            records.note(NAMES[0], PASSED, UTC_MS, True)
            storage.operations = 0
            storage.fail_after = cut
            kept = records.note(NAMES[0], STILL_CLOSED, UTC_MS, True)
            after = self.records(MemoryStorage(storage.files))
            self.assertFalse(after.damaged)
            self.assertIn(after.last(NAMES[0])[1], (PASSED, STILL_CLOSED))
            self.assertEqual(records.write_errors, 0 if kept else 1)
            if kept:
                self.assertEqual(after.last(NAMES[0])[1], STILL_CLOSED)

    def test_a_dead_flash_is_no_reason_to_fail(self):
        storage = MemoryStorage()
        storage.dead = True
        records = self.records(storage)
        self.assertTrue(records.damaged)
        self.assertFalse(records.note(NAMES[0], PASSED, UTC_MS, True))
        self.assertEqual(records.days_left(NAMES[0], UTC_MS, True), 180)


class NamesTest(unittest.TestCase):
    def test_every_result_has_a_name_and_only_tests_are_verdicts(self):
        names = (
            (NONE, "none"),
            (WAITING, "waiting"),
            (RUNNING, "running"),
            (PASSED, "passed"),
            (STILL_CLOSED, "contactor still reads closed"),
            (STILL_FLOWING, "current still flows"),
            (NO_DATA, "no data in time"),
            (UNCHANGED, "did not change"),
            (NOT_BACK, "did not come back"),
            (ABORTED, "given up, the rack had to open"),
            (NOT_CLOSED, "not begun, the rack is not closed"),
            (NOT_AT_REST, "not begun, current flows"),
            (EXPIRED, "not begun, nobody pushed the reset button in time"),
            (WITHDRAWN, "withdrawn"),
        )
        self.assertEqual([number for number, _ in names], list(range(len(names))))
        self.assertEqual(tuple([name for _, name in names]), RESULT_NAMES)
        for result in (
            NONE, WAITING, RUNNING, ABORTED, NOT_CLOSED, NOT_AT_REST, EXPIRED, WITHDRAWN
        ):  # fmt: skip
            self.assertFalse(is_verdict(result))
        for result in (PASSED, STILL_CLOSED, STILL_FLOWING, NO_DATA, UNCHANGED, NOT_BACK):
            self.assertTrue(is_verdict(result))


if __name__ == "__main__":
    unittest.main()
