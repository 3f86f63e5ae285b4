import unittest

from gateway.protection.rates import VoltageRate

MEAN_MV = 3300


class Cells:
    """A rack whose cells are at MEAN_MV, except for its highest and its lowest one."""

    def __init__(self):
        self.rate = VoltageRate()

    def feed(self, above_mv, below_mv=0, elapsed_ms=500, mean_mv=MEAN_MV):
        return self.rate.step(mean_mv + above_mv, mean_mv - below_mv, mean_mv, elapsed_ms)


class VoltageRateTest(unittest.TestCase):
    def test_a_lasting_rise_reads_as_its_rate(self):
        cells = Cells()
        found = [cells.feed(50 * half_seconds) for half_seconds in range(6)]
        self.assertEqual(found, [0, 0, 100, 100, 100, 100])

    def test_the_lowest_cell_counts_like_the_highest(self):
        cells = Cells()
        found = [cells.feed(10, 30 * half_seconds) for half_seconds in range(5)]
        self.assertEqual(found, [0, 0, 60, 60, 60])

    def test_the_faster_of_the_two_counts(self):
        cells = Cells()
        cells.feed(0, 0)
        self.assertEqual(cells.feed(20, 70, 1000), 70)
        self.assertEqual(cells.feed(110, 80, 1000), 90)

    def test_what_moves_all_cells_alike_is_no_rate(self):
        cells = Cells()
        for step in range(20):
            self.assertEqual(cells.feed(12, 9, 500, MEAN_MV + 200 * (step % 2)), 0)

    def test_a_distance_that_shrinks_is_no_rate(self):
        cells = Cells()
        cells.feed(300, 300)
        self.assertEqual(cells.feed(10, 10, 1000), 0)

    def test_a_jump_is_in_one_window_only(self):
        cells = Cells()
        found = [cells.feed(above_mv) for above_mv in (0, 0, 0, 150, 150, 150, 150, 150)]
        self.assertEqual(found, [0, 0, 0, 0, 150, 150, 0, 0])

    def test_a_slow_poll_is_a_window_of_its_own(self):
        cells = Cells()
        cells.feed(0)
        self.assertEqual(cells.feed(200, 0, 2500), 80)
        self.assertEqual(cells.feed(200, 0, 2500), 0)

    def test_fast_samples_make_no_shorter_window(self):
        cells = Cells()
        cells.feed(0)
        found = [cells.feed(above_mv, 0, 100) for above_mv in range(8, 88, 8)]
        self.assertEqual(found, [0] * 9 + [80])

    def test_the_first_sample_is_no_jump(self):
        self.assertEqual(Cells().feed(500, 500, 60000), 0)


if __name__ == "__main__":
    unittest.main()
