import struct
import unittest

from gateway.telemetry import records
from gateway.telemetry.losses import Losses


def named(losses):
    """What a report says."""
    return [struct.unpack(records.GAP_PAYLOAD, payload) for payload in losses.payloads()]


class LossesTest(unittest.TestCase):
    def test_adjacent_and_overlapping_ranges_merge_and_count_once(self):
        losses = Losses()
        for boot, first, last in ((1, 5, 9), (1, 10, 12), (2, 13, 14), (1, 1, 3), (1, 3, 6)):
            losses.add(boot, first, last)
        self.assertEqual(losses.ranges, [(1, 1, 12), (2, 13, 14)])
        self.assertEqual(losses.count, 14)
        losses.add(1, 9, 8)
        losses.add(1, 2, 12)
        self.assertEqual(losses.count, 14)

    def test_what_was_delivered_is_no_loss(self):
        losses = Losses()
        losses.delivered((3, 10))
        losses.add(2, 1, 100)
        losses.add(3, 1, 10)
        self.assertFalse(losses.unreported)
        losses.add(3, 8, 12)
        self.assertEqual(losses.ranges, [(3, 11, 12)])

    def test_forgotten_when_the_report_was_delivered_not_before(self):
        losses = Losses()
        losses.add(1, 5, 9)
        losses.delivered((1, 20))
        self.assertTrue(losses.ranges)  # not reported yet
        losses.reported(1, 30)
        losses.delivered((1, 29))
        self.assertTrue(losses.ranges)
        losses.add(1, 31, 31)  # after the report: it does not name this one
        losses.delivered((1, 30))
        self.assertTrue(losses.unreported)
        self.assertTrue(losses.ranges)
        losses.reported(1, 40)
        losses.delivered((1, 40))
        self.assertEqual(losses.ranges, [])

    def test_a_lost_file_of_an_earlier_boot_may_have_named_whatever_was_before_it(self):
        losses = Losses()
        losses.delivered((2, 10))
        for boot, first, last in ((2, 20, 29), (3, 40, 50), (4, 1, 9)):
            losses.add(boot, first, last)
        losses.reported(5, 1)
        losses.add(3, 90, 99)
        losses.add_reports(3, 90, 99)
        ranges = [(2, 20, 29), (3, 40, 50), (3, 90, 99), (4, 1, 9)]
        self.assertEqual((losses.ranges, losses.up_to, losses.count), (ranges, (3, 89), 40))
        self.assertTrue(losses.unreported)
        self.assertEqual(named(losses), [(3, 0, 89)] + ranges)
        losses.add(3, 60, 70)  # known well is better, and counts
        self.assertEqual(losses.count, 51)
        self.assertIn((3, 60, 70), losses.ranges)

    def test_reports_lost_after_a_report_are_told_by_another_one_once(self):
        losses = Losses()
        losses.add(5, 1, 100)
        losses.reported(6, 3)
        losses.add_reports(5, 1, 100)
        self.assertTrue(losses.unreported)
        losses.delivered((6, 3))
        self.assertEqual(named(losses), [(5, 0, 0), (5, 1, 100)])
        losses.reported(6, 4)
        for first, last in ((1, 100), (1, 90)):  # read again in another session
            losses.add(5, first, last)
            losses.add_reports(5, first, last)
        self.assertEqual((named(losses), losses.count), ([(5, 0, 0), (5, 1, 100)], 100))
        self.assertFalse(losses.unreported)
        losses.delivered((6, 4))
        self.assertEqual(named(losses), [])

    def test_reports_that_were_delivered_are_not_lost_with_their_file(self):
        losses = Losses()
        losses.delivered((2, 10))
        losses.add(2, 1, 10)
        losses.add_reports(2, 1, 10)
        losses.add_gone(2, 10)
        self.assertEqual((named(losses), losses.unreported), ([], False))

    def test_a_lost_report_may_have_named_what_lies_behind_the_cursor(self):
        """The cursor passes a loss once a report of it is on flash, delivered or not."""
        losses = Losses()
        losses.delivered((2, 10))
        losses.add_reports(2, 11, 12)
        self.assertEqual((named(losses), losses.unreported), ([(2, 0, 10)], True))

    def test_a_report_lost_with_a_half_delivered_file_may_have_named_the_delivered_half(self):
        losses = Losses()
        losses.delivered((2, 50))
        losses.add(2, 20, 80)
        losses.add_reports(2, 20, 80)
        self.assertEqual(named(losses), [(2, 0, 50), (2, 51, 80)])

    def test_what_was_deleted_is_all_that_lies_up_to_there(self):
        losses = Losses()
        losses.delivered((2, 10))
        losses.add_gone(3, 7)
        losses.add_gone(3, 5)
        self.assertEqual((named(losses), losses.count), ([(3, 0, 7)], 0))

    def test_told_is_what_a_report_on_flash_names(self):
        losses = Losses()
        self.assertTrue(losses.are_told(3, 0))
        losses.add(2, 5, 9)
        self.assertFalse(losses.are_told(3, 100))
        losses.reported(3, 101)
        self.assertFalse(losses.are_told(3, 100))
        self.assertTrue(losses.are_told(3, 101))

    def test_bounded_and_still_naming_every_key(self):
        losses = Losses()
        keys = []
        for number in range(30):
            boot, first = 1 + number // 2, 10 * number + 1
            losses.add(boot, first, first + 3)
            keys.append((boot, first))
        self.assertEqual(losses.count, 30 * 4)
        self.assertEqual(len(losses.payloads()), 17)
        for boot, sequence in keys:
            found = [
                each
                for each in named(losses)
                if each[0] == boot
                and each[1] <= sequence <= each[2]
                or each[1] == 0
                and (boot, sequence) <= (each[0], each[2])
            ]
            self.assertEqual(len(found), 1, (boot, sequence, named(losses)))
        losses.reported(20, 1)
        for boot, first in keys:  # what was folded counts once, too
            losses.add(boot, first, first + 3)
        self.assertEqual((losses.count, losses.unreported), (30 * 4, False))


if __name__ == "__main__":
    unittest.main()
