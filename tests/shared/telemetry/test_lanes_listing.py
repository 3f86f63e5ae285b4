"""A start that cannot list what is on flash: nothing of it is passed, nothing deleted."""

import gc
import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, Reader, fill

from gateway.telemetry import records

RECORDS = 200


class ListingFlash(Flash):
    """The directory cannot be listed the next `fail_lists` times."""

    fail_lists = 0

    def sizes(self):
        if self.fail_lists:
            self.fail_lists -= 1
            raise OSError(5)
        return super().sizes()


class ListingTest(unittest.TestCase):
    def setUp(self):
        gc.collect()
        self.storage = ListingFlash()
        journal = EventsLane(self.storage)
        fill(journal, RECORDS)
        journal.release(1, 10)
        journal.close()

    def test_it_is_tried_three_times(self):
        self.storage.fail_lists = 2
        journal = EventsLane(self.storage)
        self.assertEqual((journal.backlog, journal.write_errors), (RECORDS - 10, 2))
        Reader(journal)
        journal.write_cursor()
        self.assertEqual(EventsLane(Flash(self.storage.files)).cursor, (1, RECORDS))

    def test_what_was_not_seen_is_delivered_by_the_next_start(self):
        self.storage.fail_lists = 3
        clock = HandClock()
        journal = EventsLane(self.storage, clock)
        self.assertEqual((journal.boot, journal.backlog, journal.write_errors), (2, 0, 3))
        last = journal.append(records.EVENT, b"")
        found = Reader(journal)
        found.go_on_for(journal, clock, 30)
        self.assertEqual(found.keys.latest, (2, last))
        journal.close()
        clock = HandClock()
        journal = EventsLane(self.storage, clock)
        for _ in range(30):
            journal.step(clock.advance(1000))
        found = Reader(journal)
        self.assertEqual([n for n in found.unexplained(1, RECORDS) if n > 10], [])
        self.assertEqual((found.gaps, journal.dropped), ([], 0))
        journal.write_cursor()
        self.assertEqual(EventsLane(Flash(self.storage.files)).cursor, (2, last))


if __name__ == "__main__":
    unittest.main()
