"""Faulty data while a danger is real: the rack is never weaker protected than with good data."""

from __future__ import annotations

import pytest

from host_tools.protection_matrix import data_faults, fault_matrix
from host_tools.protection_matrix.fault_matrix import DANGERS, RESIDUAL, Outcome, outcome

PAIRS = [(fault, danger) for fault in data_faults.NAMES for danger in DANGERS]
FASTEST_MS = 1000  # no level 3 of these rules has a shorter delay


@pytest.mark.parametrize("danger", DANGERS)
def test_with_good_data_the_rack_opens(danger: str) -> None:
    assert FASTEST_MS <= fault_matrix.good_data_ms(danger) <= 15_000


@pytest.mark.parametrize(("fault", "danger"), PAIRS)
def test_never_weaker_than_with_good_data(fault: str, danger: str) -> None:
    found = outcome(fault, danger)
    assert found.neighbour_closed
    if (fault, danger) in RESIDUAL:
        assert not found.safe, f"no longer left over: {found}"
    else:
        assert found.safe, found


def test_no_trip_is_missed_but_those_that_are_named() -> None:
    assert fault_matrix.drive() == (len(PAIRS), [])
    assert fault_matrix.missed_trips() == 0
    assert set(RESIDUAL) <= set(PAIRS)


def test_a_missed_trip_would_count(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [outcome("stuck", "cell_overvoltage"), outcome("duplicate", "cell_overvoltage")]
    monkeypatch.setattr(fault_matrix, "outcomes", lambda: iter(some))
    assert fault_matrix.missed_trips() == 0
    monkeypatch.setattr(fault_matrix, "RESIDUAL", {})
    assert fault_matrix.missed_trips() == 1
    assert fault_matrix.drive() == (2, ["stuck cell_overvoltage"])


@pytest.mark.parametrize(
    ("zero_ms", "open_ms", "safe"),
    [(None, None, False), (500, None, True), (None, 1000, True), (1100, 1001, False)],
)
def test_safe_means_open_or_without_current_in_time(
    zero_ms: int | None, open_ms: int | None, safe: bool
) -> None:
    assert Outcome("x", "y", 1000, zero_ms, open_ms, "", True).safe == safe
