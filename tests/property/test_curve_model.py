"""A curve against straight lines in fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from small_int import SmallArray, SmallInt

from gateway.protection.curves import Curve

PLACES = st.one_of(st.integers(-500, 4000), st.integers(-100000, 100000))
POINTS = st.lists(
    st.tuples(PLACES, st.integers(0, 1000)),
    min_size=1,
    max_size=12,
    unique_by=lambda point: point[0],
).map(sorted)


def model(points: list[tuple[int, int]], x: int) -> Fraction:
    """The exact height of the line."""
    if x <= points[0][0]:
        return Fraction(points[0][1])
    for (begin, first), (end, last) in zip(points, points[1:], strict=False):
        if begin <= x <= end:
            return first + Fraction(last - first, end - begin) * (x - begin)
    return Fraction(points[-1][1])


@profile(max_examples=500, deadline=None)
@given(points=POINTS, places=st.lists(PLACES, max_size=20))
def test_curve_is_the_model_rounded_down(points: list[tuple[int, int]], places: list[int]) -> None:
    curve = Curve(points)
    curve._x = SmallArray("i", curve._x)
    curve._share_pm = SmallArray("h", curve._share_pm)
    for x in [*places, *(point[0] for point in points)]:
        assert curve.pm(SmallInt(x)) == floor(model(points, x))
