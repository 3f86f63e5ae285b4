"""The ramp against a model in floats, and what no ramp may ever do.

Specification: a fall acts at once. A rise is granted when the last fall is `hold` ago, in steps
once a second of the smaller of 5 A/s and 1 % of the rating per second, of 0.1 A at least.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from small_int import SmallInt

from gateway.clock import TICKS_MASK
from gateway.protection.ramp import Ramp

STEP_MS = 1000


@dataclass
class Model:
    """Times count from the start; a step is due one second after the hold or the last step."""

    hold_ms: int
    slope_a: float
    granted_a: float = 0.0
    reached_ms: float = 0.0  # when the target was last no higher than the grant
    fell_ms: float = -1e9
    rose_ms: float = -1e9

    def sample(self, target_a: float, now_ms: float) -> float:
        """What is granted, in ampere."""
        if target_a < self.granted_a:
            self.granted_a = target_a
            self.fell_ms = now_ms
        held_until_ms = self.fell_ms + self.hold_ms
        if target_a == self.granted_a:
            self.reached_ms = now_ms
        elif now_ms >= max(held_until_ms, self.reached_ms, self.rose_ms) + STEP_MS:
            self.granted_a = round(min(target_a, self.granted_a + self.slope_a), 1)
            self.rose_ms = now_ms
        return self.granted_a


TARGETS = st.one_of(st.integers(0, 6280), st.sampled_from([0, 100, 3140, 3141]))
# a target and for how long it stands, called with a period
PHASES = st.lists(
    st.tuples(TARGETS, st.integers(1, 45000), st.sampled_from([200, 250, 500, 700, 1500])),
    max_size=8,
)
HOLDS = st.sampled_from([0, 1000, 30000])
RATINGS = st.sampled_from([50, 2800, 3140, 6280, 30000])


def timeline(phases: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """(target, ms) of each call."""
    calls = []
    now_ms = 0
    for target_da, duration_ms, period_ms in phases:
        for _ in range(max(1, duration_ms // period_ms)):
            calls.append((target_da, now_ms))
            now_ms += period_ms
    return calls


@profile(max_examples=150, deadline=None)
@given(phases=PHASES, hold_ms=HOLDS, rating_da=RATINGS, start=st.integers(0, TICKS_MASK))
def test_ramp_is_the_model(
    phases: list[tuple[int, int, int]], hold_ms: int, rating_da: int, start: int
) -> None:
    ramp = Ramp(SmallInt(rating_da), SmallInt(hold_ms), 50, 10, SmallInt(start))
    # whole tenths of an ampere, as the ramp's unit is
    slope_a = max(0.1, min(5.0, rating_da // 100 / 10))
    model = Model(hold_ms, slope_a)
    for target_da, now_ms in timeline(phases):
        granted_da = ramp.step(SmallInt(target_da), SmallInt((start + now_ms) & TICKS_MASK))
        assert granted_da == round(10 * model.sample(target_da / 10, now_ms)), now_ms
        assert ramp.limiting == (granted_da < target_da)


@profile(max_examples=150, deadline=None)
@given(phases=PHASES, hold_ms=HOLDS)
def test_never_above_the_target_and_never_steeper_than_the_ramp(
    phases: list[tuple[int, int, int]], hold_ms: int
) -> None:
    ramp = Ramp(3140, hold_ms, 50, 10, 0)
    last_da = 0
    rose_ms = fell_ms = None
    for target_da, now_ms in timeline(phases):
        granted_da = ramp.step(target_da, now_ms)
        assert granted_da <= target_da
        if granted_da > last_da:
            assert granted_da - last_da <= 31
            assert rose_ms is None or now_ms - rose_ms >= 1000
            assert fell_ms is None or now_ms - fell_ms >= hold_ms
            rose_ms = now_ms
        if granted_da < last_da:
            assert granted_da == target_da
            fell_ms = now_ms
        last_da = granted_da


@profile(max_examples=100, deadline=None)
@given(phases=PHASES, hold_ms=HOLDS, targets=st.lists(TARGETS, min_size=2, max_size=6))
def test_after_the_same_past_a_lower_target_never_grants_more(
    phases: list[tuple[int, int, int]], hold_ms: int, targets: list[int]
) -> None:
    ramp = Ramp(3140, hold_ms, 50, 10, 0)
    now_ms = 0
    for target_da, now_ms in timeline(phases):
        ramp.step(target_da, now_ms)
    granted = [copy(ramp).step(target_da, now_ms + 1000) for target_da in sorted(targets)]
    assert granted == sorted(granted)
