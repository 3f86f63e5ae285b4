"""From an MQTT message to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from gateway.clock import UNSET
from gateway.telemetry import records as layout
from host_tools.decode.blocks import Block, decode_block
from host_tools.decode.records import (
    CellFrame,
    ClockRecord,
    DecodeError,
    Event,
    Gap,
    Packed,
    Record,
    Sample,
    Unknown,
    decode_message,
)
from host_tools.ingest import schema
from host_tools.ingest.black_box_rows import rows_of_part
from host_tools.ingest.frame_rows import LATEST_MS, NO_SUMMARY, of_frame, smalls, stamp, summary
from host_tools.ingest.schema import Row, Rows


def rows_of_message(topic: str, payload: bytes) -> Rows:
    """All rows of one message; DecodeError when it is none of a gateway's."""
    words = topic.split("/")
    if len(words) != 5 or words[:2] != ["bess", "v1"]:
        raise DecodeError(f"topic {topic} is none of a gateway")
    site, gateway, stream = words[2:]
    if stream == "blocks":
        block = decode_block(payload)
        if block.first == 0:
            raise DecodeError("a live block, which no record stands for")
        return rows_of_block(site, gateway, block)
    if stream == "log":
        return rows_of_records(site, gateway, decode_message(payload))
    raise DecodeError(f"topic {topic} carries neither log nor blocks")


def rows_of_block(site: str, gateway: str, block: Block) -> Rows:
    """One row per frame."""
    head = (site, gateway, block.boot, block.lane, block.rack, block.first, block.last)
    return {schema.FRAMES.name: [of_frame(head, frame) for frame in block.frames]}


def rows_of_records(site: str, gateway: str, records: Iterable[Record]) -> Rows:
    """One row per record."""
    rows: Rows = {}
    for record in records:
        translate = _KINDS.get(type(record))
        if translate is None:
            raise DecodeError(f"no table for {type(record).__name__}")
        head = (site, gateway, record.boot, record.lane)
        table, row = translate(head, record)
        rows.setdefault(table, []).append(row)
        if isinstance(record, Packed) and record.kind == layout.BLACK_BOX:
            for more, of_table in rows_of_part(head, record).items():
                rows.setdefault(more, []).extend(of_table)
    return rows


def _record_head(gateway: Row, record: Record) -> Row:
    return (
        *gateway,
        record.seq,
        *stamp(record.uptime_ms, record.utc_ms, record.clock_quality),
    )


def _frame_head(gateway: Row, record: Record, rack: int) -> Row:
    moment = stamp(record.uptime_ms, record.utc_ms, record.clock_quality)
    return (*gateway, rack, record.seq, record.seq, *moment)


def _of_sample(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, Sample)
    head = _frame_head(gateway, record, record.rack)
    return schema.FRAMES.name, (*head, *summary(asdict(record)), None, None, None)


def _of_cells(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, CellFrame)
    age_ms = (record.uptime_ms - record.acquired_ms) & 0xFFFFFFFF
    head = _frame_head(gateway, record, record.rack)
    arrays = (min(age_ms, 0x7FFFFFFF), smalls(record.cells_mv), smalls(record.temps_dc))
    return schema.FRAMES.name, (*head, *NO_SUMMARY, *arrays)


def _of_event(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, Event)
    return schema.EVENTS.name, (
        *_record_head(gateway, record),
        record.code,
        record.name,
        None if record.rack == layout.NO_RACK else record.rack,
        None if record.rule == 255 else record.rule,
        record.level,
        record.value,
        record.limit,
        record.text.replace("\0", "\N{REPLACEMENT CHARACTER}"),  # no text of SQL holds it
    )


def _of_gap(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, Gap)
    lost = (record.lost_boot, record.first, record.last)
    return schema.GAPS.name, (*_record_head(gateway, record), *lost)


def _of_clock(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, ClockRecord)
    quality = record.quality if record.at_utc_ms <= LATEST_MS else UNSET
    known = (record.at_uptime_ms, record.at_utc_ms, quality)
    return schema.CLOCKS.name, (*_record_head(gateway, record), *known)


def _of_packed(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, Packed | Unknown)
    return schema.PACKED.name, (*_record_head(gateway, record), record.kind, record.payload)


_KINDS: dict[type[Record], Callable[[Row, Record], tuple[str, Row]]] = {
    Sample: _of_sample,
    CellFrame: _of_cells,
    Event: _of_event,
    Gap: _of_gap,
    ClockRecord: _of_clock,
    Packed: _of_packed,
    Unknown: _of_packed,
}
