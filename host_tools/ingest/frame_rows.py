"""Rows of the table of frames, and the pieces that other rows share with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.clock import NTP, UNSET
from gateway.telemetry import records as layout
from host_tools.decode.frames import Frame
from host_tools.decode.records import DecodeError
from host_tools.ingest.schema import SUMMARY_FIELDS, Row

# the year 2200: a clock that says more is wrong
LATEST_MS = 7_258_118_400_000
NO_SUMMARY: Row = (None,) * len(SUMMARY_FIELDS)
_LARGEST_SMALL = 0x7FFF


def of_frame(head: Row, frame: Frame) -> Row:
    """`head`: site, gateway, boot, lane, rack, chunk, chunk_last. DecodeError."""
    return (
        *head,
        *stamp(frame.uptime_ms, frame.utc_ms, frame.clock_quality),
        frame.checksum or None,
        *summary(frame.sample),
        frame.cells_age_ms,
        smalls(frame.cells),
        smalls(frame.temps),
    )


def stamp(uptime_ms: int, utc_ms: int, quality: int) -> Row:
    """The four columns of a moment. DecodeError."""
    if quality > NTP:
        raise DecodeError(f"clock quality {quality}, known are 0 to {NTP}")
    known = quality != UNSET and utc_ms <= LATEST_MS
    return uptime_ms, min(max(utc_ms, 0), LATEST_MS), quality, utc_ms if known else None


def summary(sample: Mapping[str, int]) -> Row:
    """The summary's values in the table's order, None for what the BMS did not give."""
    values: list[int | None] = []
    for name, lowest, highest, none in SUMMARY_FIELDS:
        value = sample[name]
        if not lowest <= value <= highest:
            raise DecodeError(f"{name} {value} is out of its range")
        values.append(None if value == none else value)
    return tuple(values)


def smalls(values: Sequence[int] | None) -> list[int | None] | None:
    """Readings as signed 16 bits; None for those not read, and for mV that no cell can have."""
    if values is None:
        return None
    if max(values, default=0) <= _LARGEST_SMALL and min(values, default=0) > layout.NO_SIGNED:
        return list(values)
    return [v if layout.NO_SIGNED < v <= _LARGEST_SMALL else None for v in values]
