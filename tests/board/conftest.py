"""Shared by the tests on the emulated board; `make board-test` runs them, `make test` does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host_tools.emulator.memory import Memory
from host_tools.toolchain.emulated_board import Image, ensure_image, missing_tools
from host_tools.toolchain.tools import install_command


def _need_tools() -> None:
    """Without the emulator or the compiler: skipped; in CI that is a failure."""
    missing = missing_tools()
    if missing:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"missing tools: {', '.join(missing)} ({install_command(*missing)})")


@pytest.fixture(scope="session")
def image() -> Image:
    """The image of the board."""
    _need_tools()
    return ensure_image()


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """A board's memory with a formatted data flash."""
    memory = Memory(tmp_path / "memory")
    memory.format("data")
    return memory
