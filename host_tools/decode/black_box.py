"""Black boxes from their records: what tripped, and what the racks did before and behind it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.telemetry import box_records as layout
from gateway.telemetry import records as record_layout
from gateway.telemetry import rewind
from host_tools.decode.cell_codec import CellChain
from host_tools.decode.records import DecodeError, Packed
from host_tools.decode.summary_codec import SummaryChain

_PART = struct.Struct(layout.PART)
_HEADER = struct.Struct(layout.HEADER_PAYLOAD)
_BLOCK = struct.Struct(layout.BLOCK)
_END = struct.Struct(layout.END_PAYLOAD)
_SUMMARY_FRAME = struct.Struct(rewind.SUMMARY_FRAME)
_CELL_FRAME = struct.Struct(rewind.CELL_FRAME)
_WRAP = 1 << 32  # of the uptime


@dataclass(frozen=True, slots=True)
class Trip:
    """A level 3 that became active. `rack` is 255 for a rule of the site.

    `value`, `set_point` and `clear_point` are in the rule's unit; `delay_ms` as configured,
    `counted_ms` as it was counted (None: not known). `samples` are the racks as they stood then,
    fields as in `frames.Frame.sample`. `refused`: earlier trips of this boot without a box.
    """

    rack: int
    rule: int
    rule_name: str
    level: int
    value: int
    set_point: int
    clear_point: int
    delay_ms: int
    counted_ms: int | None
    uptime_ms: int
    utc_ms: int
    clock_quality: int
    refused: int
    samples: tuple[dict[str, int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary as it was known at `uptime_ms`; `is_fast`: between two at the usual pace."""

    uptime_ms: int
    is_fast: bool
    sample: dict[str, int]


@dataclass(frozen=True, slots=True)
class Scan:
    """Cells in mV (0xFFFF: not read), temperatures in 0.1 degC (-32768: not read; None: none)."""

    uptime_ms: int
    cells: list[int]
    temps: list[int] | None


@dataclass(slots=True)
class RackHistory:
    """What a box holds of one rack, in the order of time."""

    summaries: list[Summary] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)


@dataclass(slots=True)
class BlackBox:
    """(boot, number) identifies a box of one gateway.

    `trips`: the one that began it, and further ones; empty when its header is missing. `shared`:
    number of the box of the same boot that holds the other racks' summaries. `lost`: blocks that
    the gateway could not store; None while the end is missing. `missing` names everything
    that is not there, and is empty for a box that is whole.
    """

    boot: int
    number: int
    rack: int
    trips: list[Trip] = field(default_factory=list)
    aftermath_s: int = 0
    shared: int = 0
    lost: int | None = None
    racks: dict[int, RackHistory] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Header:
    trip: Trip
    aftermath_s: int
    parts: int
    shared: int


def decode_boxes(records: Iterable[Packed]) -> list[BlackBox]:
    """All boxes among the records of one gateway, in any order; records that came twice count
    once, those of other kinds not at all. Never raises: what is wrong stands in `missing`.
    """
    boxes: dict[tuple[int, int], dict[int, Packed]] = {}
    for record in records:
        if record.kind != record_layout.BLACK_BOX or len(record.payload) < _PART.size:
            continue
        _, _, number, part = _PART.unpack_from(record.payload)
        boxes.setdefault((record.boot, number), {}).setdefault(part, record)
    return [_box(boot, number, boxes[boot, number]) for boot, number in sorted(boxes)]


def _box(boot: int, number: int, parts: dict[int, Packed]) -> BlackBox:
    first = parts[min(parts)]
    box = BlackBox(boot, number, first.payload[1])
    total = planned = 0
    for part in sorted(parts):
        try:
            parts_of_it, planned_of_it = _take(box, parts[part])
        except DecodeError as error:
            box.missing.append(f"record {part}: {error}")
            continue
        total, planned = max(total, parts_of_it), max(planned, planned_of_it)
        if parts[part].payload[0] == layout.AGAIN and part < planned:
            planned += 1  # it came in between
    _name_missing(box, sorted(parts), total, planned)
    for history in box.racks.values():
        anchor = first.uptime_ms
        history.summaries.sort(key=lambda each: _since(each.uptime_ms, anchor))
        history.scans.sort(key=lambda each: _since(each.uptime_ms, anchor))
    return box


def _take(box: BlackBox, record: Packed) -> tuple[int, int]:
    """Add one record; how many the whole box and its beginning have, 0 where it does not say."""
    what, rack, _, part = _PART.unpack_from(record.payload)
    if what in (layout.HEADER, layout.AGAIN):
        header = _header(record, rack)
        box.trips.append(header.trip)
        if what == layout.AGAIN:
            return 0, 0
        box.rack = rack
        box.aftermath_s = header.aftermath_s
        box.shared = header.shared
        return 0, part + 1 + header.parts
    if what == layout.END:
        if len(record.payload) != _PART.size + _END.size:
            raise DecodeError("is no end")
        total, box.lost = _END.unpack_from(record.payload, _PART.size)
        if box.lost:
            box.missing.append(
                f"{box.lost} blocks: moments of the minute before the trip that were overwritten"
                " before they were stored, or found no room"
            )
        return total, 0
    if what not in (layout.BEFORE, layout.OTHERS, layout.AFTER):
        raise DecodeError(f"unknown part {what}")
    _blocks(box, record.payload)
    return 0, 0


