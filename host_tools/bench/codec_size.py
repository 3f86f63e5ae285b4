"""Bytes that the codec needs for cells, temperatures and summaries, without loss."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, replace

from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder
from gateway.telemetry.summary_codec import LARGEST_BYTES, SummaryEncoder
from host_tools.bench.cell_data import (
    CELLS,
    NOISES_MV,
    PROFILES,
    TEMPS,
    CellData,
    Integers,
    generate,
    noise_entropy_bytes,
    samples,
)
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.decode.cell_codec import CellChain
from host_tools.errors import UserError
from host_tools.toolchain.progress import step

CHUNK = 60  # frames from one key frame to the next
CELL_TARGET = 0.27  # bytes per cell and sample
ENTROPY_TARGET = 1.5
JSON_TARGET = 18
_NOISE_MV = NOISES_MV[0]  # that of the targets


@dataclass(frozen=True)
class Sizes:
    """Bytes per value or per summary of one data set; `entropy` is that of the noise alone."""

    name: str
    noise_mv: float
    cells: float
    largest_frame: int
    temps: float
    summary: float
    json: float
    entropy: float


def measure(effort: Effort) -> list[Metric]:
    """Every data set encoded as the device does it, decoded and compared; some 20 s."""
    found = []
    for profile in PROFILES:
        frames = min(profile.frames, effort.frames)
        for noise_mv in NOISES_MV:
            with step(f"codec: {profile.name}, {frames} frames, noise {noise_mv} mV"):
                found.append(_sizes(generate(replace(profile, frames=frames), noise_mv)))
    return _metrics(found)


def _sizes(data: CellData) -> Sizes:
    frames = len(data.cells_mv)
    cell_bytes, largest = _encoded(data.cells_mv, "H", CellEncoder(CELLS), CellChain())
    temp_encoder = CellEncoder(TEMPS, SIGNED_BIAS)
    temp_bytes, _ = _encoded(data.temps_dc, "h", temp_encoder, CellChain(signed=True))
    json_bytes = sum(len(json.dumps(row.tolist(), separators=(",", ":"))) for row in data.cells_mv)
    return Sizes(
        data.profile.name,
        data.noise_mv,
        cell_bytes / frames / CELLS,
        largest,
        temp_bytes / frames / TEMPS,
        _summary_bytes(samples(data)) / frames,
        json_bytes / frames / CELLS,
        noise_entropy_bytes(data.noise_mv),
    )


def _encoded(
    rows: Integers, typecode: str, encoder: CellEncoder, chain: CellChain
) -> tuple[int, int]:
    """Bytes of all frames and of the largest; UserError when one does not come back."""
    out = bytearray(encoder.largest)
    total = largest = 0
    for number, row in enumerate(rows):
        values = row.tolist()
        size = encoder.encode(array(typecode, values), number % CHUNK == 0, out, 0)
        if chain.decode(bytes(out), 0, size) != (values, size):
            raise UserError(f"codec: frame {number} is not what was encoded")
        total += size
        largest = max(largest, size)
    return total, largest


def _summary_bytes(rows: list[list[int]]) -> int:
    encoder = SummaryEncoder()
    out = bytearray(LARGEST_BYTES)
    return sum(
        encoder.encode(values, number % CHUNK == 0, out, 0) for number, values in enumerate(rows)
    )


def _metrics(found: list[Sizes]) -> list[Metric]:
    counted = [sizes for sizes in found if sizes.noise_mv == _NOISE_MV]
    worst = max(counted, key=lambda sizes: sizes.cells)
    near = max(found, key=lambda sizes: sizes.cells / sizes.entropy)
    json_worst = min(counted, key=lambda sizes: sizes.json / sizes.cells)
    metrics = [
        Metric(
            "codec_bytes_per_cell_sample",
            worst.cells,
            "B",
            baseline=worst.json,
            bound=worst.entropy,
            target=CELL_TARGET,
            at_most=True,
            details={"note": f"worst: {worst.name}; {CHUNK} frames per key frame"},
        )
    ]
    for sizes in found:
        name = f"codec_bytes_per_cell_{sizes.name}_{sizes.noise_mv:g}mv".replace(".", "")
        details = {
            "note": f"largest frame {sizes.largest_frame} B, summary {sizes.summary:.3g} B",
            "temps_bytes_per_value": round(sizes.temps, 4),
            "summary_bytes": round(sizes.summary, 2),
        }
        metrics.append(
            Metric(name, sizes.cells, "B", sizes.json, bound=sizes.entropy, details=details)
        )
    return [
        *metrics,
        Metric(
            "codec_over_noise_entropy",
            near.cells / near.entropy,
            "x",
            bound=1.0,
            target=ENTROPY_TARGET,
            at_most=True,
            details={"note": f"worst: {near.name}, noise {near.noise_mv} mV"},
        ),
        Metric(
            "codec_vs_json",
            json_worst.json / json_worst.cells,
            "x",
            target=JSON_TARGET,
            details={"note": f"worst: {json_worst.name}; array of numbers, no spaces"},
        ),
        Metric(
            "codec_bytes_per_temp",
            max(sizes.temps for sizes in found),
            "B",
            baseline=2.0,
            details={"note": "0.1 degC, noise 0.03 degC; baseline: 16 bits"},
        ),
        Metric(
            "codec_bytes_per_summary",
            max(sizes.summary for sizes in found),
            "B",
            baseline=46.0,
            details={"note": "24 fields; baseline: a sample record's payload"},
        ),
    ]
