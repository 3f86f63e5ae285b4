"""The detector against a reference model written from its specification, not from its code.

Specification: a sample's verdict is bad at or beyond the set point, good at or within the clear
point, else the last one. A verdict holds until the next fresh sample, as long as its data are
fresh. Bad time adds, good time takes half away, never below zero. Active: on a bad sample when
the sum has reached the delay, to within 5 ms of time resolution, and at least two bad samples
contributed since the sum was zero. Cleared: samples at or within the clear point, unbroken, for
the clear delay; time with a gap in it does not count there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from detector_bench import DetectorBench
from hypothesis import given, settings
from hypothesis import strategies as st

SET, CLEAR = 3650, 3450
RESOLUTION_MS = 5


@dataclass
class Model:
    """One detector, told as the specification tells it."""

    delay_ms: int
    clear_ms: int
    bad: bool = False
    total: Fraction = Fraction(0)
    bad_samples: int = 0
    active: bool = False
    within_ms: int = 0
    was_within: bool = False

    def sample(self, value: int, elapsed_ms: int, gap: bool) -> None:
        was_bad = self.bad
        if value >= SET:
            self.bad = True
        elif value <= CLEAR:
            self.bad = False
        if self.active:
            self._wait_for_clear(value <= CLEAR, 0 if gap else elapsed_ms)
            return
        if was_bad:
            self.total += elapsed_ms
        else:
            self.total = max(Fraction(0), self.total - Fraction(elapsed_ms, 2))
            if self.total == 0 and elapsed_ms > 0:
                self.bad_samples = 0
        if self.bad:
            self.bad_samples += 1
            needed_ms = max(1, self.delay_ms - RESOLUTION_MS)
            enough = self.total >= needed_ms and self.bad_samples >= 2
            self.active = enough or self.delay_ms == 0
            self.was_within = False

    def _wait_for_clear(self, within: bool, elapsed_ms: int) -> None:
        self.within_ms = self.within_ms + elapsed_ms if within and self.was_within else 0
        self.was_within = within
        if within and self.within_ms >= self.clear_ms:
            self.active = False
            self.total = Fraction(0)
            self.bad_samples = 0
            self.within_ms = 0


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from([3300, CLEAR - 1, CLEAR, CLEAR + 1, 3550, SET - 1, SET, SET + 1, 3700]),
        st.sampled_from([0, 1, 100, 499, 500, 501, 1000, 1100]),
        st.booleans(),
    ),
    max_size=120,
)
TIMES = st.sampled_from([0, 1, 500, 1000, 2000, 10000])


@settings(max_examples=600, deadline=None)
@given(samples=SAMPLES, delay_ms=TIMES, clear_ms=TIMES, side=st.sampled_from([1, -1]))
def test_detector_is_the_model(
    samples: list[tuple[int, int, bool]], delay_ms: int, clear_ms: int, side: int
) -> None:
    model = Model(delay_ms, clear_ms)
    bench = DetectorBench(SET * side, CLEAR * side, delay_ms, clear_ms, side)
    for number, (value, elapsed_ms, gap) in enumerate(samples):
        before = bench.active
        changed = bench.step(value * side, elapsed_ms, gap)
        model.sample(value, elapsed_ms, gap)
        assert bench.active == model.active, number
        assert changed == (before != bench.active), number


@settings(max_examples=200, deadline=None)
@given(
    period_ms=st.integers(50, 1000),
    delay_ms=st.integers(1, 20000),
    healthy=st.integers(0, 5),
)
def test_a_lasting_violation_trips_within_the_delay_and_one_period(
    period_ms: int, delay_ms: int, healthy: int
) -> None:
    bench = DetectorBench(SET, CLEAR, delay_ms, 1000)
    for _ in range(healthy):
        bench.step(3300, period_ms)
    held_ms = 0
    bench.step(SET, period_ms)
    while not bench.active:
        assert held_ms < delay_ms + period_ms
        bench.step(SET, period_ms)
        held_ms += period_ms
    assert held_ms >= delay_ms - RESOLUTION_MS


@settings(max_examples=200, deadline=None)
@given(samples=SAMPLES, worse=st.integers(0, 400))
def test_a_worse_timeline_never_trips_later(
    samples: list[tuple[int, int, bool]], worse: int
) -> None:
    """Raising every value can only bring the first trip forward."""

    def first_trip(offset: int) -> int:
        bench = DetectorBench(SET, CLEAR, 1000, 1000)
        for number, (value, elapsed_ms, gap) in enumerate(samples):
            bench.step(value + offset, elapsed_ms, gap)
            if bench.active:
                return number
        return len(samples)

    assert first_trip(worse) <= first_trip(0)
