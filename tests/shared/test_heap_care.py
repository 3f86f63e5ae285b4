"""Code that only the start needs is let go and comes back; what was made of it goes on."""

import gc
import json
import sys
import unittest

from sample_site import tree

from gateway import config
from gateway.heap_care import collect_every, let_go


def settings():
    return config.load(json.dumps(tree()))


def loaded():
    return [name for name in sys.modules if name.startswith("gateway.config.")]


class CollectTest(unittest.TestCase):
    def test_the_number_before_is_told_and_can_be_put_back(self):
        usual = collect_every(4096)
        last = collect_every(usual)
        if hasattr(gc, "threshold"):
            self.assertEqual((last, gc.threshold()), (4096, usual))
        else:
            self.assertEqual((usual, last), (-1, -1))


class LetGoTest(unittest.TestCase):
    def test_the_modules_of_a_package_go_and_come_again(self):
        limits = settings().limits
        before = loaded()
        self.assertIn("gateway.config.parse", before)
        let_go("gateway.config.")
        self.assertEqual(loaded(), [])
        self.assertFalse(hasattr(sys.modules["gateway.config"], "parse"))
        self.assertEqual(limits["cell_overvoltage"][2].set_point, 3650)
        self.assertEqual(settings().integer("cells_per_rack"), 208)
        self.assertIn("gateway.config.parse", loaded())

    def test_a_module_goes_by_its_name_and_its_neighbours_stay(self):
        settings()
        let_go("gateway.config.parse", "gateway.config.no_such_module")
        self.assertFalse("gateway.config.parse" in loaded())
        self.assertIn("gateway.config.limits", loaded())


if __name__ == "__main__":
    unittest.main()
