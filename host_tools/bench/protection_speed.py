"""One evaluation of a rack's protection: its time and its heap."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from host_tools.bench import site_config
from host_tools.bench.processes import Json, cpython_client, micropython_client, run_json
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series
from host_tools.toolchain.progress import step

CPU = 0
HEAP = "1m"
_PORT = 15020  # nobody connects
_SCRIPT = "protection_step.py"
_KINDS = ("fresh", "between", "scans")


def measure(effort: Effort) -> list[Metric]:
    """Heap and time of one evaluation; about 20 s in full."""
    programs = {
        "micropython": micropython_client(_SCRIPT, HEAP),
        "cpython": cpython_client(_SCRIPT),
    }
    found: dict[str, list[Json]] = {name: [] for name in programs}
    with (
        step(f"protection of one rack: {effort.rounds} rounds"),
        tempfile.TemporaryDirectory() as folder,
    ):
        path = site_config.write(site_config.behind_one_endpoint(_PORT), Path(folder))
        for _ in range(effort.rounds):
            for name, program in programs.items():
                found[name].append(run_json(program, path, effort.steps, cpu=CPU, timeout_s=120))
    return [_heap(found["micropython"]), _time(found)]


def _heap(runs: list[Json]) -> Metric:
    """The most that any kind of evaluation allocated; the heap was locked besides."""
    bytes_of = {
        f"{state} {kind}": max(run[state][kind]["bytes"] for run in runs)
        for state in ("healthy", "busy")
        for kind in _KINDS
    }
    return Metric(
        "protection_eval_heap_bytes",
        max(bytes_of.values()),
        "B",
        bound=0,
        target=0,
        at_most=True,
        details={
            "note": "fresh summary, ageing, whole scans; healthy and with detectors counting;"
            " the same with the heap locked",
            "bytes": bytes_of,
        },
    )


def _time(found: dict[str, list[Json]]) -> Metric:
    series = {
        name: {
            f"{state} {kind}": Series(tuple(run[state][kind]["us"] for run in runs))
            for state in ("healthy", "busy")
            for kind in _KINDS
        }
        for name, runs in found.items()
    }
    ours, other = series["micropython"], series["cpython"]
    headline = "healthy fresh"
    return Metric(
        "protection_eval_us",
        ours[headline].median,
        "us",
        baseline=other[headline].median,
        details={
            "note": "fresh summary on MicroPython, baseline CPython; "
            + ", ".join(f"{name} {each.median:.3g}" for name, each in ours.items()),
            "us": {
                name: {kind: each.as_json() for kind, each in kinds.items()}
                for name, kinds in series.items()
            },
            "cells": site_config.cells(),
            "heap": HEAP,
            "all_racks_us": round(site_config.RACKS * median(ours[headline].samples), 1),
        },
    )
