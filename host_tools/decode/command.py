"""`gatewayctl decode`: the telemetry journal of a flash image, as lines or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from gateway.protection import rules
from gateway.rack.data import QUALITY_NAMES
from gateway.telemetry.records import NO_RACK
from host_tools.decode.journal_image import JournalImage, read_image
from host_tools.decode.records import CellFrame, Event, Gap, Record, Sample


def journal_image(path: str, as_json: bool = False) -> int:
    """Print every record of the image at `path`; 1 when a part of it is damaged."""
    image = read_image(Path(path))
    if as_json:
        print(json.dumps(_tree(image)))
    else:
        for record in image.records:
            print(line(record))
        boot, seq = image.cursor
        print(
            f"{len(image.records)} records, {len(image.backlog)} after the cursor"
            f" (boot {boot}, record {seq}), {len(image.damaged)} damaged files"
        )
    return 1 if image.damaged else 0


def line(record: Record) -> str:
    """One record as a line: boot, sequence number, uptime in seconds, what it says."""
    head = f"{record.boot:4d} {record.seq:8d} {record.uptime_ms / 1000:12.3f}  "
    return head + _text(record)


def _text(record: Record) -> str:
    if isinstance(record, Sample):
        quality = QUALITY_NAMES[record.quality] if record.quality < 4 else str(record.quality)
        return (
            f"sample {_rack(record.rack)} {quality:7} {record.rack_voltage_dv / 10:7.1f} V"
            f" {record.rack_current_da / 10:7.1f} A {record.soc_pm / 10:5.1f} %"
            f" {record.cell_min_mv}..{record.cell_max_mv} mV"
            f" {record.temp_min_dc / 10:.1f}..{record.temp_max_dc / 10:.1f} degC"
            f" level {record.level} {rules.name(record.rule)}"
        ).rstrip()
    if isinstance(record, Event):
        return f"event  {_rack(record.rack)} {record.name}: {record.text}".rstrip(": ")
    if isinstance(record, CellFrame):
        return (
            f"cells  {_rack(record.rack)} {len(record.cells_mv)} cells,"
            f" {len(record.temps_dc)} temperatures"
        )
    if isinstance(record, Gap):
        return f"gap    boot {record.lost_boot}, records {record.first}..{record.last} dropped"
    return "record of an unknown kind"


def _rack(index: int) -> str:
    return "site  " if index == NO_RACK else f"rack{index + 1:02d}"


def _tree(image: JournalImage) -> dict[str, object]:
    records = [
        {"kind": type(record).__name__.lower()} | asdict(record) for record in image.records
    ]
    for record in records:
        if "payload" in record:
            record["payload"] = record["payload"].hex()
    return {
        "cursor": list(image.cursor),
        "backlog": len(image.backlog),
        "damaged": image.damaged,
        "records": records,
    }