def _name_missing(box: BlackBox, parts: list[int], total: int, planned: int) -> None:
    if 0 not in parts:
        box.missing.insert(0, "its header")
    highest = max(total, planned, parts[-1] + 1)
    lost = sorted(set(range(1, highest)) - set(parts))
    if lost:
        box.missing.append("records " + _ranges(lost))
    if box.lost is None:
        box.missing.append("its end: the aftermath may go on")


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] as "1-3, 7"."""
    pieces: list[list[int]] = []
    for number in numbers:
        if pieces and number == pieces[-1][1] + 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    return ", ".join(f"{low}-{high}" if high > low else str(low) for low, high in pieces)


def _header(record: Packed, rack: int) -> _Header:
    payload = record.payload
    if len(payload) < _PART.size + _HEADER.size:
        raise DecodeError("header cut off")
    (
        rule, level, _, count, text_bytes, aftermath_s, parts, shared, refused,
        value, set_point, clear_point, delay_ms, counted_ms,
    ) = _HEADER.unpack_from(payload, _PART.size)  # fmt: skip
    at = _PART.size + _HEADER.size
    name = payload[at : at + text_bytes].decode("utf-8", "replace")
    at += text_bytes
    samples = []
    for _ in range(count):
        sample, at = SummaryChain().decode(payload, at, len(payload))
        samples.append(sample)
    if at != len(payload):
        raise DecodeError("bytes behind a header")
    trip = Trip(
        rack,
        rule,
        name,
        level,
        value,
        set_point,
        clear_point,
        delay_ms,
        None if counted_ms == layout.NO_DELAY else counted_ms,
        record.uptime_ms,
        record.utc_ms,
        record.clock_quality,
        refused,
        tuple(samples),
    )
    return _Header(trip, aftermath_s, parts, shared)


def _blocks(box: BlackBox, payload: bytes) -> None:
    at = _PART.size
    while at < len(payload):
        if at + _BLOCK.size > len(payload):
            raise DecodeError("a block is cut off")
        stream, rack, length, began_ms, cells, temps = _BLOCK.unpack_from(payload, at)
        at += _BLOCK.size
        end = at + length
        if end > len(payload):
            raise DecodeError("a block is cut off")
        history = box.racks.setdefault(rack, RackHistory())
        if stream == rewind.CELLS:
            _scans(history, payload, at, end, began_ms, cells, temps)
        elif stream in (rewind.STEADY, rewind.FAST):
            _summaries(history, payload, at, end, began_ms, stream == rewind.FAST)
        else:
            raise DecodeError(f"unknown stream {stream}")
        at = end


def _summaries(
    history: RackHistory, payload: bytes, at: int, end: int, began_ms: int, is_fast: bool
) -> None:
    chain = SummaryChain()
    while at < end:
        if at + _SUMMARY_FRAME.size > end:
            raise DecodeError("a summary is cut off")
        (offset_ms,) = _SUMMARY_FRAME.unpack_from(payload, at)
        sample, at = chain.decode(payload, at + _SUMMARY_FRAME.size, end)
        if at > end:
            raise DecodeError("a summary is cut off")
        history.summaries.append(Summary((began_ms + offset_ms) % _WRAP, is_fast, sample))


def _scans(
    history: RackHistory, payload: bytes, at: int, end: int, began_ms: int, cells: int, temps: int
) -> None:
    cell_chain, temp_chain = CellChain(), CellChain(signed=True)
    while at < end:
        if at + _CELL_FRAME.size > end:
            raise DecodeError("a scan is cut off")
        offset_ms, cell_bytes, temp_bytes = _CELL_FRAME.unpack_from(payload, at)
        at += _CELL_FRAME.size
        middle = at + cell_bytes
        if middle + temp_bytes > end:
            raise DecodeError("a scan is cut off")
        found = _frame(cell_chain, payload, at, middle, cells)
        values = _frame(temp_chain, payload, middle, middle + temp_bytes, temps)
        at = middle + temp_bytes
        if found is None:
            raise DecodeError("a scan without cells")
        history.scans.append(Scan((began_ms + offset_ms) % _WRAP, found, values))


def _frame(chain: CellChain, payload: bytes, at: int, end: int, count: int) -> list[int] | None:
    if at == end:
        return None
    values, found_end = chain.decode(payload, at, end)
    if found_end != end or len(values) != count:
        raise DecodeError("a frame of cells is not as its block says")
    return values


def _since(uptime_ms: int, anchor_ms: int) -> int:
    """Signed ms from one uptime to another, right across the wrap at 32 bits."""
    return (uptime_ms - anchor_ms + _WRAP // 2) % _WRAP - _WRAP // 2
