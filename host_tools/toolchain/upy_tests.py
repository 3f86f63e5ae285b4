"""Test files under MicroPython: one process per file, a small heap, real exit codes.

`python -m host_tools.toolchain.upy_tests [FILE ...]` runs them without pytest; tests/test_upy.py
makes each a pytest item.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from host_tools.toolchain.interpreter import Found, locate
from host_tools.toolchain.paths import ROOT, micropython_path

# A board with 8 MB of RAM has more and an ESP32 without PSRAM less; objects of the 64-bit host
# take twice the bytes of a board's.
HEAP = "2m"
TIMEOUT_S = 200  # one that hangs; the longest takes 20 s of a processor that it may have to share
TESTS = ROOT / "tests"
_UNITTEST = TESTS / "upy_unittest"
_SUPPORT = TESTS / "shared" / "support"


@dataclass(frozen=True)
class Outcome:
    """One test file's run: its output, and whether every test in it passed."""

    passed: bool
    output: str

    @property
    def skips(self) -> list[str]:
        """`test name: reason` of each skipped test."""
        lines = self.output.splitlines()
        return [line.removeprefix("SKIP ") for line in lines if line.startswith("SKIP ")]


def test_files(tests: Path = TESTS) -> list[Path]:
    """Files to run: shared with CPython, and MicroPython's own."""
    found = [*tests.glob("shared/**/test_*.py"), *tests.glob("upy/**/test_*.py")]
    return sorted(found)


def run_file(interpreter: Path, test_file: Path, heap: str = HEAP) -> Outcome:
    """Run one file to its end or to TIMEOUT_S."""
    command = [
        str(interpreter),
        "-X",
        f"heapsize={heap}",
        str(_UNITTEST / "run_file.py"),
        str(test_file.resolve().parent),
        test_file.stem,
    ]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={"MICROPYPATH": micropython_path(_UNITTEST, _SUPPORT), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace")
        return Outcome(False, f"{output}\nstill running after {TIMEOUT_S} s")
    return Outcome(done.returncode == 0, done.stdout.decode(errors="replace"))


def main(arguments: list[str]) -> int:
    """Run the named files, or all; 0 when all passed, 1 when one failed, 2 without MicroPython."""
    found = locate()
    if not isinstance(found, Found):
        print(f"no MicroPython: {found.reason}", file=sys.stderr)
        return 2
    files = [Path(name) for name in arguments] or test_files()
    failed = 0
    for file in files:
        outcome = run_file(found.path, file)
        failed += not outcome.passed
        last_line = outcome.output.strip().rpartition("\n")[2]
        print(f"{'pass' if outcome.passed else 'FAIL'}  {file}: {last_line}")
        if not outcome.passed:
            print(outcome.output)
    print(f"MicroPython {found.version}: {len(files)} files, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
