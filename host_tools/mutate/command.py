"""`gatewayctl mutate`: how many small errors in what protects would the tests notice?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.mutate import verdicts as kept
from host_tools.mutate.campaign import Campaign
from host_tools.mutate.mutants import Mutant, mutants_of
from host_tools.mutate.selection import FIRMWARE, Selection, digest_of, module_of, select
from host_tools.mutate.verdicts import Equivalent, Verdicts
from host_tools.toolchain.paths import ROOT
from host_tools.toolchain.progress import say, step

PACKAGES = ("protection", "outputs")


def main(only: list[str], minutes: float, processes: int, again: bool) -> int:
    """Try the mutants of all modules, or of those named `only`; 1 when one survived.

    Goes on where the last run ended; `again` forgets its verdicts. UserError for a module that is
    not there.
    """
    end_s = time.monotonic() + minutes * 60
    paths = _chosen(only)
    verdicts = Verdicts({module_of(path): digest_of([path]) for path in _all()})
    if not again:
        verdicts.load()
    equivalents = kept.equivalents()
    with step("which tests run which lines"):
        selection = select()
    if selection.failing:
        say(f"{len(selection.failing)} tests fail without a mutant and judge nothing:")
        for test in selection.failing:
            say(f"  {test}")
    campaign = Campaign(selection, verdicts, processes)
    seen: list[Mutant] = []
    finished = True

    def save() -> None:
        verdicts.save(summary(seen, verdicts, equivalents, selection))

    for path in paths:
        began_s = time.monotonic()
        before = campaign.tried
        mutants = _mutants(path)
        seen += mutants
        if finished:
            real = (each for each in mutants if not kept.is_equivalent(each, equivalents))
            finished = campaign.run(real, end_s, save)
        if campaign.tried > before:
            say(_line(path, mutants, verdicts, time.monotonic() - began_s))
    found = summary(seen, verdicts, equivalents, selection)
    verdicts.save(found)
    _report(found, finished, campaign.broken)
    return 1 if found["survived"] else 0


def summary(
    mutants: list[Mutant], verdicts: Verdicts, equivalents: list[Equivalent], selection: Selection
) -> dict[str, Any]:
    """The figures: `score` = killed / (killed + survived) of all that were judged."""
    real = [each for each in mutants if not kept.is_equivalent(each, equivalents)]
    judged = [verdicts.by_key[each.key] for each in real if each.key in verdicts.by_key]
    survived = [verdict for verdict in judged if verdict.survived]
    changes = {(each.module, each.before, each.after) for each in mutants}
    modules = {each.module for each in mutants}
    stale = [
        each
        for each in equivalents
        if each.module in modules and (each.module, each.before, each.after) not in changes
    ]
    return {
        "score": round(1 - len(survived) / len(judged), 4) if judged else None,
        "mutants": len(mutants),
        "killed": len(judged) - len(survived),
        "timed_out": sum(verdict.outcome == kept.TIMED_OUT for verdict in judged),
        "survived": len(survived),
        "untried": len(real) - len(judged),
        "equivalent": len(mutants) - len(real),
        "stale_equivalents": [f"{each.module}: {each.before}" for each in stale],
        "failing_tests": selection.failing,
        "complete": modules == {module_of(path) for path in _all() if _mutants_exist(path)},
        "survivors": [
            {
                "at": f"{_file(verdict.module)}:{verdict.line}",
                "before": verdict.before,
                "after": verdict.after,
            }
            for verdict in survived
        ],
    }


def _report(found: dict[str, Any], finished: bool, broken: int) -> None:
    for each in found["survivors"]:
        print(f"{each['at']}\n  - {each['before']}\n  + {each['after']}")
    for each in found["stale_equivalents"]:
        print(f"no longer a mutant, but listed as equivalent: {each}")
    print(
        f"{found['killed']} killed, {found['survived']} survived,"
        f" {found['equivalent']} equivalent, {found['untried']} not tried; score {found['score']}"
    )
    if broken:
        print(f"{broken} trials ended without a verdict: run it again")
    if not finished:
        print("time is up: run it again to go on")


def _line(path: Path, mutants: list[Mutant], verdicts: Verdicts, seconds: float) -> str:
    judged = [verdicts.by_key[each.key] for each in mutants if each.key in verdicts.by_key]
    survived = sum(verdict.survived for verdict in judged)
    name = path.relative_to(FIRMWARE / "gateway").as_posix()
    return f"{name}: {len(mutants)} mutants, {survived} survived; {seconds:.0f} s"


def _mutants(path: Path) -> list[Mutant]:
    return mutants_of(module_of(path), path.read_text())


def _mutants_exist(path: Path) -> bool:
    return path.name != "__init__.py"


def _all() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((FIRMWARE / "gateway" / package).glob("*.py"))
    ]


def _chosen(only: list[str]) -> list[Path]:
    paths = _all()
    if not only:
        return paths
    known = {path.stem: path for path in paths}
    for name in only:
        if name not in known:
            raise UserError(f"no module {name!r}; there are: {', '.join(sorted(known))}")
    return [known[name] for name in only]


def _file(module: str) -> str:
    return str((FIRMWARE / (module.replace(".", "/") + ".py")).relative_to(ROOT))
