"""What became of each mutant: build/mutation.json, kept from run to run."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.mutate.mutants import Mutant
from host_tools.toolchain.paths import BUILD

RESULTS = BUILD / "mutation.json"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


@dataclass(frozen=True)
class Verdict:
    """`tests` is the digest of the tests that judged."""

    module: str
    line: int
    before: str
    after: str
    outcome: str
    tests: str

    @property
    def survived(self) -> bool:
        """No test failed."""
        return self.outcome == SURVIVED


@dataclass(frozen=True)
class Equivalent:
    """A change that no test can see, and why."""

    module: str
    before: str
    after: str
    why: str


class Verdicts:
    """Of all mutants of the modules that are as they were; `digests` tells which those are."""

    def __init__(self, digests: dict[str, str]) -> None:
        self._digests = digests
        self.by_key: dict[str, Verdict] = {}

    def load(self, path: Path = RESULTS) -> None:
        """Take what is still true: the verdicts on modules that did not change since."""
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); delete it") from error
        try:
            for key, entry in kept["verdicts"].items():
                verdict = Verdict(**entry)
                if kept["modules"].get(verdict.module) == self._digests.get(verdict.module, ""):
                    self.by_key[key] = verdict
        except (AttributeError, KeyError, TypeError) as error:
            raise UserError(f"{path}: holds no verdicts ({error}); delete it") from error

    def is_known(self, mutant: Mutant, tests: str) -> bool:
        """Whether it needs no trial: killed once, or survived these very tests."""
        verdict = self.by_key.get(mutant.key)
        return verdict is not None and (not verdict.survived or verdict.tests == tests)

    def note(self, mutant: Mutant, outcome: str, tests: str) -> None:
        """Keep an outcome."""
        self.by_key[mutant.key] = Verdict(
            mutant.module, mutant.line, mutant.before, mutant.after, outcome, tests
        )

    def save(self, summary: dict[str, Any], path: Path = RESULTS) -> None:
        """Write everything, in one step, so never half a file."""
        content = summary | {
            "modules": self._digests,
            "verdicts": {key: asdict(verdict) for key, verdict in sorted(self.by_key.items())},
        }
        part = path.with_suffix(".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(part, path)


def equivalents(path: Path = EQUIVALENT) -> list[Equivalent]:
    """The changes that count as no change; UserError when the list is not one."""
    try:
        entries = tomllib.loads(path.read_text()).get("mutant", [])
        return [Equivalent(**entry) for entry in entries]
    except (OSError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: {error}") from error


def is_equivalent(mutant: Mutant, known: list[Equivalent]) -> bool:
    """By module and by the lines before and after: numbers of lines move."""
    return any(
        (mutant.module, mutant.before, mutant.after) == (each.module, each.before, each.after)
        for each in known
    )
