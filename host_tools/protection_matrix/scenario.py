"""A run as a scenario file, as `make run SCENARIO=path` takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.config.rules import OPEN
from host_tools.protection_matrix.case import Case, Run, Tree
from host_tools.protection_matrix.runs import LOAD

# Faults whose kind says itself what the verdict has to expect.
_DRIVEN_LEVELS = (1, 2, 3)


def text(run: Run) -> str:
    """The file."""
    lines = [f'title = "{run.title}"', f"load = {LOAD}", f"config = {_value(run.config)}"]
    for table, entry in _tables(run):
        lines += ["", f"[[{table}]]", *(f"{key} = {_value(each)}" for key, each in entry.items())]
    expect = {"trips": _trips(run), "levels": _levels(run)}
    lines += ["", "[expect]", *(f"{key} = {_value(each)}" for key, each in expect.items())]
    return "\n".join(lines) + "\n"


def _tables(run: Run) -> Iterator[tuple[str, Tree]]:
    for case in run.cases:
        rack = run.rack_of(case)
        for fault in case.faults:
            assert rack is not None  # it has faults
            begin = case.at + fault.get("begin", 0)
            times = {"begin": begin}
            if "end" in fault:
                times["end"] = case.at + fault["end"]
            yield "fault", fault | {"racks": [rack + 1]} | times
        for name in case.inputs:
            yield "event", {"action": "input", "name": name, "at": case.at}
    for fault in run.extra:
        yield "fault", fault


def _says_itself(case: Case) -> bool:
    return any(
        fault.get("kind") == case.rule and fault.get("level") in _DRIVEN_LEVELS
        for fault in case.faults
    )


def _trips(run: Run) -> list[Tree]:
    found = []
    for case in run.cases:
        rack = run.rack_of(case)
        if case.reaction < OPEN or (rack is not None and _says_itself(case)):
            continue
        found.append({"rack": "all" if rack is None else rack + 1, "rule": case.rule})
    return found


def _levels(run: Run) -> list[Tree]:
    """A rule of the site comes to the highest of its cases; its lower ones are seen on the way."""
    reached: dict[tuple[int | None, str], int] = {}
    for case in run.cases:
        rack = run.rack_of(case)
        if case.reaction < OPEN and not _says_itself(case):
            key = rack, case.rule
            reached[key] = max(case.level, reached.get(key, 0))
    tripped = {case.rule for case in run.cases if case.reaction >= OPEN and not case.faults}
    found = [
        {"rack": "all" if rack is None else rack + 1, "rule": rule, "level": level}
        for (rack, rule), level in reached.items()
        if rack is not None or rule not in tripped
    ]
    return found + [
        {"rack": rack + 1, "rule": list(names), "level": level}
        for rack, names, level in run.levels
    ]


def _value(value: object) -> str:
    """As TOML, which JSON is but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
