"""Periods and gaps, list by list."""

from __future__ import annotations

import pytest
from made_up_run import sample

from gateway.rack.data import GOOD, STALE, SUSPECT
from host_tools.run.timing import percentile, summary_gaps_ms


def test_gaps_are_those_of_one_rack_in_one_boot() -> None:
    records = [
        sample(1, 1, 0, 1, 100),
        sample(1, 2, 1, 1, 350),
        sample(1, 3, 0, 2, 600),
        sample(1, 4, 1, 2, 850),
        sample(2, 1, 0, 1, 90),
        sample(2, 2, 0, 2, 600),
    ]
    assert sorted(summary_gaps_ms(records, set())) == [500, 500, 510]
    assert summary_gaps_ms(reversed(records), {0}) == [500]


def test_a_summary_recorded_twice_counts_once_and_an_old_one_not_at_all() -> None:
    records = [
        sample(1, 1, 0, 1, 100),
        sample(1, 2, 0, 1, 100),
        sample(1, 3, 0, 1, 100, STALE),
        sample(1, 4, 0, 1, 100, SUSPECT),
        sample(1, 5, 0, 2, 1600, GOOD),
    ]
    assert summary_gaps_ms(records, set()) == [1500]


def test_a_number_that_wraps_is_another_number() -> None:
    assert summary_gaps_ms([sample(1, 1, 0, 65535, 100), sample(1, 2, 0, 0, 600)], set()) == [500]


@pytest.mark.parametrize(
    ("percent", "wanted"), [(1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)]
)
def test_percentile_is_a_value_that_occurred(percent: float, wanted: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == wanted


def test_percentile_of_few_and_of_none() -> None:
    assert percentile([7], 99) == 7
    assert percentile([500, 900], 99) == 900
    assert percentile([], 50) is None
