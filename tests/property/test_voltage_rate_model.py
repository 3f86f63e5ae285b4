"""The voltage rate against its definition in fractions.

Definition: in windows of at least a second, one after the other, from the first sample on: how
much the spread has grown, per second.
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from small_int import SmallInt

from gateway.protection.rates import VoltageRate

SAMPLES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 400), st.integers(0, 60000)),
        st.sampled_from([0, 1, 200, 333, 499, 500, 999, 1000, 1001, 10000, 500000000]),
    ),
    min_size=1,
    max_size=40,
)


@profile(max_examples=300, deadline=None)
@given(samples=SAMPLES)
def test_rate_is_the_model(samples: list[tuple[int, int]]) -> None:
    rate = VoltageRate()
    now_ms = begun_ms = 0
    begun_mv = samples[0][0]
    expected = Fraction(0)
    for number, (spread_mv, elapsed_ms) in enumerate(samples):
        now_ms += elapsed_ms if number else 0
        found = rate.step(SmallInt(spread_mv), SmallInt(elapsed_ms))
        if now_ms - begun_ms >= 1000:
            expected = Fraction(max(spread_mv - begun_mv, 0) * 1000, now_ms - begun_ms)
            begun_ms, begun_mv = now_ms, spread_mv
        assert found == int(expected)


@profile(max_examples=200, deadline=None)
@given(rate_mv=st.integers(0, 500), period_ms=st.integers(50, 3000), phase=st.integers(0, 5))
def test_a_lasting_rate_reads_as_it_is_after_two_windows(
    rate_mv: int, period_ms: int, phase: int
) -> None:
    rate = VoltageRate()
    for _ in range(phase):
        rate.step(0, period_ms)
    risen_ms = 0
    while risen_ms < 2 * (1000 + period_ms):
        found = rate.step(rate_mv * risen_ms // 1000, period_ms)
        risen_ms += period_ms
    assert abs(found - rate_mv) <= 1
