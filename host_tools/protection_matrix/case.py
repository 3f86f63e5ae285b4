"""What one case and one run are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.config.rules import LEVELS, NAMES, NONE, REACTIONS, RULES

Tree = dict[str, Any]
Pair = tuple[str, int]  # rule and level

LARGE = "energalactic-5015-0.5c"  # twelve racks of 416 cells
SMALL = "celestial-energy-835-800v-0.5c"  # two of them
BEGIN_S = 8.0  # the relays are closed, and what is granted stands well above what level 1 leaves


@dataclass(frozen=True)
class Case:
    """One level of one rule: `faults` are what is driven on a rack of its own, at `at` seconds.

    A fault is a table of a scenario file; its `begin` and `end` count from `at`. A rule of the
    site has `inputs` instead, which go to their alarm level at `at`; it acts on every rack.

    `takes_s`: earliest and latest time from there to the effect; None = the rule's own delay.
    `steady_s`: how long after `at` the effect must still be there. `relays` of the site must be as
    said `relays_s` after `at`, or as soon as the effect is due.
    """

    rule: str
    level: int
    faults: tuple[Tree, ...] = ()
    inputs: tuple[str, ...] = ()
    at: float = BEGIN_S
    takes_s: tuple[float, float] | None = None
    steady_s: float = 0.0
    relays: Mapping[str, bool] = field(default_factory=dict)
    relays_s: float | None = None

    @property
    def pair(self) -> Pair:
        """Its rule and level."""
        return self.rule, self.level

    @property
    def name(self) -> str:
        """As in the names of the tests."""
        return name_of(self.pair)

    @property
    def reaction(self) -> int:
        """What the level does, one of `gateway.config.rules`."""
        return int(RULES[NAMES.index(self.rule)][REACTIONS][self.level - 1])


@dataclass(frozen=True)
class Run:
    """One run of a whole site; rack n carries the nth case that has `faults`.

    `config` is laid over the site's configuration. `extra` are faults beside the cases, `levels`
    rules that they lead to: (rack, rules, level).
    """

    name: str
    title: str
    seconds: int
    cases: tuple[Case, ...]
    site: str = LARGE
    config: Tree = field(default_factory=dict)
    extra: tuple[Tree, ...] = ()
    levels: tuple[tuple[int, tuple[str, ...], int], ...] = ()

    def rack_of(self, case: Case) -> int | None:
        """Index of the rack that carries a case; None = all of them."""
        carried = [each for each in self.cases if each.faults]
        return carried.index(case) if case.faults else None


def all_pairs() -> list[Pair]:
    """Every level that exists, in the order of the table of rules."""
    return [
        (row[0], level)
        for row in RULES
        for level, reaction in enumerate(row[REACTIONS], 1)
        if reaction != NONE
    ]


def name_of(pair: Pair) -> str:
    """`cell_overvoltage-l3`."""
    rule, level = pair
    return f"{rule}-{LEVELS[level - 1]}"
