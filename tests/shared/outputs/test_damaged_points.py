"""Numbers that all racks are judged by: a bit of them that flips must not hide a trip."""

import unittest

from enforcer_bench import ARM_MS, Site

from gateway.protection import rules, shared_settings


def closed():
    site = Site()
    site.run_until(lambda: site.closed() == (1, 1), ARM_MS + 2000)
    return site


class PointsTest(unittest.TestCase):
    def opens(self, damage):
        """`damage(shared)` is found within a second, and everything is open then."""
        site = closed()
        damage(site.protections[0].settings)
        waited_ms = site.run_until(lambda: site.closed() == (0, 0), 2000)
        self.assertTrue(waited_ms <= 1000, waited_ms)
        self.assertTrue(site.enforcer.self_check.problem)

    def test_a_lowest_point_that_moves_up_hides_no_trip(self):
        """Below it a value is not judged at all."""
        for rule in (0, rules.CELL_OVERVOLTAGE, rules.RACK_RULES - 1):

            def damage(shared, rule=rule):
                shared.thresholds.lowest[rule] |= 1 << 29

            self.opens(damage)

    def test_every_rule_has_one_at_or_below_all_its_set_points(self):
        points = closed().protections[0].thresholds
        for rule in range(rules.RACK_RULES):
            least = min(points.set_points[points.first[rule] : points.first[rule + 1]])
            self.assertEqual(points.lowest[rule], least, rules.NAMES[rule])

    def test_a_point_of_a_cold_rack_that_flips_a_bit_opens(self):
        """Turned by side -2000 mV: a higher one would let cells go deeper."""
        for table in ("set_points", "clear_points"):
            for index in range(rules.LEVEL_COUNT):

                def damage(shared, table=table, index=index):
                    getattr(shared._cold, table)[index] ^= 1 << 9

                self.opens(damage)

    def test_a_rating_or_another_shared_number_that_flips_a_bit_opens(self):
        for name in shared_settings._NUMBERS:

            def damage(shared, name=name):
                setattr(shared, name, getattr(shared, name) ^ 1 << 8)

            self.opens(damage)

    def test_a_peak_budget_or_a_curve_that_flips_a_bit_opens(self):
        def heat(shared):
            shared.discharge_budget._per_pm ^= 1 << 24

        def continuous(shared):
            shared.charge_budget._continuous_da ^= 1 << 12

        def share(shared):
            shared.curves[0]._share_pm[-1] ^= 1 << 9

        for damage in (heat, continuous, share):
            self.opens(damage)


if __name__ == "__main__":
    unittest.main()
