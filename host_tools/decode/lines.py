"""Records, frames and black boxes as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.protection import rules
from gateway.rack.data import QUALITY_NAMES
from gateway.telemetry import records as layout
from host_tools.decode.black_box import BlackBox
from host_tools.decode.blocks import Block
from host_tools.decode.frames import Frame
from host_tools.decode.real_time import RealTime, utc_text
from host_tools.decode.records import (
    ClockRecord,
    Event,
    Gap,
    Packed,
    Record,
    Unknown,
    rack_text,
)
from host_tools.decode.sources import Found, RackNames

_NO_NAMES: RackNames = {}
_NO_TIME = RealTime(())  # then only the stamps tell
_MISSING = {"u": layout.NO_UNSIGNED, "s": layout.NO_SIGNED}
# name, divisor, what a missing value is
_FIGURES = {
    "rack_voltage_dv": ("V", 10, "u"),
    "rack_current_da": ("A", 10, "s"),
    "soc_pm": ("%", 10, "u"),
}

Numbered = tuple[int, int, int, int, str]  # boot, uptime, lane, number, line


def all_lines(found: Found) -> Iterator[str]:
    """Every record and frame in the order of time, boot by boot."""
    names, time = found.rack_names, RealTime(found.records)
    numbered: list[Numbered] = [
        (record.boot, record.uptime_ms, record.lane, record.seq, line(record, names, time))
        for record in found.records
    ]
    for block in found.blocks:
        numbered += [
            (
                block.boot,
                frame.uptime_ms,
                block.lane,
                block.first,
                frame_line(block, frame, names, time),
            )
            for frame in block.frames
        ]
    for *_, text in sorted(numbered, key=lambda entry: entry[:4]):
        yield text


def line(record: Record, names: RackNames = _NO_NAMES, time: RealTime = _NO_TIME) -> str:
    """One record: boot, lane, sequence number, uptime in seconds, UTC, what it says."""
    return _head(record, record.boot, record.lane, record.seq, time) + _text(record, names)


def frame_line(
    block: Block, frame: Frame, names: RackNames = _NO_NAMES, time: RealTime = _NO_TIME
) -> str:
    """One frame of a block, with the number of the chunk's first record."""
    text = sample_text(rack_name(block.boot, block.rack, names), frame.sample)
    if frame.cells is not None:
        text += f"  {len(frame.cells)} cells, {len(frame.temps or ())} temperatures"
    return _head(frame, block.boot, block.lane, block.first, time) + text


def box_lines(box: BlackBox, names: RackNames = _NO_NAMES) -> Iterator[str]:
    """A black box: its trips, what it holds of each rack, what is missing."""

    def name_of(rack: int) -> str:
        return rack_name(box.boot, rack, names)

    yield f"black box {box.number} of boot {box.boot}, {name_of(box.rack)}"
    for trip in box.trips:
        counted = "" if trip.counted_ms is None else f" after {trip.counted_ms / 1000:.3f} s"
        yield (
            f"  {trip.uptime_ms / 1000:.3f} s  {name_of(trip.rack)} {trip.rule_name}"
            f" level {trip.level}: {trip.value}, trips at {trip.set_point}{counted},"
            f" clears at {trip.clear_point}"
        )
    for rack, history in sorted(box.racks.items()):
        yield (
            f"  {name_of(rack)}: {len(history.summaries)} summaries,"
            f" {len(history.scans)} scans of the cells"
        )
    for what in box.missing:
        yield f"  missing: {what}"


def rack_name(boot: int, index: int, names: RackNames) -> str:
    """As configured; racks without a known name count from 1 for people."""
    if index == layout.NO_RACK:
        return "site  "
    return names.get((boot, index), rack_text(index))


def sample_text(rack: str, sample: Mapping[str, int]) -> str:
    """A summary in one line."""
    quality = sample["quality"]
    known = 0 <= quality < len(QUALITY_NAMES)
    figures = [
        f"{_figure(sample[name], divisor, none):>7} {unit}"
        for name, (unit, divisor, none) in _FIGURES.items()
    ]
    mv = [_figure(sample[name], 1, "u") for name in ("cell_min_mv", "cell_max_mv")]
    degc = [_figure(sample[name], 10, "s") for name in ("temp_min_dc", "temp_max_dc")]
    return (
        f"sample {rack} {QUALITY_NAMES[quality] if known else str(quality):7}"
        f" {' '.join(figures)} {'..'.join(mv)} mV {'..'.join(degc)} degC"
        f" level {sample['level']} {rules.name(sample['rule'])}"
    ).rstrip()


def _figure(value: int, divisor: int, none: str) -> str:
    if value == _MISSING[none]:
        return "-"
    return str(value) if divisor == 1 else f"{value / divisor:.1f}"


def _head(stamped: Record | Frame, boot: int, lane: int, seq: int, time: RealTime) -> str:
    name = layout.LANES[lane] if lane < len(layout.LANES) else str(lane)
    uptime_ms = stamped.uptime_ms
    utc_ms = time.utc_ms(boot, uptime_ms, stamped.utc_ms, stamped.clock_quality)
    return f"{boot:4d} {name:6} {seq:8d} {uptime_ms / 1000:12.3f}  {utc_text(utc_ms):23}  "


def _text(record: Record, names: RackNames) -> str:
    if isinstance(record, Event):
        rack = rack_name(record.boot, record.rack, names)
        return f"event  {rack} {record.name}: {record.text}".rstrip(": ")
    if isinstance(record, Gap) and not record.first:
        number = f"record {record.last} of boot {record.lost_boot}"
        return f"gap    whatever has not come up to {number} is lost"
    if isinstance(record, Gap):
        return f"gap    boot {record.lost_boot}, records {record.first}..{record.last} dropped"
    if isinstance(record, ClockRecord):
        return f"clock  {record.at_uptime_ms / 1000:.3f} s was {record.at_utc_ms} ms since 1970"
    if isinstance(record, Packed) and record.kind == layout.BLACK_BOX:
        return f"box    {len(record.payload)} bytes of a black box"
    kind = record.kind if isinstance(record, Packed | Unknown) else "?"
    return f"record of kind {kind}, which is not known here"
