"""No memory in the middle of a box: what was begun is there whole, or not at all."""

import gc
import unittest

from black_box_bench import BlackBoxSite, parts_of

from gateway.protection import rules
from gateway.telemetry import records
from gateway.telemetry.box_records import AFTER, AGAIN, BEFORE, END, HEADER, OTHERS


class Heap:
    """Finds no memory once, behind `left` more calls of what allocates."""

    def __init__(self):
        self.left = -1

    def take(self):
        if self.left == 0:
            self.left = -1
            raise MemoryError
        if self.left > 0:
            self.left -= 1


class Scarce:
    """Stands for an object; its methods named in `calls` need memory before they do anything."""

    def __init__(self, heap, whole, calls):
        self._heap = heap
        self._whole = whole
        self._calls = calls

    def __getattr__(self, name):
        found = getattr(self._whole, name)
        if name not in self._calls:
            return found

        def call(*values):
            self._heap.take()
            result = found(*values)
            if name == "ring":
                return Scarce(self._heap, result, ("seal", "length", "read", "began_ms"))
            return result

        return call


class ScarceSite(BlackBoxSite):
    """Everything that a box calls may find no memory."""

    def __init__(self, **options):
        super().__init__(**options)
        self.heap = Heap()
        rewind = Scarce(self.heap, self.rewind, ("ring", "seal"))
        lane = Scarce(self.heap, self.lanes.events, ("append",))
        self.box._rewind = self.box._records._rewind = rewind
        self.box._lane = self.box._records._lane = lane
        fill = self.box._records._fill

        def scarce_fill(rack, values):
            self.heap.take()
            fill(rack, values)

        self.box._records._fill = scarce_fill

    def state(self):
        box, ring = self.box, self.lanes.events.ring
        return box.boxes, box.refused, box.lost, box.active, ring.next, ring.waiting

    def stages(self):
        """What the records of each box are, without repetitions; their numbers have no hole."""
        found = {}
        for part in parts_of(self.lanes):
            found.setdefault(part.box, []).append(part)
        for parts in found.values():
            assert [part.number for part in parts] == list(range(len(parts)))
        return {box: self._row(parts) for box, parts in found.items()}

    def _row(self, parts):
        row = []
        for part in parts:
            if row[-1:] != [part.what]:
                row.append(part.what)
        return row


class TripTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def fail_at_each_point(self, site, trip):
        """Calls of which the n-th failed, until one goes through."""
        points = 0
        while True:
            before = site.state()
            site.heap.left = points
            try:
                trip()
            except MemoryError:
                self.assertEqual(site.state(), before, points)
                points += 1
                continue
            site.heap.left = -1
            return points

    def test_a_trip_leaves_nothing_behind_where_it_fails(self):
        site = ScarceSite()
        site.run_ms(20000)
        points = self.fail_at_each_point(site, lambda: site.box.trip(0, rules.TEMP_RISE, 120))
        self.assertTrue(points >= 8, points)
        self.assertEqual((site.box.boxes, site.box.active), (1, [0]))
        again = self.fail_at_each_point(site, lambda: site.box.trip(0, rules.TEMP_RISE, 120))
        self.assertTrue(again >= 2, again)
        site.run_ms(20000)
        self.assertEqual(site.stages(), {1: [HEADER, AGAIN, BEFORE, OTHERS, AFTER, END]})

    def test_nor_does_one_of_the_site(self):
        site = ScarceSite()
        site.run_ms(20000)
        self.fail_at_each_point(site, lambda: site.box.trip(records.NO_RACK, rules.ESTOP, 1))
        site.run_ms(20000)
        self.assertEqual(site.stages(), {1: [HEADER, BEFORE, AFTER, END]})

    def test_a_trip_that_failed_costs_none_of_the_four_boxes(self):
        site = ScarceSite(aftermath_s=0)
        site.run_ms(20000)
        for _ in range(6):
            site.heap.left = 3
            with self.assertRaises(MemoryError):
                site.box.trip(0, rules.TEMP_RISE, 120)
        for _ in range(5):
            site.box.trip(0, rules.TEMP_RISE, 120)
            site.run_ms(3000, 20)
        self.assertEqual((site.box.boxes, site.box.refused), (4, 1))


class StepTest(unittest.TestCase):
    def setUp(self):
        gc.collect()

    def run_short_of_memory(self, site, duration_ms):
        """The first try of each record fails, always at another point; how often."""
        step, ring = site.box.step, site.lanes.events.ring
        failed, fails = 0, True

        def scarce(now):
            nonlocal failed, fails
            before = ring.next
            site.heap.left = failed % 5 if fails else -1
            try:
                step(now)
                fails = fails or ring.next > before
            except MemoryError:
                failed += 1
                fails = False
            site.heap.left = -1

        site.box.step = scarce
        site.run_ms(duration_ms)
        return failed

    def test_every_record_comes_though_steps_fail(self):
        whole, site = BlackBoxSite(), ScarceSite()
        for each in (whole, site):
            each.run_ms(20000)
            each.box.trip(0, rules.TEMP_RISE, 120)
        whole.run_ms(20000)
        failed = self.run_short_of_memory(site, 20000)
        self.assertTrue(failed >= 4, failed)
        self.assertEqual(site.stages(), {1: [HEADER, BEFORE, OTHERS, AFTER, END]})
        self.assertEqual(site.box.lost, 0)
        wanted, found = ([len(p.blocks()) for p in parts_of(s.lanes)[1:-1]] for s in (whole, site))
        self.assertTrue(sum(found) >= sum(wanted), (wanted, found))

    def test_a_record_for_which_there_is_never_room_is_counted_and_passed_over(self):
        site = ScarceSite()
        site.run_ms(20000)
        site.box.trip(0, rules.TEMP_RISE, 120)
        put_next = site.box._records.put_next
        failures = []

        def never_the_first(box):
            if len(failures) < 3:
                failures.append(len(box.plan[0][1]))
                raise MemoryError
            return put_next(box)

        site.box._records.put_next = never_the_first
        step = site.box.step

        def over_errors(now):
            try:
                step(now)
            except MemoryError:
                pass

        site.box.step = over_errors
        site.run_ms(20000)
        self.assertEqual((len(failures), site.box.lost), (3, failures[0]))
        self.assertEqual(site.box.active, [])


if __name__ == "__main__":
    unittest.main()
