"""The model itself: its detector against the firmware's, its table against hand-worked numbers."""

from __future__ import annotations

from detector_bench import DetectorBench
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_model import Detector, Point

SET, CLEAR = 3650, 3450
FRESH_MS = 1500
TIMES = st.sampled_from([0, 1, 5, 6, 500, 1000, 2000, 10000])
VALUES = [3300, CLEAR - 1, CLEAR, CLEAR + 1, 3550, SET - 1, SET, SET + 1, 3700]
PAUSES = [0, 1, 100, 499, 500, 501, 1000, FRESH_MS, FRESH_MS + 1, 9000]


@settings(max_examples=600, deadline=None)
@given(
    samples=st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(PAUSES)), max_size=120),
    delay_ms=TIMES,
    clear_ms=TIMES,
    side=st.sampled_from([1, -1]),
)
def test_model_and_firmware_agree_on_one_detector(
    samples: list[tuple[int, int]], delay_ms: int, clear_ms: int, side: int
) -> None:
    model = Detector(Point(SET * side, CLEAR * side, delay_ms, clear_ms, side), FRESH_MS)
    real = DetectorBench(SET * side, CLEAR * side, delay_ms, clear_ms, side)
    at = 0
    for number, (value, pause_ms) in enumerate(samples):
        at += pause_ms
        elapsed_ms = 0 if number == 0 else min(pause_ms, FRESH_MS)
        model.sample(value * side, at)
        real.step(value * side, elapsed_ms, number > 0 and pause_ms > FRESH_MS)
        assert real.active == model.active, number
        assert real.running == model.running, number


def fed(pairs: list[tuple[int, int]], delay_ms: int, clear_ms: int) -> Detector:
    detector = Detector(Point(SET, CLEAR, delay_ms, clear_ms), FRESH_MS)
    at = 0
    for value, pause_ms in pairs:
        at += pause_ms
        detector.sample(value, at)
    return detector


def test_numbers_worked_by_hand() -> None:
    bad, good, band = 3700, 3300, 3500
    # (samples as (value, ms since the one before), delay, clear delay, active afterwards)
    table = (
        ([(bad, 0), (bad, 500), (bad, 500)], 1000, 0, True),
        ([(bad, 0), (bad, 500), (bad, 494)], 1000, 0, False),
        ([(bad, 0), (bad, 500), (bad, 495)], 1000, 0, True),
        ([(bad, 0), (good, 1500)], 1000, 0, False),  # a good sample never sets
        ([(bad, 0), (band, 1000)], 1000, 0, True),  # in the band the verdict stays
        ([(bad, 0), (bad, 9000)], 2000, 0, False),  # 1500 ms of it were fresh
        ([(bad, 0), (bad, 9000), (bad, 500)], 2000, 0, True),
        ([(bad, 0), (bad, 600), (good, 0), (bad, 1200), (bad, 400)], 1000, 0, False),
        ([(bad, 0), (bad, 600), (good, 0), (bad, 400), (bad, 595)], 1000, 0, True),
        ([(bad, 0)], 0, 0, True),
        ([(bad, 0), (good, 1000)], 0, 1000, True),  # before it was good, it was bad
        ([(bad, 0), (good, 1000), (good, 1000)], 0, 1000, False),
        ([(bad, 0), (good, 1000), (good, 1501)], 0, 1000, True),  # a gap clears nothing
        ([(bad, 0), (good, 0), (good, 999), (band, 1), (good, 999)], 0, 1000, True),
    )
    for pairs, delay_ms, clear_ms, active in table:
        assert fed(pairs, delay_ms, clear_ms).active is active, pairs
