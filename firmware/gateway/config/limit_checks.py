"""Reads and checks the protection limits of a configuration; each problem names its row."""

from __future__ import annotations

from gateway.config.checks import check_integer, no_such
from gateway.config.limits import Limit, Limits
from gateway.config.rules import (
    AUTOMATIC,
    GAP,
    HIGHEST,
    LATCH,
    LEVELS,
    LONGEST_MS,
    LOWEST,
    NAME,
    NAMES,
    NONE,
    REACTIONS,
    RULES,
    SCOPE,
    SIDE,
    SUMMARY,
    UNIT,
    VARIANTS,
    WAIT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


_LEVEL_KEYS = ("set", "clear", "delay_ms", "clear_delay_ms")
_RANGES = {"delay_ms": (0, 120000), "clear_delay_ms": (0, 3600000)}
_LEVEL_2 = 1
_LEVEL_3 = 2
_SHORTEST_RELEASE_MS = 5000  # of what closes again by itself
# Stages of the site's inputs: the set point of a level is the stage that means it.
_STAGES = {
    "gas": (1, 2, 3),
    "smoke": (1, 1, 2),
    "estop": (0, 0, 1),
    "door": (1, 0, 0),
    "leak": (0, 1, 0),
    "coolant": (1, 2, 0),
}


def load_limits(tree: object, sample_ms: int, problems: list[str]) -> Limits:
    """The limits of all rules and variants, complete when there was no problem.

    `sample_ms`: time between two summaries of a rack in trouble; no delay may be shorter than two
    of them.
    """
    limits = Limits()
    if not isinstance(tree, dict):
        problems.append("limits: missing")
        return limits
    rows: list[Sequence[Any]] = list(RULES)
    for name, base, low, high in VARIANTS:
        variant = list(RULES[NAMES.index(base)])
        variant[NAME], variant[LOWEST], variant[HIGHEST] = name, low, high
        rows.append(variant)
    for row in rows:
        levels = _levels(row, tree, sample_ms, problems)
        if levels is not None:
            limits.put(row[NAME], levels)
    for rule in tree:
        if rule not in [row[NAME] for row in rows]:
            no_such("limits.", rule, "rule", [row[NAME] for row in rows], problems)
    return limits


def _levels(
    row: Sequence[Any], tree: dict[str, Any], sample_ms: int, problems: list[str]
) -> tuple[Limit | None, ...] | None:
    """The levels of one row, or None when something is wrong."""
    rule = row[NAME]
    entry = tree.get(rule)
    if not isinstance(entry, dict):
        what = "needs levels, like [limits.%s.l3]" % rule if rule in tree else "missing"
        problems.append("limits.%s: %s" % (rule, what))
        return None
    before = len(problems)
    levels: list[Limit | None] = []
    for number, level in enumerate(LEVELS):
        name = "limits.%s.%s" % (rule, level)
        if row[REACTIONS][number] == NONE:
            if level in entry:
                problems.append("%s: this rule has no such level" % name)
            levels.append(None)
            continue
        limit = _limit(name, entry.get(level), problems)
        if limit is not None:
            _check_limit(name, row, number, limit, sample_ms, problems)
        levels.append(limit)
    for key in entry:
        if key not in LEVELS:
            problems.append("limits.%s.%s: no such level" % (rule, key))
    if len(problems) == before:
        _check_order(row, levels, problems)
    return tuple(levels) if len(problems) == before else None


def _limit(name: str, entry: object, problems: list[str]) -> Limit | None:
    keys = ", ".join(_LEVEL_KEYS)
    if not isinstance(entry, dict):
        problems.append("%s: needs %s" % (name, keys))
        return None
    before = len(problems)
    for key in entry:
        if key not in _LEVEL_KEYS:
            problems.append("%s.%s: no such key; there are: %s" % (name, key, keys))
    for key in _LEVEL_KEYS:
        low, high = _RANGES.get(key, (-1000000, 1000000))
        if key in entry:
            check_integer("%s.%s" % (name, key), entry[key], low, high, "", problems)
        else:
            problems.append("%s.%s: missing" % (name, key))
    return Limit(*[entry[key] for key in _LEVEL_KEYS]) if len(problems) == before else None


def _check_limit(
    name: str, row: Sequence[Any], number: int, limit: Limit, sample_ms: int, problems: list[str]
) -> None:
    side = row[SIDE]
    check_integer(name + ".set", limit.set_point, row[LOWEST], row[HIGHEST], row[UNIT], problems)
    nearest_clear = limit.set_point - row[GAP] * side
    if (nearest_clear - limit.clear_point) * side < 0:
        problems.append(
            ("%s.clear: %d, with set %d it needs at %s %d %s" % (
                name, limit.clear_point, limit.set_point,
                "most" if side > 0 else "least", nearest_clear, row[UNIT],
            )).rstrip()
        )  # fmt: skip
    longest_ms = row[LONGEST_MS][number - _LEVEL_2] if number >= _LEVEL_2 else limit.delay_ms
    if limit.delay_ms > longest_ms:
        problems.append("%s.delay_ms: %d is above %d ms" % (name, limit.delay_ms, longest_ms))
    reopens = row[LATCH] in (AUTOMATIC, WAIT) and number == _LEVEL_3
    if reopens and limit.clear_ms < _SHORTEST_RELEASE_MS:
        problems.append("%s.clear_delay_ms: below %d ms" % (name, _SHORTEST_RELEASE_MS))
    if row[NAME] in _STAGES and limit.set_point != _STAGES[row[NAME]][number]:
        problems.append("%s.set: must be %d" % (name, _STAGES[row[NAME]][number]))
    if row[SCOPE] == SUMMARY and limit.delay_ms < 2 * sample_ms:
        problems.append("%s.delay_ms: below two sample periods, %d ms" % (name, 2 * sample_ms))


def _check_order(row: Sequence[Any], levels: list[Limit | None], problems: list[str]) -> None:
    """Each level beyond the one before, or at the same value with a longer delay."""
    lower: Limit | None = None
    before = ""
    for number, limit in enumerate(levels):
        if limit is None:
            continue
        if lower is not None:
            beyond = (limit.set_point - lower.set_point) * row[SIDE]
            if beyond < 0 or (beyond == 0 and limit.delay_ms <= lower.delay_ms):
                problems.append(
                    "limits.%s.%s: %d after %d ms must be set beyond %s, %d after %d ms"
                    % (
                        row[NAME], LEVELS[number], limit.set_point, limit.delay_ms,
                        before, lower.set_point, lower.delay_ms,
                    )
                )  # fmt: skip
        lower, before = limit, LEVELS[number]
