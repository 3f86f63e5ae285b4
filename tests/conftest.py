"""Shared by all tests on CPython: what needs a tool says so, and CI lets no tool be missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from host_tools.toolchain.interpreter import Found, locate
from host_tools.toolchain.tools import find_tool, install_command

pytest_plugins = ["workers"]
# MicroPython only; test_upy.py runs them
collect_ignore = ["upy", "upy_unittest"]

UPY_SKIP = "skipped under MicroPython"


def need_tool(tool: str) -> str:
    """Path of a program, of `micropython` or of one `micropython with TLS`.

    Without it the test is skipped; in CI it fails.
    """
    if tool.startswith("micropython"):
        found = locate()
        good = isinstance(found, Found) and (found.tls or tool == "micropython")
        path = str(found.path) if isinstance(found, Found) and good else None
        hint = "gatewayctl toolchain --build"
    else:
        path, hint = find_tool(tool), install_command(tool)
    if path is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"missing tool: {tool} ({hint})")
    return path


@pytest.fixture
def need() -> Callable[[str], Path]:
    """`need("mosquitto")` gives the program's path, or skips (in CI: fails) the test."""
    return lambda tool: Path(need_tool(tool))


@pytest.fixture
def note_upy_skip(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes lines for the closing report: what a file skipped under MicroPython, and why."""
    return lambda line: record_property(UPY_SKIP, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for found in terminalreporter.stats.values() for each in found]
    skips = [
        line
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, line in report.user_properties
        if name == UPY_SKIP
    ]
    if skips:
        terminalreporter.section(UPY_SKIP)
        for line in sorted(skips):
            terminalreporter.line(line)
