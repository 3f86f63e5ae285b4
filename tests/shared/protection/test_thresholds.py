"""Two copies of every set point: any bit that flips shows within one round, again and again."""

import unittest

from gateway.config.limits import Limit
from gateway.protection.thresholds import Thresholds

TABLES = ("set_points", "clear_points", "delays", "clear_ms", "levels", "first", "sides", "lowest")
COUNT = 40
ROUND = 3  # checks that come round to all of them


def thresholds():
    limit = Limit(3650, 3450, 1000, 2000)
    return Thresholds(
        [(limit, 1), (limit, 1), (None, 1), (None, -1), (limit, -1), (limit, -1)] * 10
    )


class CheckTest(unittest.TestCase):
    def found_after(self, table, index, checks_before):
        """How many more checks it takes to see a bit that flips then; 0 = not seen."""
        made = thresholds()
        for _ in range(checks_before):
            self.assertTrue(made.check_some())
        getattr(made, table)[index] ^= 1
        for number in range(1, ROUND + 1):
            if not made.check_some():
                return number
        return 0

    def test_any_entry_of_any_table_within_a_round(self):
        for table in TABLES:
            for index in range(len(getattr(thresholds(), table))):
                for before in (0, 1, ROUND, 2 * ROUND + 2):
                    found = self.found_after(table, index, before)
                    self.assertTrue(1 <= found <= ROUND, (table, index, before))

    def test_a_check_looks_at_a_part_only(self):
        numbers = {self.found_after("delays", index, 0) for index in range(COUNT)}
        self.assertEqual(numbers, {1, 2, 3})

    def test_nothing_is_wrong_at_first_and_stays_so(self):
        made = thresholds()
        for _ in range(5 * ROUND):
            self.assertTrue(made.check_some())


class NumberTest(unittest.TestCase):
    def test_only_levels_that_exist_have_a_number(self):
        made = thresholds()
        self.assertEqual(
            [len(getattr(made, table)) for table in TABLES], [COUNT] * 5 + [21, 20, 20]
        )
        self.assertEqual([made.number(2, level) for level in (1, 2, 3)], [4, 5, -1])
        self.assertEqual([made.number(3, level) for level in (1, 2, 3)], [-1, 6, 7])
        self.assertEqual((made.sides[2], made.sides[3]), (1, -1))
        self.assertEqual((made.set_points[4], made.set_points[6]), (3650, -3650))


class SizeTest(unittest.TestCase):
    def test_as_many_levels_as_a_byte_counts_and_no_more(self):
        limit = Limit(2, 1, 0, 0)
        made = Thresholds([(limit, 1)] * 127)
        self.assertEqual((made.first[-1], len(made.levels), len(made.sides)), (127, 127, 43))
        with self.assertRaises(ValueError) as caught:
            Thresholds([(limit, 1)] * 128)
        self.assertEqual(str(caught.exception), "128 levels are more than 127")


class DelayTest(unittest.TestCase):
    def test_delays_are_less_the_resolution_of_time_and_only_none_is_none(self):
        for delay_ms, half_ms in ((0, 0), (1, 2), (5, 2), (6, 2), (7, 4), (1000, 1990)):
            made = Thresholds([(Limit(2, 1, delay_ms, 0), 1)])
            self.assertEqual(made.delays[0], half_ms, delay_ms)


if __name__ == "__main__":
    unittest.main()
