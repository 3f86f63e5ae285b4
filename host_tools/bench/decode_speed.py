"""Registers of cells into the rack's data block: microseconds per cell on MicroPython."""

from __future__ import annotations

from host_tools.bench.processes import micropython_client, run_json
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series
from host_tools.toolchain.progress import step

CPU = 0
CELLS = 416
HEAP = "512k"
_REPEATS = 200


def measure(effort: Effort) -> list[Metric]:
    """The decoding metric; a few seconds."""
    program = micropython_client("decode_cells.py", HEAP)
    found: dict[str, list[float]] = {}
    with step(f"decoding {CELLS} cells: {effort.rounds} rounds"):
        for _ in range(effort.rounds):
            result = run_json(program, CELLS, _REPEATS, cpu=CPU, timeout_s=60)
            for name, us in result["us_per_cell"].items():
                found.setdefault(name, []).append(us)
    series = {name: Series(tuple(values)) for name, values in found.items()}
    return [
        Metric(
            "decode_us_per_cell",
            series["used"].median,
            "us",
            baseline=series["bytecode"].median,
            details={
                "note": ", ".join(f"{name} {one.median:.3g}" for name, one in series.items()),
                "variants": {name: one.as_json() for name, one in series.items()},
                "cells": CELLS,
                "heap": HEAP,
            },
        )
    ]
