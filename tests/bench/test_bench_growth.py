"""The comparison of the emulated board's figures with the committed ones."""

from __future__ import annotations

from host_tools.bench.board_costs import baseline, growth


def test_growth_is_told_beyond_five_per_cent_only() -> None:
    before = {"a": 100.0, "b": 100.0, "c": 100.0}
    assert growth({"a": 105.0, "b": 106.0, "c": 10.0}, before) == ["b: 106, was 100"]


def test_a_figure_that_one_side_lacks_is_told() -> None:
    assert growth({"a": 1.0}, {"b": 1.0}) == ["a: only measured", "b: only in the baseline"]


def test_the_committed_figures_are_there() -> None:
    names = baseline().keys()
    assert {"instructions_protection_per_rack", "heap_peak_bytes", "frozen_bytes"} <= names
