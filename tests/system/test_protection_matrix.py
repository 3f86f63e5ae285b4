"""Every level of every protection, from the racks' registers or the inputs to relay and registers.

The gateway on MicroPython, the racks on Modbus TCP, the relays in the field; what each pair does
and on which run it rides stands in firmware/gateway/protection/MATRIX.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matrix_effects import Effects
from matrix_runs import MatrixRuns

from host_tools.protection_matrix.case import Pair, Run, name_of
from host_tools.protection_matrix.runs import ESCALATION, RUNS, cases

Need = Callable[[str], Path]
CASES = cases()


def chosen_runs(items: list[pytest.Item]) -> list[Run]:
    """Those that the chosen tests look at, in the order of the table."""
    wanted = set()
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if isinstance(parameters.get("run"), Run):
            wanted.add(parameters["run"].name)
        elif "pair" in parameters and parameters["pair"] in CASES:
            wanted.add(CASES[parameters["pair"]][0].name)
        elif item.name.startswith(test_a_welded_contactor_takes_the_site_down.__name__):
            wanted.add(ESCALATION.name)
    return [run for run in RUNS if run.name in wanted]


@pytest.fixture(scope="session")
def matrix_runs(request: pytest.FixtureRequest) -> Iterator[MatrixRuns]:
    runs = MatrixRuns(chosen_runs(request.session.items))
    yield runs
    runs.close()


@pytest.mark.parametrize("pair", [pytest.param(pair, id=name_of(pair)) for pair in CASES])
def test_input_reaches_output(pair: Pair, need: Need, request: pytest.FixtureRequest) -> None:
    need("micropython")
    run, case = CASES[pair]
    record = request.getfixturevalue("matrix_runs").record(run)
    rack = run.rack_of(case)
    for each in range(len(record["racks"])) if rack is None else [rack]:
        Effects(record, run, case, each).check()


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in RUNS])
def test_nothing_else_happened(run: Run, need: Need, request: pytest.FixtureRequest) -> None:
    """No trip that was not meant, no sample lost: the run's own verdict."""
    need("micropython")
    record = request.getfixturevalue("matrix_runs").record(run)
    assert record["failures"] == [], record["story"]


def test_a_welded_contactor_takes_the_site_down(
    need: Need, request: pytest.FixtureRequest
) -> None:
    need("micropython")
    record = request.getfixturevalue("matrix_runs").record(ESCALATION)
    welded, healthy = record["racks"][1], record["racks"][0]
    trip_ms = next(ms for ms, on in record["relays"][welded] if not on)
    assert record["contactors"][welded] == [record["contactors"][welded][0]]
    (site_ms,) = [ms for ms, on in record["relays"]["site"] if not on and ms < record["end_ms"]]
    assert 2500 <= site_ms - trip_ms <= 4500
    assert [limits[-1][-1] for limits in _by_direction(record["limits"][welded])] == [0, 0]
    assert all(on for ms, on in record["relays"][healthy] if ms < site_ms)


def _by_direction(changes: list[list[object]]) -> list[list[list[object]]]:
    return [
        [each for each in changes if each[1] == name]
        for name in ("charge_limit_da", "discharge_limit_da")
    ]
