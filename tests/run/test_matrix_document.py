"""Every level of every rule has its test, and the document says which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.protection_matrix import command, document, runs, scenario
from host_tools.protection_matrix.case import Case, all_pairs
from host_tools.run import scenario_file


def test_every_level_that_exists_is_driven_by_one_case() -> None:
    assert document.without_test() == []
    assert set(runs.cases()) == set(all_pairs())


def test_a_level_without_a_case_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    first = runs.RUNS[0]
    monkeypatch.setattr(runs, "RUNS", (replace(first, cases=first.cases[1:]), *runs.RUNS[1:]))
    assert document.without_test() == [first.cases[0].name]
    assert "**none**" in document.text()


def test_two_cases_of_one_level_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS", (*runs.RUNS, runs.RUNS[0]))
    with pytest.raises(ValueError, match="cell_overvoltage-l1"):
        runs.cases()


def test_the_document_is_up_to_date() -> None:
    command.build(check=True)


def test_a_document_that_is_not_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "MATRIX.md"
    monkeypatch.setattr(document, "PATH", path)
    with pytest.raises(UserError, match="out of date"):
        command.build(check=True)
    command.build()
    command.build(check=True)
    path.write_text(path.read_text().replace("cell_overvoltage", "cell_overvolt"))
    with pytest.raises(UserError, match="matrix build"):
        command.build(check=True)


@pytest.mark.parametrize("run", runs.RUNS, ids=lambda run: run.name)
def test_a_run_is_a_scenario_file(run: runs.Run, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(scenario.text(run))
    found = scenario_file.load(path)
    faults = [fault for case in run.cases for fault in case.faults]
    assert len(found.fault) == len(faults) + len(run.extra)
    assert len(found.event) == sum(len(case.inputs) for case in run.cases)


def test_a_rack_carries_one_case() -> None:
    for run in runs.RUNS:
        racks = [run.rack_of(case) for case in run.cases if case.faults]
        assert racks == list(range(len(racks))) and len(racks) <= 12
    assert Case("door", 1).reaction > 0


def test_an_unknown_run_is_refused() -> None:
    with pytest.raises(UserError, match="voltages"):
        command.run("nonsense", "micropython")
