import unittest

from sample_site import settings

from gateway.protection import rules
from gateway.protection.shared_settings import SharedSettings


class ColdLimitTest(unittest.TestCase):
    def test_between_warm_and_cold_points_are_whole_on_the_stricter_side(self):
        """Turned by side: lower is stricter. 503 mV over 50 steps are no whole number each."""
        shared = SharedSettings(settings())
        cold = shared.cold_limit
        first = shared.thresholds.first[rules.CELL_UNDERVOLTAGE]
        for table, point in (("set_points", cold.set_point), ("clear_points", cold.clear_point)):
            getattr(shared.thresholds, table)[first] = -2503
            getattr(shared._cold, table)[0] = -2000
            found = [
                point(1, cold.way(hottest_dc)) for hottest_dc in (10, 0, -1, -7, -49, -50, -60)
            ]
            self.assertEqual(found, [-2503, -2503, -2493, -2433, -2011, -2000, -2000])


if __name__ == "__main__":
    unittest.main()
