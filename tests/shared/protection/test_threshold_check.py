"""The limits set in a BMS against those of the gateway."""

import unittest

from gateway.protection.threshold_check import RULE_OF, differences
from gateway.rack.data import ABSENT
from gateway.rack.threshold_names import QUANTITIES, split


class Level:
    def __init__(self, set_point):
        self.set_point = set_point


def levels(*set_points):
    return tuple([None if each is None else Level(each) for each in set_points])


LIMITS = {
    "cell_overvoltage": levels(3500, 3600, 3650),
    "cell_undervoltage": levels(2900, 2800, 2500),
    "charge_undertemperature": levels(50, 0, None),
    "insulation": levels(1480, 738, 200),
}


def found(*pairs):
    return differences([name for name, _ in pairs], [value for _, value in pairs], LIMITS)


class NameTest(unittest.TestCase):
    def test_a_name_says_what_it_is(self):
        self.assertEqual(split("level2_cell_over_set_mv"), (2, "cell_over", "set"))
        self.assertEqual(split("pre_temp_spread_clear_dc"), (0, "temp_spread", "clear"))
        for name in (
            "cell_over_set_mv", "level2_cell_over_mv", "level3_cell_over_set_mv",
            "level2_cell_set_mv", "level2_soc_low_hold_pm", "", "level1_set_mv",
        ):  # fmt: skip
            self.assertIsNone(split(name), name)

    def test_every_rule_belongs_to_a_known_quantity(self):
        known = [name for name, _ in QUANTITIES]
        for quantity in RULE_OF:
            self.assertIn(quantity, known)


class RuleTest(unittest.TestCase):
    """Each quantity of a BMS is compared with its own rule."""

    # name of a threshold, the gateway's rule, one step looser than 100
    NAMES = (
        ("level2_cell_over_set_mv", "cell_overvoltage", 101),
        ("level2_cell_under_set_mv", "cell_undervoltage", 99),
        ("level2_rack_over_set_dv", "rack_overvoltage", 101),
        ("level2_rack_under_set_dv", "rack_undervoltage", 99),
        ("level2_charge_over_set_da", "charge_overcurrent", 101),
        ("level2_discharge_over_set_da", "discharge_overcurrent", 101),
        ("level2_charge_hot_set_dc", "charge_overtemperature", 101),
        ("level2_charge_cold_set_dc", "charge_undertemperature", 99),
        ("level2_discharge_hot_set_dc", "discharge_overtemperature", 101),
        ("level2_discharge_cold_set_dc", "discharge_undertemperature", 99),
        ("level2_insulation_set_kohm", "insulation", 99),
        ("level2_cell_spread_set_mv", "voltage_spread", 101),
        ("level2_temp_spread_set_dc", "temp_spread", 101),
    )

    def test_one_by_one(self):
        self.assertEqual(len(self.NAMES), len(RULE_OF))
        for name, rule, looser in self.NAMES:
            limits = {rule: levels(None, None, 100)}
            self.assertEqual(differences([name], [100], limits), [], name)
            self.assertEqual(differences([name], [looser], limits), [(name, looser, 100)])


class DifferenceTest(unittest.TestCase):
    def test_as_strict_as_the_gateway_is_no_difference(self):
        self.assertEqual(
            found(
                ("pre_cell_over_set_mv", 3550), ("level1_cell_over_set_mv", 3600),
                ("level2_cell_over_set_mv", 3650), ("level2_cell_over_clear_mv", 3600),
                ("level2_cell_under_set_mv", 2500), ("level2_insulation_set_kohm", 200),
            ),
            [],
        )  # fmt: skip

    def test_looser_than_level_3_on_either_side(self):
        self.assertEqual(
            found(
                ("level2_cell_over_set_mv", 3651),
                ("level2_cell_under_set_mv", 2499),
                ("level2_insulation_set_kohm", 199),
            ),
            [
                ("level2_cell_over_set_mv", 3651, 3650),
                ("level2_cell_under_set_mv", 2499, 2500),
                ("level2_insulation_set_kohm", 199, 200),
            ],
        )

    def test_a_lower_level_may_not_be_looser_than_a_higher_one(self):
        self.assertEqual(
            found(
                ("pre_cell_over_set_mv", 3550), ("level1_cell_over_set_mv", 3640),
                ("level2_cell_over_set_mv", 3600),
            ),
            [("level1_cell_over_set_mv", 3640, 3600)],
        )  # fmt: skip
        for value, named in ((3600, False), (3601, True)):
            told = found(("level1_cell_over_set_mv", value), ("level2_cell_over_set_mv", 3600))
            self.assertEqual(bool(told), named, value)
        self.assertEqual(
            found(("pre_soc_low_set_pm", 50), ("level2_soc_low_set_pm", 100)),
            [("pre_soc_low_set_pm", 50, 100)],  # without a rule of the gateway
        )

    def test_a_clear_point_beyond_its_set_point(self):
        self.assertEqual(
            found(("pre_cell_under_set_mv", 2800), ("pre_cell_under_clear_mv", 2799)),
            [("pre_cell_under_clear_mv", 2799, 2800)],
        )
        self.assertEqual(
            found(("pre_cell_under_set_mv", 2800), ("pre_cell_under_clear_mv", 2800)), []
        )

    def test_what_is_unknown_tells_nothing(self):
        self.assertEqual(
            found(
                ("level2_cell_over_set_mv", ABSENT), ("level1_cell_over_set_mv", 3640),
                ("level1_cell_under_clear_mv", 1), ("level2_cell_under_set_mv", ABSENT),
                ("level2_charge_cold_set_dc", -900),  # no level 3 to compare with
                ("level2_rack_over_set_dv", 30000),  # no limits known
                ("something_else", 5),
            ),
            [],
        )  # fmt: skip


if __name__ == "__main__":
    unittest.main()
