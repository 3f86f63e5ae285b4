import unittest

from gateway.protection import power_up_test


class PowerUpTest(unittest.TestCase):
    def test_a_sound_machine_passes(self):
        self.assertEqual(power_up_test.problem(), "")

    def test_each_wrong_answer_is_named(self):
        for broken in power_up_test._TESTS:
            tests = power_up_test._TESTS
            wrong = [(each[0], (lambda: False) if each is broken else each[1]) for each in tests]
            power_up_test._TESTS = tuple(wrong)
            try:
                self.assertIn(broken[0], power_up_test.problem())
            finally:
                power_up_test._TESTS = tests

    def test_a_detector_that_compares_wrong_is_found(self):
        right = power_up_test.Detectors.step

        def greater(bank, number, value, set_point, clear_point, elapsed_ms, gap):
            return right(bank, number, value - 1, set_point, clear_point, elapsed_ms, gap)

        power_up_test.Detectors.step = greater
        try:
            self.assertIn("a detector", power_up_test.problem())
        finally:
            power_up_test.Detectors.step = right


if __name__ == "__main__":
    unittest.main()
