"""Nothing that the codec calculates needs more than a small integer of a 32-bit board."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_int import SmallArray, SmallInt

from gateway.telemetry import cell_codec_viper
from gateway.telemetry.cell_codec import MOST_CELLS, SIGNED_BIAS, CellEncoder
from gateway.telemetry.records import SAMPLE_FIELDS
from gateway.telemetry.summary_codec import LARGEST_BYTES, SummaryEncoder


@pytest.fixture(autouse=True, scope="module")
def small_ints():
    """Every word that machine code loads is a small integer, and what becomes of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_codec_viper, "int", SmallInt, raising=False)
        yield


def encode(encoder: CellEncoder, values: list[int]) -> int:
    """One frame; OverflowError when a number is none that stays."""
    encoder._work = SmallArray("I", encoder._work)
    encoder._chains = [SmallArray("H", chain) for chain in encoder._chains]
    bias = encoder._chains[0][-1]
    signed = bias == SIGNED_BIAS
    numbers = [value - bias for value in values]
    return encoder.encode(
        SmallArray("h" if signed else "H", numbers), False, bytearray(encoder.largest), 0
    )


@settings(max_examples=60)
@given(
    st.booleans(),
    st.lists(
        st.lists(
            st.one_of(st.sampled_from((0, 1, 0xFFFE, 0xFFFF)), st.integers(0, 0xFFFF)),
            min_size=5,
            max_size=5,
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_frames_of_any_values(signed: bool, frames: list[list[int]]) -> None:
    encoder = CellEncoder(5, SIGNED_BIAS if signed else 0)
    for values in frames:
        assert encode(encoder, values) > 0


def test_the_most_cells_with_the_largest_jumps() -> None:
    encoder = CellEncoder(MOST_CELLS)
    top = MOST_CELLS - 1
    # the mean leaps from end to end with one cell, while all others are not read
    for values in (
        [1] + [0xFFFF] * top,
        [0xFFFE] + [0] * top,
        [1] + [0xFFFF] * top,
        [1, 0xFFFE] * (MOST_CELLS // 2),
        [0xFFFE, 1] * (MOST_CELLS // 2),
        [0xFFFE] * MOST_CELLS,
        [1] * MOST_CELLS,
    ):
        assert encode(encoder, values) > 0


def test_the_guard_notices_a_number_that_is_too_large() -> None:
    with pytest.raises(OverflowError):
        cell_codec_viper._mean(SmallInt(3), 0, array("H", [0xFFFF] * 3), SmallInt(1 << 30))


@given(
    st.lists(
        st.lists(
            st.integers(-(1 << 28), 1 << 28),
            min_size=len(SAMPLE_FIELDS),
            max_size=len(SAMPLE_FIELDS),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_summaries(samples: list[list[int]]) -> None:
    encoder = SummaryEncoder()
    out = bytearray(LARGEST_BYTES)
    for values in samples:
        assert encoder.encode(SmallArray("i", values), False, out, 0) > 0
