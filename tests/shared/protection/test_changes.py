import unittest

from gateway.protection.changes import UNKNOWN, Changes


def told(ring):
    """The racks of everything that is there."""
    racks = []
    change = ring.take()
    while change is not None:
        racks.append(change[0])
        change = ring.take()
    return racks


class ChangesTest(unittest.TestCase):
    def put(self, ring, racks):
        for rack in racks:
            ring.put(rack, 2, 3, 1, -4)

    def test_a_change_comes_back_as_it_was_put(self):
        ring = Changes()
        ring.put(1, 2, 3, 0, -4)
        ring.put(255, 37, 1, 1, 100000)
        self.assertEqual(ring.take(), (1, 2, 3, 0, -4))
        self.assertEqual(ring.take(), (255, 37, 1, 1, 100000))
        self.assertIsNone(ring.take())

    def test_as_many_as_it_holds_are_kept(self):
        ring = Changes(4)
        self.put(ring, range(4))
        self.assertEqual((told(ring), ring.lost), ([0, 1, 2, 3], 0))

    def test_one_more_costs_the_oldest(self):
        ring = Changes(4)
        self.put(ring, range(5))
        self.assertEqual((told(ring), ring.lost), ([1, 2, 3, 4], 1))

    def test_every_loss_counts(self):
        ring = Changes(4)
        self.put(ring, range(7))
        self.assertEqual((told(ring), ring.lost), ([3, 4, 5, 6], 3))
        self.put(ring, range(20, 26))
        self.assertEqual((told(ring), ring.lost), ([22, 23, 24, 25], 5))
        self.put(ring, [7])
        self.assertEqual((told(ring), ring.lost), ([7], 5))

    def test_what_was_counted_is_known_as_long_as_the_ring_remembers(self):
        ring = Changes(4)
        self.assertEqual(ring.counted_ms(1, 2, 3), UNKNOWN)
        ring.put(1, 2, 3, 1, -4, 1500)
        ring.put(1, 2, 3, 0, -4)
        ring.put(1, 2, 3, 1, -4, 1700)
        self.assertEqual(told(ring), [1, 1, 1])
        self.assertEqual(ring.counted_ms(1, 2, 3), 1700)
        for rack, rule, level in ((0, 2, 3), (1, 3, 3), (1, 2, 2)):
            self.assertEqual(ring.counted_ms(rack, rule, level), UNKNOWN)
        self.put(ring, (5, 6, 7))
        self.assertEqual(ring.counted_ms(1, 2, 3), 1700)
        ring.put(1, 2, 3, 0, -4)
        self.assertEqual(ring.counted_ms(1, 2, 3), UNKNOWN)

    def test_it_holds_the_changes_of_a_bad_moment(self):
        ring = Changes()
        self.put(ring, range(70))
        self.assertEqual((told(ring), ring.lost), (list(range(6, 70)), 6))


if __name__ == "__main__":
    unittest.main()
