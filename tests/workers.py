"""How `pytest -n` shares the tests out: those in real time first, all others beside them.

Tests in real time mostly wait, but must not wait for a processor. They run in lanes: one worker
each, one test after the other. All others only compute; they take what is left of the processors,
at a lower priority.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

# Lanes that take about as long as each other, some six minutes; a file is in the first that fits.
LANES = {
    "whole-sites": (
        "tests/system/test_protection_matrix.py",
        "tests/system/test_run_scenarios.py",
        "tests/system/test_run_endings.py",
    ),
    "uplink": (
        "tests/system/test_uplink_",
        "tests/system/test_ingest.py",
        "tests/system/test_command_upstream.py",
        "tests/bench/",
    ),
    "real-time": (
        "tests/system/",
        "tests/simulate/test_faults_received.py",
        "tests/simulate/test_field.py",
        "tests/simulate/test_rs485_wire.py",
        "tests/simulate/test_serial_bus.py",
        "tests/simulate/test_simulated_site.py",
        "tests/simulate/test_tcp_server.py",
    ),
}
# Files whose tests build on each other: the last one asks what the others found; a board's life.
TOGETHER = ("tests/simulate/test_fault_matrix.py", "tests/board/test_deploy.py")
LONGEST = "tests/test_upy.py"  # begun last, one of its files would be waited for alone
_MOST_WORKERS = 8
_NICER_BY = 5

_IS_NICE = pytest.StashKey[bool]()


def lane_of(test: str) -> str | None:
    """The lane of a test, by its id; None when it may run beside any other."""
    for lane, begins in LANES.items():
        if test.startswith(begins):
            return lane
    return None


def is_narrow(option: object) -> bool:
    """Whether these options of pytest choose so few tests that workers would only cost time."""
    places = getattr(option, "file_or_dir", None) or []
    words = ("keyword", "markexpr", "lf", "stepwise")
    return (
        any(getattr(option, word, None) for word in words)
        or getattr(option, "capture", "") == "no"  # workers have no terminal
        or (bool(places) and all(".py" in place for place in places))
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: one worker for each lane and each processor, or none at all."""
    if is_narrow(config.option):
        return 0
    return min(len(LANES) + (os.cpu_count() or 1), _MOST_WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives a worker a lane, or one test after the other, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return lane_of(nodeid) or (file if file in TOGETHER else nodeid)

    config.option.loadscopereorder = False
    return Lanes(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: lanes first, then what takes longest."""
    if _is_worker(config):
        items.sort(key=lambda item: (not lane_of(item.nodeid), not _is_long(item.nodeid)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker that comes to the tests without a lane steps back for good."""
    stash = item.config.stash
    if _is_worker(item.config) and not lane_of(item.nodeid) and not stash.get(_IS_NICE, False):
        stash[_IS_NICE] = True
        os.nice(_NICER_BY)


def _is_long(test: str) -> bool:
    return test.startswith((LONGEST, *TOGETHER))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
