"""Who asks for a reset, names of what limits, latches that are lost on a dead flash."""

import unittest

from fake_hardware import MemoryStorage
from protection_bench import Bench, Inputs
from sample_site import settings

from gateway.config.curves import CURVES
from gateway.errors import StorageError
from gateway.protection import rules
from gateway.protection.decision import limiter
from gateway.protection.latch_store import LatchStore, mark_lost
from gateway.protection.latches import (
    AUTOMATIC_RELEASES,
    BY_OPERATOR,
    BY_SERVICE,
    RELEASED,
    STILL_HOLDS,
    Latches,
)
from gateway.protection.reset_inputs import NOBODY, ResetInputs
from gateway.rack import data as slots
from gateway.rack.data import ABSENT, TEMP_ABSENT

WIRED = [
    {"name": "reset", "number": 0, "role": "reset"},
    {"name": "reset-2", "number": 1, "role": "reset"},
    {"name": "key", "number": 2, "role": "service_key"},
    {"name": "key-2", "number": 3, "role": "service_key"},
]


class ResetInputsTest(unittest.TestCase):
    def setUp(self):
        self.inputs = Inputs()
        for number, level in enumerate((False, False, False, False)):
            self.inputs.levels[number] = level
        self.resets = ResetInputs(settings(inputs=WIRED).inputs, self.inputs)
        self.assertEqual(self.steps(3), [NOBODY] * 3)

    def steps(self, count):
        return [self.resets.step() for _ in range(count)]

    def test_nobody_is_no_identity(self):
        self.assertFalse(NOBODY in (BY_OPERATOR, BY_SERVICE))

    def test_a_push_counts_once(self):
        self.inputs.levels[0] = True
        self.assertEqual(self.steps(5), [NOBODY, NOBODY, BY_OPERATOR, NOBODY, NOBODY])

    def test_so_does_one_of_the_other_button(self):
        self.inputs.levels[1] = True
        self.assertEqual(self.steps(4), [NOBODY, NOBODY, BY_OPERATOR, NOBODY])

    def test_either_key_makes_it_service(self):
        for number in (2, 3):
            self.inputs.levels[number] = True
            self.inputs.levels[0] = True
            self.assertEqual(self.steps(3)[2], BY_SERVICE)
            self.inputs.levels[number] = False
            self.inputs.levels[0] = False
            self.steps(1)

    def test_a_key_alone_asks_for_nothing(self):
        self.inputs.levels[2] = True
        self.assertEqual(self.steps(5), [NOBODY] * 5)


class LimiterTest(unittest.TestCase):
    def test_the_numbers_that_records_carry(self):
        numbers = (rules.BY_CURVE, rules.BY_BMS, rules.BY_RAMP, rules.BY_START, rules.BY_ORDER)
        self.assertEqual(numbers, (100, 200, 201, 202, 203))
        self.assertEqual((rules.NO_RULE, rules.LEVEL_COUNT), (255, 3))
        self.assertEqual((rules.name(rules.NO_RULE), rules.name(0)), ("", "cell_overvoltage"))
        last = rules.RULE_COUNT - 1
        self.assertEqual((rules.name(last), rules.name(last + 1)), ("coolant", ""))

    def test_every_limiter_has_its_name(self):
        self.assertEqual(limiter(rules.NO_RULE), "")
        self.assertEqual(limiter(rules.BY_BMS), "bms")
        self.assertEqual(limiter(rules.BY_RAMP), "ramp")
        self.assertEqual(limiter(rules.BY_START), "start")
        self.assertEqual(limiter(rules.BY_ORDER), "order")
        self.assertEqual(limiter(rules.CELL_OVERVOLTAGE), "cell_overvoltage")
        self.assertEqual(limiter(rules.COOLANT), "coolant")
        for number in range(len(CURVES)):
            self.assertEqual(limiter(rules.BY_CURVE + number), CURVES[number][0])

    def test_a_limit_of_the_bms_that_is_missing_counts_as_before(self):
        bench = Bench()
        bench.put({slots.CHARGE_LIMIT_DA: 1, slots.DISCHARGE_LIMIT_DA: 2})
        bench.fresh(5000)
        decision = bench.decision
        self.assertEqual((decision.charge_limit_da, decision.discharge_limit_da), (1, 2))
        bench.put({slots.CHARGE_LIMIT_DA: ABSENT, slots.DISCHARGE_LIMIT_DA: ABSENT})
        bench.fresh(500)
        self.assertEqual((decision.charge_limit_da, decision.discharge_limit_da), (1, 2))
        self.assertEqual((limiter(decision.charge_by), limiter(decision.discharge_by)), (
            "bms", "bms"))  # fmt: skip


