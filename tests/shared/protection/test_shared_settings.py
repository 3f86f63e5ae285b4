"""What all racks are judged by: one object, so a bit of it that flips is wrong for every rack."""

import unittest
from array import array

from sample_site import settings

from gateway.protection.shared_settings import SharedSettings

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


if __name__ == "__main__":
    unittest.main()
