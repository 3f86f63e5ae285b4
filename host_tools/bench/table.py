"""The figures of one run as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_tools.bench.results import RESULTS, Metric, rounded
from host_tools.toolchain.paths import ROOT

_NUMERIC = ("value", "baseline", "ratio", "bound")


def show(metrics: Sequence[Metric], machine: dict[str, Any], console: Console) -> None:
    """Print the table, the machine and where the details are."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("metric", *_NUMERIC, "unit", "target", "note"):
        table.add_column(
            name,
            justify="right" if name in _NUMERIC else "left",
            overflow="fold",
            no_wrap=name != "note",
        )
    for metric in metrics:
        table.add_row(metric.name, *_figures(metric), metric.unit, _target(metric), _note(metric))
    console.print(table)
    console.print(
        f"{machine['processor']} x {machine['processors']}, {machine['system']},"
        f" MicroPython {machine['micropython']}, CPython {machine['cpython']};"
        f" load before: {machine['load_before']}",
        style="dim",
    )
    if not machine["quiet"]:
        console.print("other programs were running: figures are only indicative", style="yellow")
    console.print(f"details: {RESULTS.relative_to(ROOT)}", style="dim")


def _figures(metric: Metric) -> list[str]:
    values = (metric.value, metric.baseline, metric.ratio, metric.bound)
    return ["" if value is None else f"{rounded(value):,}" for value in values]


def _target(metric: Metric) -> Text:
    if metric.target is None:
        return Text("")
    text = f"{'<=' if metric.at_most else '>='} {metric.target:g}"
    return Text(text, "green") if metric.met else Text(f"{text} missed", "bold red")


def _note(metric: Metric) -> str:
    return str(metric.details.get("note", ""))
