"""What a person reads at the end of a run."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from host_tools.run.verdict import Verdict


def print_verdict(verdict: Verdict, console: Console) -> None:
    """A short table of figures, then one line per failed expectation."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for row in _rows(verdict.summary):
        table.add_row(*row)
    console.print(table)
    for text in verdict.warnings:
        console.print(f"warning: {text}", style="yellow", markup=False, highlight=False)
    for text in verdict.failures:
        console.print(f"failed: {text}", style="bold red", markup=False, highlight=False)
    if not verdict.failures:
        console.print("all expectations of the scenario hold", style="bold green")


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    period, cells = summary["summary_period_ms"], summary["cell_refresh_s"]
    temps = summary["temp_refresh_s"]
    telemetry, heap = summary["telemetry"], summary["heap"]
    rows = [
        ("gateway", f"{summary['interpreter']} {summary['interpreter_version']}"),
        (
            "racks, cells",
            f"{summary['racks']}, {summary['cells']}, for {summary['seconds']} s",
        ),
        ("summary period", f"p50 {period['p50']} ms, p99 {period['p99']}, max {period['max']}"),
        ("cell refresh", _refresh(cells)),
        ("temperatures", _refresh(temps)),
        ("records", ", ".join(f"{key} {value}" for key, value in telemetry.items())),
        ("heap", f"peak {heap['peak'] or 0} bytes, {heap['free'] or 0} free at the end"),
    ]
    rows += [("trip", _trip(trip)) for trip in summary["trips"]]
    rows += [
        (name, ", ".join(f"{key} {value}" for key, value in summary[name].items()))
        for name in ("broker", "restart", "silent", "happened")
        if summary.get(name)
    ]
    rows += [
        ("bus", ", ".join(f"{key} {value}" for key, value in bus.items()))
        for bus in summary["buses"]
    ]
    return rows


def _refresh(figures: dict[str, Any]) -> str:
    if figures["p50"] is None:
        return f"nothing was read twice in {figures['max']} s"
    return f"p50 {figures['p50']} s, longest wait {figures['max']} s"


def _trip(trip: dict[str, Any]) -> str:
    what = f"{trip['rack']} {trip['rule']} level {trip['level']}"
    if trip["reaction_ms"] is None:
        return f"{what}: relay at {trip['relay_ms']} ms"
    return f"{what}: relay {trip['reaction_ms']} ms after it was due"
