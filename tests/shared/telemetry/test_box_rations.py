"""Boxes of later trips never push out the first one, while nothing is delivered."""

import gc
import unittest

from box_bench import FullSite, whole_boxes
from fake_hardware import MemoryStorage

from gateway.telemetry import records

# The smallest permitted shares of the events: four files of the smallest size.
SMALLEST = (
    {"capacity_bytes": 65536, "events_pm": 500, "segment_bytes": 8192},
    {"capacity_bytes": 131072, "events_pm": 250, "segment_bytes": 8192},
    {"capacity_bytes": 65536, "events_pm": 900, "segment_bytes": 8192},
)
TWICE = {"capacity_bytes": 262144, "events_pm": 250, "segment_bytes": 8192}


class FirstBoxTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_the_first_box_of_a_rack_that_trips_for_hours_can_be_read(self):
        for flash in SMALLEST:
            site = FullSite(**flash)
            self.assertTrue(site.trip_box())
            for _ in range(6):
                site.trip_box()
            for _ in range(8):
                site.pass_hour()
                site.trip_box()
            self.assertTrue(site.lanes.fine.dropped > 0, "the flash was full")
            self.assertIn((1, 1), whole_boxes(site.lanes))
            self.assertTrue(site.box.refused > 0)
            self.assertEqual(site.lanes.events.dropped, 0)
            del site
            gc.collect()

    def test_nor_do_boxes_of_later_starts(self):
        storage = MemoryStorage()
        begun = 0
        for boot in range(1, 11):  # each has a file of its own: a block at least
            site = FullSite(MemoryStorage(storage.files), **TWICE)
            begun += site.trip_box()
            self.assertIn((1, 1), whole_boxes(site.lanes), boot)
            del site
            gc.collect()
        self.assertTrue(2 <= begun < 10, begun)

    def test_a_box_larger_than_its_part_ends_early_and_says_so(self):
        site = FullSite(**SMALLEST[1])
        site.box.trip(records.NO_RACK, 0, 1)
        for _ in range(8):
            site.box.trip(records.NO_RACK, 0, 1)
            site.pass_ms(10000)
        self.assertEqual(site.box.active, [])
        self.assertTrue(site.box.lost > 0)
        self.assertIn((1, 1), whole_boxes(site.lanes))
        boxes = sum([len(each) for each in site.storage.files.values()])
        self.assertTrue(boxes <= 131072 + 4096, boxes)


class WhoGetsOneTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def test_another_rack_gets_its_first_though_one_has_used_up_what_repetitions_may(self):
        site = FullSite(**TWICE)
        while site.trip_box(0):
            pass
        self.assertTrue(site.trip_box(1))
        self.assertFalse(site.trip_box(0))

    def test_what_was_delivered_makes_room_again(self):
        site = FullSite(**SMALLEST[1])
        while site.trip_box():
            pass
        self.assertTrue(site.box.boxes < 4, site.box.boxes)
        source = site.lanes.sources()[0]
        source.release((1, site.lanes.events.ring.next - 1))
        self.assertTrue(site.trip_box())

    def test_a_refused_trip_is_counted_and_its_event_kept(self):
        site = FullSite(**SMALLEST[1])
        while site.trip_box():
            pass
        refused, last = site.box.refused, site.lanes.events.ring.next - 1
        self.assertFalse(site.trip_box())
        self.assertEqual(site.box.refused, refused + 1)
        self.assertTrue(site.lanes.events.ring.next - 1 > last)


if __name__ == "__main__":
    unittest.main()
