"""Boot ids: larger every time, whatever the flash has forgotten."""

import unittest

from fake_hardware import HandClock
from lane_bench import EventsLane, Flash, fill, open_lanes


class NoClock(HandClock):
    utc_quality = 0


class Dice:
    """Random numbers in a row."""

    def __init__(self):
        self.number = 5000

    def getrandbits(self, count):
        self.number += 1
        return self.number


def start(storage, clock=None, random=None):
    clock = clock or NoClock()
    return open_lanes(storage, clock, random=random, count_from_one=False).boot


class BootIdTest(unittest.TestCase):
    def test_a_new_flash_begins_with_the_time_and_counts(self):
        storage = Flash()
        found = [start(storage, HandClock(), Dice()) for _ in range(4)]
        self.assertEqual(found, [1800000000, 1800000001, 1800000002, 1800000003])

    def test_a_new_flash_without_a_clock_begins_anywhere(self):
        """It may stand in for a board with the same gateway name that began somewhere, too."""
        storage = Flash()
        found = [start(storage, NoClock(), Dice()) for _ in range(3)]
        self.assertEqual(found, [5002, 5003, 5004])

    def test_a_board_in_the_place_of_another_repeats_none_of_its_ids(self):
        clock = HandClock()
        old = Flash()
        used = []
        for _ in range(30):
            used.append(start(old, clock))
            clock.advance(60000)
        new = start(Flash(), clock)
        self.assertTrue(new > max(used), (new, max(used)))

    def test_above_each_thing_that_remembers(self):
        storage = Flash()
        for _ in range(7):
            start(storage)
        only_count = {"boot": storage.files["boot"]}
        journal = EventsLane(storage, NoClock())
        fill(journal, 10)
        journal.flush()
        only_segments = {name: storage.files[name] for name in storage.segments()}
        journal.release(8, 10)
        journal.write_cursor()
        only_cursor = {"cursor-uplink-e": storage.files["cursor-uplink-e"]}
        self.assertEqual(start(Flash(only_count)), 8)
        self.assertEqual(start(Flash(only_segments)), 9)
        self.assertEqual(start(Flash(only_cursor)), 9)

    def test_forgotten_count_is_replaced_by_the_time_and_then_counts_on(self):
        for files in ({"latches": b""}, {"boot": b"damaged", "latches": b""}):
            storage = Flash(files)
            found = [start(storage, HandClock()) for _ in range(3)]
            self.assertEqual(found, [1800000000, 1800000001, 1800000002])

    def test_formatted_flash_does_not_begin_again(self):
        storage = Flash()
        storage.formatted = True
        self.assertEqual(start(storage, HandClock()), 1800000000)
        storage = Flash()
        storage.formatted = True
        self.assertEqual(start(storage, NoClock(), Dice()), 5002)

    def test_flash_that_cannot_be_written_never_gives_an_id_twice(self):
        kept = Flash()
        start(kept)
        for files in ({}, kept.files):
            clock, dice = HandClock(), Dice()
            for one, other in ((clock, None), (NoClock(), dice)):
                found = []
                for _ in range(5):
                    storage = Flash(files)
                    storage.no_writes = True
                    found.append(start(storage, one, other))
                    one.advance(1000)
                self.assertEqual(found, sorted(set(found)))

    def test_clock_behind_what_is_known_is_not_asked(self):
        storage = Flash({"latches": b"", "f77359400-00000001.seg": b"x"})  # boot 2000000000
        self.assertEqual(start(storage, HandClock(), Dice()), 2000000000 + 1 + 5001)
        last = Flash({"mfffffffe-00000001.seg": b"x"})
        self.assertEqual(start(last, HandClock(), Dice()), 0xFFFFFFFF)


if __name__ == "__main__":
    unittest.main()
