"""Every shared and MicroPython-only test file, each in its own MicroPython process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from host_tools.toolchain import upy_tests


@pytest.mark.parametrize(
    "file", upy_tests.test_files(), ids=lambda path: str(path.relative_to(upy_tests.TESTS))
)
def test_under_micropython(
    file: Path, need: Callable[[str], Path], note_upy_skip: Callable[[str], None]
) -> None:
    outcome = upy_tests.run_file(need("micropython"), file)
    for line in outcome.skips:
        note_upy_skip(f"{file.name}: {line}")
    assert outcome.passed, outcome.output
