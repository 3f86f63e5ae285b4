"""From an MQTT message to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.clock import NTP, UNSET
from gateway.config.checks import check_name
from gateway.config.settings import TEXTS
from gateway.telemetry import records as layout
from host_tools.decode.blocks import Block, decode_block
from host_tools.decode.records import (
    ClockRecord,
    DecodeError,
    Event,
    Gap,
    Packed,
    Record,
    Unknown,
    decode_message,
)
from host_tools.ingest import schema
from host_tools.ingest.black_box_rows import rows_of_part
from host_tools.ingest.frame_rows import LATEST_MS, of_frame, stamp
from host_tools.ingest.schema import Row, Rows

_LONGEST = {name: longest for name, longest, _, _ in TEXTS}


def rows_of_message(topic: str, payload: bytes) -> Rows:
    """All rows of one message; DecodeError when it is none of a gateway's."""
    words = topic.split("/")
    if len(words) != 5 or words[:2] != ["bess", "v1"]:
        raise DecodeError(f"topic {topic} is none of a gateway")
    site, gateway, stream = words[2:]
    _check_names(site=site, gateway=gateway)
    if stream == "blocks":
        block = decode_block(payload)
        if block.first == 0:
            raise DecodeError("a live block, which no record stands for")
        return rows_of_block(site, gateway, block)
    if stream == "log":
        return rows_of_records(site, gateway, decode_message(payload))
    raise DecodeError(f"topic {topic} carries neither log nor blocks")


def _check_names(**names: str) -> None:
    """As the gateway's configuration does; DecodeError."""
    problems: list[str] = []
    for what, name in names.items():
        if len(name) > _LONGEST[what]:
            raise DecodeError(
                f"a {what} whose name has {len(name)} characters, longest is {_LONGEST[what]}"
            )
        check_name(what, name, problems)
    if problems:
        raise DecodeError("; ".join(problems))


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
        record.checksum or None,
    )


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
    if record.quality > NTP:
        raise DecodeError(f"clock record of quality {record.quality}, known are 0 to {NTP}")
    quality = record.quality if record.at_utc_ms <= LATEST_MS else UNSET
    known = (record.at_uptime_ms, record.at_utc_ms, quality)
    return schema.CLOCKS.name, (*_record_head(gateway, record), *known)


def _of_packed(gateway: Row, record: Record) -> tuple[str, Row]:
    assert isinstance(record, Packed | Unknown)
    return schema.PACKED.name, (*_record_head(gateway, record), record.kind, record.payload)


_KINDS: dict[type[Record], Callable[[Row, Record], tuple[str, Row]]] = {
    Event: _of_event,
    Gap: _of_gap,
    ClockRecord: _of_clock,
    Packed: _of_packed,
    Unknown: _of_packed,
}
