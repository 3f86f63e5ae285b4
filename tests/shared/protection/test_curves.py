import unittest

from gateway.protection.curves import Curve

# Curves of a published controller, and the shares its own tests expect; its charge curve is
# 99.99 % at 3450 mV, which is 1000 here.
CHARGE_BY_CELL_MAX_MV = (
    (3000, 100), (3001, 1000), (3450, 1000), (3600, 20), (3650, 0),
)  # fmt: skip
CHARGE_BY_TEMP_DC = (
    (-101, 0), (-100, 215), (0, 215), (10, 325), (50, 325), (60, 650), (150, 650), (160, 1000),
    (440, 1000), (450, 650), (490, 650), (500, 325), (540, 325), (550, 0),
)  # fmt: skip
PUBLISHED = (
    (
        CHARGE_BY_CELL_MAX_MV,
        ((2500, 100), (3000, 100), (3450, 1000), (3500, 673), (3600, 20), (3650, 0)),
    ),
    (
        CHARGE_BY_TEMP_DC,
        # half steps of 0.1 % are rounded down: 48.75 % is 487, 16.25 % is 162
        (
            (-200, 0), (-100, 215), (0, 215), (5, 270), (10, 325), (55, 487), (60, 650),
            (155, 825), (160, 1000), (445, 825), (450, 650), (495, 487), (545, 162), (550, 0),
        ),
    ),
)  # fmt: skip


class CurveTest(unittest.TestCase):
    def test_published_curves_give_their_published_shares(self):
        for points, expected in PUBLISHED:
            curve = Curve(points)
            for x, share_pm in expected:
                self.assertEqual(curve.pm(x), share_pm, x)

    def test_flat_outside(self):
        curve = Curve(((-100, 300), (100, 700)))
        self.assertEqual((curve.pm(-101), curve.pm(-100000000)), (300, 300))
        self.assertEqual((curve.pm(101), curve.pm(100000000)), (700, 700))

    def test_rounds_down_whichever_way_the_line_goes(self):
        self.assertEqual([Curve(((0, 0), (3, 10))).pm(x) for x in range(4)], [0, 3, 6, 10])
        self.assertEqual([Curve(((0, 10), (3, 0))).pm(x) for x in range(4)], [10, 6, 3, 0])

    def test_a_jump_is_two_neighbouring_points(self):
        curve = Curve(((2900, 0), (2901, 50), (3000, 1000)))
        self.assertEqual((curve.pm(2900), curve.pm(2901)), (0, 50))

    def test_one_point_is_a_constant(self):
        curve = Curve(((250, 420),))
        self.assertEqual([curve.pm(x) for x in (-1000, 250, 1000)], [420] * 3)

    def test_the_widest_line(self):
        curve = Curve(((-100000, 0), (100000, 1000)))
        self.assertEqual((curve.pm(0), curve.pm(99999), curve.pm(100000)), (500, 999, 1000))

    def test_what_is_no_curve_is_refused(self):
        for points, where in (
            (((0, 1001),), "(0, 1001)"),
            (((0, -1),), "(0, -1)"),
            (((5, 0), (5, 10)), "(5, 10)"),
            (((5, 0), (4, 10)), "(4, 10)"),
            (((-100001, 0),), "(-100001, 0)"),
            (((100001, 0),), "(100001, 0)"),
        ):
            with self.assertRaises(ValueError) as caught:
                Curve(points)
            self.assertEqual(str(caught.exception), "a curve cannot go on to " + where)
        with self.assertRaises(ValueError) as caught:
            Curve(())
        self.assertEqual(str(caught.exception), "a curve needs a point")


if __name__ == "__main__":
    unittest.main()
