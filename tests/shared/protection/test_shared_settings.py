"""What all racks are judged by: one object, so a bit of it that flips is wrong for every rack."""

import unittest
from array import array

from protection_bench import Bench
from sample_site import settings, tree

from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots

CHECKS = 20  # within a second: one every 50 ms
PLACE = "_checked"  # where the next check begins: moved, it must not end the checking


def integers(thing, path, seen):
    """(path, container, key) of every integer that can be reached from `thing`."""
    if id(thing) in seen:
        return []
    seen[id(thing)] = thing
    if isinstance(thing, (list, tuple, array)):
        keys = range(len(thing))
        values = thing
    elif hasattr(thing, "__dict__") and not isinstance(thing, type):
        keys = sorted(thing.__dict__)
        values = thing.__dict__
    else:
        return []
    found = []
    for key in keys:
        value = values[key]
        where = "%s.%s" % (path, key)
        if isinstance(value, int):
            found.append((where, thing, key))
        else:
            found += integers(value, where, seen)
    return found


def flip(container, key, bit):
    if isinstance(key, str):
        setattr(container, key, getattr(container, key) ^ 1 << bit)
    else:
        container[key] ^= 1 << bit


def found(shared):
    """A round of checks sees it; all of them are made."""
    return False in [shared.check_some() for _ in range(CHECKS)]


class FlippedBitTest(unittest.TestCase):
    def setUp(self):
        self.shared = SharedSettings(settings())
        self.integers = integers(self.shared, "shared", {})

    def test_everything_is_reached_and_sound(self):
        shared = self.shared
        reached = [id(container) for _, container, _ in self.integers]
        for part in (
            shared,
            shared.thresholds.lowest,
            shared._cold.set_points,
            shared.discharge_budget,
            shared.curves[5]._share_pm,
        ):
            self.assertTrue(id(part) in reached, part)
        for _ in range(5):
            self.assertFalse(found(self.shared))

    def test_a_bit_of_any_integer_is_found_within_a_second(self):
        for bit in (0, 6):
            for path, container, key in self.integers:
                if key != PLACE:
                    flip(container, key, bit)
                    self.assertTrue(found(self.shared), (path, bit))
                    flip(container, key, bit)
                    self.assertFalse(found(self.shared), path)

    def test_a_place_that_moves_neither_ends_the_checking_nor_a_step(self):
        for bit in (3, 28):
            for sign in (1, -1):
                for path, container, key in self.integers:
                    if key == PLACE:
                        setattr(container, key, sign * (getattr(container, key) ^ 1 << bit))
                        self.assertFalse(found(self.shared), path)
        self.test_a_bit_of_any_integer_is_found_within_a_second()


class SmallRackTest(unittest.TestCase):
    def test_the_smallest_ratings_leave_a_current_that_counts_as_rest(self):
        limits = tree()["limits"]
        for rule in ("charge_overcurrent", "discharge_overcurrent"):
            for level, current_da in (("l1", 11), ("l2", 12), ("l3", 13)):
                limits[rule][level].update({"set": current_da, "clear": 5})
        bench = Bench(charge_current_da=10, discharge_current_da=10, limits=limits)
        bench.protection.limits_sent = True
        bench.put({slots.RACK_CURRENT_DA: 1})
        bench.fresh(1000)  # granted is nothing yet
        self.assertTrue(bench.decision.permit)
        self.assertEqual(bench.level_of("limit_not_respected"), 0)
        self.assertEqual(SharedSettings(bench.settings).rest_da, 1)


if __name__ == "__main__":
    unittest.main()
