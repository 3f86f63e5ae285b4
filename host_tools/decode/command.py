"""`gatewayctl decode`: telemetry from flash images and saved messages, for people and tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.telemetry.records import LANES
from host_tools.decode.lines import all_lines, box_lines
from host_tools.decode.sources import Found, read_sources
from host_tools.toolchain.progress import say


def main(
    paths: Sequence[str],
    as_json: bool = False,
    csv_folder: str = "",
    parquet_folder: str = "",
    drawing: str = "",
) -> int:
    """Print, or write files when any is asked for; 1 when something is damaged. UserError."""
    found = read_sources(paths)
    if csv_folder or parquet_folder:
        _export(found, csv_folder, parquet_folder)
    if drawing:
        from host_tools.decode.plot import write_plot

        write_plot(Path(drawing), found)
        say(drawing)
    if as_json:
        print(json.dumps([_tree(each) for each in found]))
    elif not (csv_folder or parquet_folder or drawing):
        for each in found:
            _print(each)
    problems = [f"{each.name}: {problem}" for each in found for problem in each.problems]
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def _export(found: list[Found], csv_folder: str, parquet_folder: str) -> None:
    from host_tools.decode.export import write_csv, write_parquet

    if csv_folder:
        for path in write_csv(Path(csv_folder), found):
            say(str(path))
    if parquet_folder:
        say(f"{parquet_folder}: {write_parquet(Path(parquet_folder), found)} rows added")


def _print(found: Found) -> None:
    for text in all_lines(found):
        print(text)
    for box in found.boxes:
        for text in box_lines(box, found.rack_names):
            print(text)
    frames = sum(len(block.frames) for block in found.blocks)
    total = f"{found.name}: {len(found.records)} records, {frames} samples of racks"
    if found.image is not None:
        cursors = ", ".join(
            f"{lane} boot {boot} record {seq}"
            for lane, (boot, seq) in zip(LANES, found.image.cursors, strict=True)
        )
        total += (
            f", {len(found.image.backlog)} records after the cursors ({cursors}),"
            f" {len(found.image.damaged)} damaged files"
        )
    print(total)


def _tree(found: Found) -> dict[str, object]:
    tree: dict[str, object] = {
        "name": found.name,
        "records": [_plain(record) for record in found.records],
        "blocks": [asdict(block) for block in found.blocks],
        "black_boxes": [asdict(box) for box in found.boxes],
        "problems": found.problems,
    }
    if found.image is not None:
        tree["cursors"] = dict(zip(LANES, found.image.cursors, strict=True))
        tree["backlog"] = len(found.image.backlog)
        tree["damaged"] = found.image.damaged
    return tree


def _plain(record: Any) -> dict[str, object]:
    plain = {"kind": type(record).__name__.lower()} | asdict(record)
    if isinstance(plain.get("payload"), bytes):
        plain["payload"] = plain["payload"].hex()
    return plain
