"""The flash of a gateway after hours without its broker."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gateway.config import Config
from host_tools.bench.cell_data import NOISES_MV, PROFILES, generate, samples
from host_tools.bench.processes import micropython_client, run_json
from host_tools.errors import UserError

_CLIENT = "journal_backlog.py"
_HEAP = "6m"
_CPU = 0
_FRAMES = 64
_TIMEOUT_S = 900
_TELEMETRY = (
    "segment_bytes",
    "capacity_bytes",
    "events_pm",
    "flush_ms",
    "fine_period_ms",
    "minute_period_ms",
)


@dataclass(frozen=True)
class Backlog:
    """An image of the flash and what is on it; `ends` holds the last record of each lane."""

    image: Path
    boot: int
    ends: dict[int, int]
    hours: float
    recorded_per_s: float  # bytes of records, when they were made
    message_bytes: int  # of all messages that bring them upstream
    messages: int
    build_per_s: float  # bytes of messages, when nothing else is done


def prepare(config: Config, wanted: int, folder: Path, used: Path | None = None) -> Backlog:
    """`wanted` bytes of records of a site at rest, on a copy of the flash `used` or on a new one.

    UserError when they do not fit.
    """
    image = folder / "backlog.img"
    image.unlink(missing_ok=True)
    if used is not None:
        shutil.copyfile(used, image)
    options = folder / "options.json"
    options.write_text(json.dumps(_options(config, wanted, folder) | {"image": str(image)}))
    client = micropython_client(_CLIENT, _HEAP)
    made = run_json(client, "make", options, cpu=_CPU, timeout_s=_TIMEOUT_S)
    if made["dropped"]:
        raise UserError(f"{wanted} bytes of backlog do not fit on the flash")
    copy = folder / "read.img"
    shutil.copyfile(image, copy)
    options.write_text(json.dumps(json.loads(options.read_text()) | {"image": str(copy)}))
    read = run_json(client, "read", options, cpu=_CPU, timeout_s=_TIMEOUT_S)
    copy.unlink()
    return Backlog(
        image=image,
        boot=made["boot"],
        ends=dict(made["ends"]),
        hours=made["seconds"] / 3600,
        recorded_per_s=made["bytes"] / made["seconds"],
        message_bytes=read["bytes"],
        messages=read["messages"],
        build_per_s=read["bytes"] / read["seconds"],
    )


def _options(config: Config, wanted: int, folder: Path) -> dict[str, object]:
    cells, temps = config.integer("cells_per_rack"), config.integer("temps_per_rack")
    rest = next(profile for profile in PROFILES if profile.name == "rest")
    data = generate(replace(rest, frames=_FRAMES), NOISES_MV[0])
    rows = np.hstack((_wide(data.cells_mv, cells), _wide(data.temps_dc, temps)))
    readings = folder / "readings"
    readings.write_bytes(rows.astype("<i2").tobytes())
    return {
        "readings": str(readings),
        "frames": _FRAMES,
        "summaries": samples(data),
        "racks": len(config.racks),
        "cells": cells,
        "temps": temps,
        "bytes": wanted,
        "batch_bytes": config.integer("uplink.batch_bytes"),
    } | {name: config.integer(f"telemetry.{name}") for name in _TELEMETRY}


def _wide(
    columns: np.ndarray[tuple[int, int], np.dtype[np.int64]], count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The first `count` columns, from the first on again when there are fewer."""
    return columns[:, np.arange(count) % columns.shape[1]]
