"""Which tests can see a change of a line: those that run it, the quickest first."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

from host_tools.errors import UserError
from host_tools.mutate import forked, suite
from host_tools.toolchain.paths import BUILD, ROOT

FIRMWARE = ROOT / "firmware"
SELECTION = BUILD / "mutation_tests.json"
_SLOWEST_RUN_S = 900  # of processor time
_SLOWEST_WALL_S = 3600
_PROPERTIES = "tests/property/"
_PROPERTIES_S = (
    12.0  # of them together, while their lines are counted; three times their real time
)


@dataclass(frozen=True)
class Selection:
    """`seconds` of processor time of each test; `lines`: module -> line -> tests that run it.

    `failing` are tests that fail without any mutant: they judge nothing.
    """

    digest: str
    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]
    failing: list[str]

    def stages(self, module: str, line: int) -> list[list[str]]:
        """Tests for a mutant of that line, in the order to try them: own, others, properties."""
        known = self.lines.get(module, {})
        own = module.rpartition(".")[2]
        tests = set(known.get(str(line), ()))
        if not tests:  # runs at import: files that use the module, and all of their tests,
            # because a test that compares a table runs no line of it
            users = {_file(test) for each in known.values() for test in each}
            tests = {test for test in self.seconds if _file(test) in users or _is_own(test, own)}
        if not tests:
            tests = set(self.seconds)
        tests -= set(self.failing)
        ordered = sorted(tests, key=lambda test: (not _is_own(test, own), self._s(test), test))
        stages: list[list[str]] = [[], [], []]
        properties_s = 0.0
        for test in ordered:
            if not test.startswith(_PROPERTIES):
                stages[0 if _is_own(test, own) else 1].append(test)
            elif properties_s < _PROPERTIES_S:
                properties_s += self._s(test)
                stages[2].append(test)
        return [stage for stage in stages if stage]

    def cost_s(self, module: str, line: int) -> float:
        """Seconds that all of them take."""
        return sum(self._s(test) for stage in self.stages(module, line) for test in stage)

    def _s(self, test: str) -> float:
        return self.seconds.get(test, 0.0)


def digest_of(paths: list[Path]) -> str:
    """Changes with every byte and name of these files."""
    text = hashlib.sha256()
    for path in sorted(paths):
        text.update(path.name.encode() + path.read_bytes())
    return text.hexdigest()


def tests_digest() -> str:
    """Changes with the tests and what they use."""
    folders = (ROOT / "tests" / "shared", ROOT / "tests" / "property", FIRMWARE / "gateway")
    return digest_of([path for folder in folders for path in folder.rglob("*.py")])


def select(path: Path = SELECTION) -> Selection:
    """What was measured last, or measure anew when a test or the firmware changed since."""
    digest = tests_digest()
    try:
        kept = json.loads(path.read_text())
        if kept["digest"] == digest:
            return Selection(**kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # then it is measured
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    child = forked.start(lambda: _measure(digest, path), _SLOWEST_RUN_S, _SLOWEST_WALL_S)
    ended, status = forked.reap()
    if ended != child or not path.exists():
        raise UserError(f"the tests could not be run without a mutant (status {status})")
    return Selection(**json.loads(path.read_text()))


def _measure(digest: str, path: Path) -> int:
    suite.silence()
    suite.quicken()
    folders = [str(FIRMWARE / "gateway" / name) for name in ("protection", "outputs")]
    watch = coverage.Coverage(data_file=None, config_file=False, source=folders)
    watch.start()
    noted = suite.Noted(watch.switch_context)
    suite.run(suite.FOLDERS, noted, options=["--continue-on-collection-errors"])
    watch.stop()
    data = watch.get_data()
    lines: dict[str, Any] = {}
    for file in data.measured_files():
        by_line = data.contexts_by_lineno(file)
        lines[module_of(Path(file))] = {
            str(line): [test for test in tests if test] for line, tests in by_line.items()
        }
    found = {
        "digest": digest,
        "seconds": {test: round(seconds, 4) for test, seconds in noted.seconds.items()},
        "lines": lines,
        "failing": sorted(noted.failed),
    }
    path.write_text(json.dumps(found))
    return 0


def module_of(path: Path) -> str:
    """`gateway.protection.ramp` for its file."""
    return ".".join(path.relative_to(FIRMWARE).with_suffix("").parts)


def _file(test: str) -> str:
    return test.partition("::")[0]


def _is_own(test: str, module: str) -> bool:
    return Path(_file(test)).name.startswith(f"test_{module}")
