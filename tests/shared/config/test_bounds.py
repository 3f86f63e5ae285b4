"""How loose a configuration may be, and what it says to a person who went too far."""

import unittest

from config_edits import changed, refusal
from peak_bench import PeakBench
from sample_site import settings, tree

from gateway.config.rules import LEVELS, LONGEST_MS, NAME, NONE, REACTIONS, RULES

_RESET = [{"name": "reset", "number": 0, "role": "reset"}]
_MINUTE_MS = 60000
# A limit that is ignored is no danger by itself: the over-current rules stand behind it.
_MORE_THAN_TEN = ("limit_not_respected",)


class BoundsTest(unittest.TestCase):
    # (entry, value, what the refusal must say)
    TOO_LOOSE = (
        ("limits.cell_overvoltage.l2.delay_ms", 120000, "delay_ms: 120000 is above 20000 ms"),
        ("limits.cell_overvoltage.l2.delay_ms", 20001, "delay_ms: 20001 is above 20000 ms"),
        ("limits.smoke.l2.delay_ms", 60001, "limits.smoke.l2.delay_ms: 60001 is above 60000 ms"),
        ("limits.gas.l2.delay_ms", 1001, "limits.gas.l2.delay_ms: 1001 is above 1000 ms"),
        ("limits.comm_loss.l2.delay_ms", 1, "limits.comm_loss.l2.delay_ms: 1 is above 0 ms"),
        ("limits.bad_cells.l3.set", 3, "limits.bad_cells.l3.set: 3 is outside 1..2"),
        ("limits.bad_cells.l3.delay_ms", 10001, "delay_ms: 10001 is above 10000 ms"),
        ("limits.temp_spread.l2.set", 201, "limits.temp_spread.l2.set: 201 is outside"),
        ("limits.rack_overvoltage.l3.set", 14901, "14901 is outside 1000..14900"),
        ("limits.discharge_overtemperature.l3.set", 651, "651 is outside 200..650"),
        ("capacity_dah", 16384, "capacity_dah: 16384 is outside 100..16383"),
    )

    def test_what_is_too_loose_is_refused_with_name_and_number(self):
        for path, value, said in self.TOO_LOOSE:
            with self.subTest(path=path, value=value):
                self.assertIn(said, refusal(changed(path, value)))

    def test_no_level_2_or_3_waits_much_longer_than_its_default(self):
        limits = tree()["limits"]
        for row in RULES:
            for number in (1, 2):
                if row[REACTIONS][number] == NONE:
                    continue
                name = "%s.%s" % (row[NAME], LEVELS[number])
                default_ms = limits[row[NAME]][LEVELS[number]]["delay_ms"]
                longest_ms = row[LONGEST_MS][number - 1]
                with self.subTest(level=name):
                    self.assertTrue(default_ms <= longest_ms <= _MINUTE_MS)
                    if default_ms and row[NAME] not in _MORE_THAN_TEN:
                        self.assertTrue(longest_ms <= max(10 * default_ms, 1000))

    def test_every_capacity_that_is_accepted_has_a_peak_budget(self):
        loaded = settings(capacity_dah=16383)
        budget = PeakBench(loaded.integer("charge_current_da"), loaded.integer("capacity_dah"))
        self.assertEqual(budget.step(32766, True, 10000), 333)

    def test_a_site_that_nobody_could_reset_is_refused(self):
        said = "inputs: none has the role reset"
        self.assertIn(said, refusal(changed("inputs", [])))
        estop = {"name": "estop", "number": 1, "role": "estop"}
        self.assertIn(said, refusal(changed("inputs", [estop])))
        key = {"name": "key", "number": 2, "role": "service_key"}
        self.assertIn(said, refusal(changed("inputs", [estop, key])))
        absent = tree()
        del absent["inputs"]
        self.assertIn(said, refusal(absent))
        self.assertEqual(settings(inputs=[], commands={"acknowledge": 1}).inputs, [])
        self.assertEqual(len(settings(inputs=_RESET).inputs), 1)


class MessagesTest(unittest.TestCase):
    # (entry, value, what the refusal must say)
    SAID = (
        ("racks.1.trip_relay", 0, "racks: rack01 and rack02 have the same trip_relay 0"),
        ("racks.0.unit", 300, "rack01: racks[0].unit: 300 is outside"),
        (
            "inputs",
            _RESET + [{"name": "door", "number": 0, "role": "door"}],
            "inputs: reset and door have the same number 0",
        ),
        ("outputs.site_relay", 1, "outputs.site_relay: relay 1 is the trip relay of rack02"),
        ("limits.cell_overvolt", {}, "limits.cell_overvolt: no such rule; near: cell_overvoltage"),
        ("limits.sum", {}, "limits.sum: no such rule; near: voltage_sum"),
        ("limits.cell_overvoltage.l3.setpoint", 1, "l3.setpoint: no such key; there are: set, cl"),
        ("limits.cell_overvoltage", [1], "cell_overvoltage: needs levels, like [limits.cell_ov"),
        ("limits.cell_overvoltage.l3", 3640, "limits.cell_overvoltage.l3: needs set, clear, del"),
        ("limits.cell_overvoltage.l3", {"set": 3640}, "limits.cell_overvoltage.l3.clear: missing"),
        ("outputs.shared_dc_bus", True, "outputs.shared_dc_bus: needs 0 or 1, has True"),
        (
            "outputs.shared_dc_buss",
            1,
            "outputs.shared_dc_buss: no such setting; near: outputs.sha",
        ),
    )

    def test_a_problem_says_which_entry_and_what_it_needs(self):
        for path, value, said in self.SAID:
            with self.subTest(path=path, value=value):
                self.assertIn(said, refusal(changed(path, value)))

    def test_a_curve_that_must_follow_a_tightened_limit_is_told_with_the_number(self):
        entries = changed("limits.cell_overvoltage.l2.set", 3550)
        self.assertIn(
            "curves.charge_by_cell_max_mv: grants 346 at 3550, where cell_overvoltage stops",
            refusal(entries),
        )


if __name__ == "__main__":
    unittest.main()