class LostLatchesTest(unittest.TestCase):
    def store(self, storage):
        latches = [Latches(0, rules.RACK_RULES), Latches(rules.RACK_RULES, 6)]
        return LatchStore(storage, ["a"], latches), latches

    def test_a_flash_that_takes_no_note_has_no_file_either(self):
        storage = MemoryStorage()
        storage.fail_after = 0
        mark_lost(storage)
        storage.fail_after = -1
        storage.dead = False
        with self.assertRaises(StorageError):
            self.store(storage)[0].load(False)

    def test_a_note_of_the_loss_is_no_latch_file(self):
        storage = MemoryStorage()
        mark_lost(storage)
        with self.assertRaises(StorageError):
            self.store(storage)[0].load(False)

    def test_then_everything_that_can_latch_holds(self):
        store, latches = self.store(MemoryStorage())
        store.hold_all()
        self.assertTrue(latches[0].held(rules.CELL_OVERVOLTAGE))
        self.assertTrue(latches[1].held(rules.SMOKE))
        self.assertFalse(latches[0].held(rules.COMM_LOSS))
        self.assertTrue(store.changed)

    def test_a_counter_of_trips_stops_beyond_the_last_release(self):
        latches = Latches(0, rules.RACK_RULES)
        rule = rules.CHARGE_OVERCURRENT
        for _ in range(AUTOMATIC_RELEASES + 3):
            latches.trip(rule)
            latches.cleared(rule)
        self.assertEqual(latches.trips(rule), AUTOMATIC_RELEASES + 1)
        self.assertEqual(latches.held(rule), 1)

    def test_what_comes_back_is_one_or_nothing(self):
        latches = Latches(0, rules.RACK_RULES)
        kept = bytearray(2 * rules.RACK_RULES)
        kept[rules.CELL_OVERVOLTAGE] = 0x80
        latches.restore(kept, 0)
        self.assertEqual(latches.held(rules.CELL_OVERVOLTAGE), 1)
        self.assertTrue(latches.sound)


class SensorTest(unittest.TestCase):
    def test_a_sensor_that_never_was_is_not_lost(self):
        bench = Bench()
        bench.fresh(1000)
        bench.scan_temps([250, TEMP_ABSENT])
        bench.scan_cells([3300] * 4)
        self.assertEqual(bench.protection.quantities.values[rules.BAD_CELLS], 0)
        bench.scan_temps([TEMP_ABSENT, TEMP_ABSENT])
        bench.scan_cells([3300] * 4)
        self.assertEqual(bench.protection.quantities.values[rules.BAD_CELLS], 1)


class UnjudgedTest(unittest.TestCase):
    def test_a_spread_that_cannot_be_measured_any_more_is_for_service(self):
        bench = Bench()
        rule = rules.VOLTAGE_SPREAD
        bench.put({slots.CELL_MIN_MV: 2805})
        bench.fresh(6000)
        protection = bench.protection
        self.assertEqual(bench.level_of("voltage_spread"), 3)
        now = bench.clock.ticks()
        self.assertEqual(protection.reset(BY_SERVICE, now), STILL_HOLDS)
        bench.put({slots.CELL_MEAN_MV: 3100, slots.RACK_VOLTAGE_DV: 31 * 208})
        bench.fresh(500)
        now = bench.clock.ticks()
        self.assertEqual(protection.reset(BY_OPERATOR, now), STILL_HOLDS)
        self.assertEqual((protection.levels[rule], protection.latches.held(rule)), (3, 1))
        self.assertEqual(protection.reset(BY_SERVICE, now), RELEASED)
        self.assertEqual((protection.levels[rule], protection.latches.held(rule)), (0, 0))
        self.assertTrue(bench.decision.permit)


if __name__ == "__main__":
    unittest.main()
