"""Rows of one record of a black box: its trip, and frames at the full rate."""

from __future__ import annotations

from host_tools.decode.black_box import BlackBox, RackHistory, Scan, Summary, Trip, decode_boxes
from host_tools.decode.records import DecodeError, Packed
from host_tools.ingest import schema
from host_tools.ingest.frame_rows import NO_SUMMARY, smalls, stamp, summary
from host_tools.ingest.schema import Row, Rows

_WRAP = 1 << 32  # of the uptime


def rows_of_part(gateway: Row, record: Packed) -> Rows:
    """Each record decodes alone; nothing comes of one that does not, its bytes are kept anyway.

    `gateway`: site, gateway, boot, lane.
    """
    (box,) = decode_boxes([record]) or (None,)
    if box is None:
        return {}
    try:
        return {
            schema.BLACK_BOXES.name: [_of_trip(gateway, record, box, trip) for trip in box.trips],
            schema.FRAMES.name: [
                row
                for rack, history in sorted(box.racks.items())
                for row in _of_history(gateway, record, rack, history)
            ],
        }
    except DecodeError:
        return {}


def _of_trip(gateway: Row, record: Packed, box: BlackBox, trip: Trip) -> Row:
    return (
        *gateway,
        record.seq,
        *stamp(record.uptime_ms, record.utc_ms, record.clock_quality),
        record.checksum or None,
        box.number,
        None if trip.rack == 255 else trip.rack,
        trip.rule,
        trip.rule_name.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        trip.level,
        trip.value,
        trip.set_point,
        trip.clear_point,
        trip.delay_ms,
        trip.counted_ms,
        box.shared,
    )


def _of_history(gateway: Row, record: Packed, rack: int, history: RackHistory) -> list[Row]:
    """One row per moment, with a summary, a scan or both."""
    summaries: dict[int, Summary] = {each.uptime_ms: each for each in history.summaries}
    scans: dict[int, Scan] = {each.uptime_ms: each for each in history.scans}
    rows: list[Row] = []
    for uptime_ms in sorted(summaries.keys() | scans.keys()):
        found, scan = summaries.get(uptime_ms), scans.get(uptime_ms)
        since_ms = (uptime_ms - record.uptime_ms + _WRAP // 2) % _WRAP - _WRAP // 2
        rows.append(
            (
                *gateway,
                rack,
                record.seq,
                record.seq,
                *stamp(uptime_ms, record.utc_ms + since_ms, record.clock_quality),
                record.checksum or None,
                *(summary(found.sample) if found else NO_SUMMARY),
                0 if scan else None,
                smalls(scan.cells) if scan else None,
                smalls(scan.temps) if scan else None,
            )
        )
    return rows
