"""The black box on a real LittleFS volume: the power fails between any two of its records."""

import gc
import os
import sys
import unittest

if sys.implementation.name == "micropython":
    from flash_image import open_flash
else:
    from boards.sim.cpython.flash import open_flash

from black_box_bench import BlackBoxSite, events_of, open_lanes, parts_of
from fake_hardware import HandClock

from gateway.telemetry import records
from gateway.telemetry.box_records import END, HEADER

PIECE = 16384


def temporary(name):
    name = "%s-%s.img" % (name, "".join(["%02x" % byte for byte in os.urandom(4)]))
    return (os.getenv("TMPDIR") or "/tmp") + "/" + name


def copy(source, target):
    piece = memoryview(bytearray(PIECE))
    with open(source, "rb") as old, open(target, "wb") as new:
        length = old.readinto(piece)
        while length:
            new.write(piece[:length])
            length = old.readinto(piece)


class PowerCutTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.path, self.copy = temporary("box"), temporary("box-cut")

    def tearDown(self):
        for path in (self.path, self.copy):
            os.remove(path)

    def after_the_cut(self):
        """What the next start finds: the parts, and the codes of the events."""
        gc.collect()
        copy(self.path, self.copy)
        lanes = open_lanes(open_flash(self.copy), HandClock())
        self.assertEqual((lanes.corrupt, lanes.dropped), (0, 0))
        return parts_of(lanes), [event[0] for event in events_of(lanes)]

    def test_what_was_stored_is_a_beginning_without_a_hole_at_any_moment(self):
        site = BlackBoxSite(open_flash(self.path), aftermath_s=6)
        site.run_ms(12000)
        site.trip()
        site.run_until(lambda: site.box.boxes, 3000)
        lane = site.lanes.events
        written = lane.ring.next
        found = []
        for _ in range(12000):
            if lane.ring.next != written:  # a record came: the power fails before the next one
                written = lane.ring.next
                parts, codes = self.after_the_cut()
                found.append(len(parts))
                self.assertIn(records.TRIP, codes)
                self.assertEqual([part.number for part in parts], list(range(len(parts))))
                self.assertEqual(parts[0].what, HEADER)
                for part in parts[1:]:
                    self.assertTrue(part.what == END or part.blocks())
            if not site.box.active:
                break
            site.run_ms(20)
        self.assertTrue(len(found) > 6, found)
        self.assertEqual(found, sorted(found))
        self.assertEqual(found[0], 1)
        site.run_ms(200)
        parts, _ = self.after_the_cut()
        self.assertEqual(parts[-1].what, END)

    def test_a_cut_costs_no_more_of_the_aftermath_than_a_few_seconds(self):
        site = BlackBoxSite(open_flash(self.path), aftermath_s=20)
        site.run_ms(12000)
        site.trip()
        site.run_ms(14000)
        parts, _ = self.after_the_cut()
        newest_ms = max([block[3] for part in parts[1:] for block in part.blocks()])
        self.assertTrue(site.clock.uptime_ms() - newest_ms < 12000, newest_ms)
        self.assertNotEqual(parts[-1].what, END)


if __name__ == "__main__":
    unittest.main()
