"""Time to encode one frame of cells on MicroPython, against its own json.dumps."""

from __future__ import annotations

import tempfile
from pathlib import Path

from host_tools.bench.cell_data import CELLS, NOISES_MV, PROFILES, generate
from host_tools.bench.codec_size import CHUNK
from host_tools.bench.processes import micropython_client, run_json
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, Series
from host_tools.toolchain.progress import step

CPU = 0
HEAP = "512k"
TARGET = 0.3  # of json.dumps
_REPEATS = 200
_PROFILE = PROFILES[2]  # current steps: no frame is like the one before


def measure(effort: Effort) -> list[Metric]:
    """The encoding metrics; some seconds."""
    program = micropython_client("encode_cells.py", HEAP)
    frames = generate(_PROFILE, NOISES_MV[0]).cells_mv[:CHUNK].astype("<u2")
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells"
        path.write_bytes(frames.tobytes())
        with step(f"encoding {CELLS} cells: {effort.rounds} rounds"):
            for _ in range(effort.rounds):
                result = run_json(program, path, CELLS, _REPEATS, cpu=CPU, timeout_s=120)
                for name, us in result["us_per_frame"].items():
                    found.setdefault(name, []).append(us)
    series = {name: Series(tuple(values)) for name, values in found.items()}
    used, json = series["used"], series["json"]
    details = {
        "note": ", ".join(f"{name} {one.median:.3g}" for name, one in series.items()),
        "variants": {name: one.as_json() for name, one in series.items()},
        "cells": CELLS,
        "heap": HEAP,
    }
    return [
        Metric("codec_encode_us_per_frame", used.median, "us", json.median, details=details),
        Metric(
            "codec_encode_vs_json",
            used.median / json.median,
            "x",
            target=TARGET,
            at_most=True,
            details={"note": "time of a frame over json.dumps of the same list"},
        ),
    ]
