"""The tests as they run against mutants: in this process, chosen, quick, and always the same."""

from __future__ import annotations

import importlib
import os
import sys
import time
import tomllib
import unittest
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import hypothesis
import pytest

from host_tools.toolchain.paths import ROOT

MOST_EXAMPLES = 15  # of a property: what is seen at all is mostly seen by then
FOLDERS = ("tests/shared/protection", "tests/shared/outputs", "tests/property")
PLAIN = "tests/shared/"  # there unittest does
_QUIET = (
    *("-q", "--no-header", "--tb=no", "-o", "faulthandler_timeout=0"),
    # else pytest would load our proof_test.py and power_up_test.py itself, and no mutant of them
    *("-o", "python_files=test_*.py"),
    *("-o", "cache_dir=build/mutation_cache"),  # `pytest --lf` is for real failures
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is there before pytest is
)


class Chosen:
    """Runs the tests of `ids` in this order and no others."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._places = {test: place for place, test in enumerate(ids)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep and sort."""
        items[:] = [item for item in items if item.nodeid in self._places]
        items.sort(key=lambda item: self._places[item.nodeid])


class Noted:
    """Calls `begin` with each test's id, and notes failures and seconds of processor time."""

    def __init__(self, begin: Callable[[str], object]) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self._begin = begin

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Around each test."""
        self._begin(item.nodeid)
        began_s = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began_s

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, call and tear-down each report once; a failed sub-test reports on its own."""
        if report.failed:
            self.failed.add(report.nodeid)


def run(files: Iterable[str], *plugins: object, options: Iterable[str] = ()) -> int:
    """pytest's exit status for `files`, relative to the project; says nothing."""
    os.chdir(ROOT)
    return int(pytest.main([*_QUIET, *options, *files], plugins=list(plugins)))


def passes(tests: Iterable[str], begin: Callable[[str], object]) -> bool:
    """Run tests of plain unittest, one after the other, up to the first failure.

    Without pytest, which takes longer than most of them do. `begin` is called with each.
    """
    os.chdir(ROOT)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    paths = settings["tool"]["pytest"]["ini_options"]["pythonpath"]
    sys.path[:0] = [str(ROOT / each) for each in paths]
    result = unittest.TestResult()
    for test in tests:
        begin(test)
        path, case, method = test.split("::")
        folder, name = os.path.split(path)
        if str(ROOT / folder) not in sys.path:
            sys.path.insert(0, str(ROOT / folder))
        try:
            module = importlib.import_module(name.removesuffix(".py"))
        except Exception:  # noqa: BLE001 - whatever a broken module raises, the test cannot pass
            return False
        getattr(module, case)(method).run(result)
        if not result.wasSuccessful():
            return False
    return True


def silence() -> None:
    """Send whatever this process prints from now on to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def quicken() -> None:
    """Fewer examples, the same ones each time, and no search for the smallest failure."""
    settings = hypothesis.settings
    settings.register_profile(
        "mutants",
        parent=settings.default,
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=MOST_EXAMPLES,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    settings.load_profile("mutants")
    make = settings.__init__

    def make_quick(self: hypothesis.settings, parent: Any = None, **wanted: Any) -> None:
        if isinstance(wanted.get("max_examples"), int):
            wanted["max_examples"] = min(wanted["max_examples"], MOST_EXAMPLES)
        make(self, parent, **wanted)

    settings.__init__ = make_quick  # type: ignore[method-assign]
