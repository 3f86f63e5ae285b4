"""Voltage, current, charge, cells and temperatures over time, as a drawing (SVG)."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from gateway.telemetry import records as layout
from host_tools.decode.real_time import RealTime
from host_tools.decode.records import Event, rack_text
from host_tools.decode.sources import Found
from host_tools.errors import UserError

WIDTH = 1200
_LEFT, _RIGHT, _TOP, _HEIGHT, _GAP = 70, 20, 50, 150, 34
_POINTS = 1500  # of a line: more than the drawing is wide
_HOLE, _HOLE_S = 10, 300  # times the usual step, and longer than that
_MARKED = {layout.TRIP: "#c00", layout.ESCALATION: "#c00", layout.BOOT: "#888"}
_COLOURS = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2",
    "#17becf", "#bcbd22", "#393b79", "#637939", "#843c39", "#7b4173",
)  # fmt: skip
# title, divisor, the columns that are drawn, and what stands for no value
_PANELS = (
    ("voltage, V", 10, ("rack_voltage_dv",), layout.NO_UNSIGNED),
    ("current, A (charging positive)", 10, ("rack_current_da",), layout.NO_SIGNED),
    ("state of charge, %", 10, ("soc_pm",), layout.NO_UNSIGNED),
    ("lowest and highest cell, mV", 1, ("cell_min_mv", "cell_max_mv"), layout.NO_UNSIGNED),
    ("coldest and hottest, degC", 10, ("temp_min_dc", "temp_max_dc"), layout.NO_SIGNED),
)

_LONGEST_NAME = 9  # of a rack, in the legend
Point = tuple[float, float]  # seconds, value


@dataclass
class Series:
    """Everything that is drawn; times in seconds, of UTC or, when no time is known, of uptime."""

    is_utc: bool
    lines: dict[tuple[str, int], list[Point]] = field(default_factory=dict)  # (column, rack)
    names: dict[int, str] = field(default_factory=dict)  # of racks, as the latest boot has them
    marks: list[tuple[float, str, str]] = field(default_factory=list)  # time, colour, text
    left_out: int = 0  # frames whose time nobody knows


def write_plot(path: Path, found: Iterable[Found]) -> None:
    """Draw to `path`, .svg or .html; UserError when there is nothing or it cannot be written."""
    if path.suffix not in (".svg", ".html"):
        raise UserError(f"--plot {path}: the name must end in .svg or .html")
    series = collect(list(found))
    if not any(series.lines.values()):
        raise UserError("--plot: there is no sample to draw")
    drawing = draw(series)
    if path.suffix == ".html":
        drawing = f"<!doctype html><meta charset=utf-8><title>Telemetry</title>{drawing}"
    try:
        path.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--plot {path}: {error.strerror}") from error


def collect(found: Sequence[Found]) -> Series:
    """All samples of all files on one time axis."""
    samples = [sample for each in found for sample in _samples(each)]
    series = Series(is_utc=any(utc_ms is not None for utc_ms, *_ in samples))
    lines: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for utc_ms, uptime_ms, rack, values in samples:
        at_ms = utc_ms if series.is_utc else uptime_ms
        if at_ms is None:
            series.left_out += 1
            continue
        for _, divisor, columns, none in _PANELS:
            for column in columns:
                if values[column] != none:
                    lines[column, rack].append((at_ms / 1000, values[column] / divisor))
    series.lines = {key: _thinned(sorted(points)) for key, points in sorted(lines.items())}
    for each in found:
        series.names |= {rack: name for (_, rack), name in sorted(each.rack_names.items())}
        time = RealTime(each.records)
        for record in each.records:
            if isinstance(record, Event) and record.code in _MARKED:
                stamp = (record.boot, record.uptime_ms, record.utc_ms, record.clock_quality)
                mark_ms = time.utc_ms(*stamp) if series.is_utc else record.uptime_ms
                if mark_ms is not None:
                    text = f"{record.name} {record.text}".strip()
                    series.marks.append((mark_ms / 1000, _MARKED[record.code], text))
    return series


def _samples(found: Found) -> Iterable[tuple[int | None, int, int, dict[str, int]]]:
    time = RealTime(found.records)
    for block in found.blocks:
        for frame in block.frames:
            stamp = (block.boot, frame.uptime_ms, frame.utc_ms, frame.clock_quality)
            yield time.utc_ms(*stamp), frame.uptime_ms, block.rack, frame.sample
    for box in found.boxes:
        for trip in box.trips[:1]:
            began_ms = time.utc_ms(box.boot, trip.uptime_ms, trip.utc_ms, trip.clock_quality)
            for rack, history in box.racks.items():
                for summary in history.summaries:
                    at_ms = summary.uptime_ms
                    utc_ms = None if began_ms is None else began_ms + at_ms - trip.uptime_ms
                    yield utc_ms, at_ms, rack, summary.sample


def _thinned(points: list[Point]) -> list[Point]:
    """About _POINTS points at most: of each stretch the lowest and the highest."""
    if len(points) <= _POINTS:
        return points
    stretch = -(-len(points) * 2 // _POINTS)
    kept = []
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        ends = (min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1]))
        kept += sorted(set(ends))
    return kept


def _stretches(line: list[Point]) -> Iterator[list[Point]]:
    """Parts of the line without a hole: nothing is drawn where nothing was recorded."""
    steps = [after[0] - before[0] for before, after in pairwise(line)]
    longest = max(_HOLE_S, _HOLE * median(steps)) if steps else 0
    begin = 0
    for index, length in enumerate(steps):
        if length > longest:
            yield line[begin : index + 1]
            begin = index + 1
    yield line[begin:]


def draw(series: Series) -> str:
    """The drawing as text."""
    points = [point for line in series.lines.values() for point in line]
    begin, end = min(points)[0], max(points)[0]
    height = _TOP + len(_PANELS) * (_HEIGHT + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _legend(series),
    ]
    for number, (title, _, columns, _) in enumerate(_PANELS):
        top = _TOP + number * (_HEIGHT + _GAP)
        shown = {key: line for key, line in series.lines.items() if key[0] in columns}
        parts.append(_panel(title, shown, series, top, begin, end))
    parts.append("</svg>\n")
    return "\n".join(parts)


def _legend(series: Series) -> str:
    racks = sorted({rack for _, rack in series.lines})
    note = "UTC" if series.is_utc else "seconds since power-up: no time is known"
    if series.left_out:
        note += f"; {series.left_out} samples without a known time are left out"
    entries = []
    for index, rack in enumerate(racks):
        name = series.names.get(rack, rack_text(rack))
        label = html.escape(name)
        if len(name) > _LONGEST_NAME:  # its end, in which the racks of a site differ
            end = html.escape("…" + name[1 - _LONGEST_NAME :])
            label = f"{end}<title>{label}</title>"
        x = _LEFT + 62 * index
        entries.append(f'<text x="{x}" y="34" fill="{_colour(rack)}">{label}</text>')
    return f'<text x="{_LEFT}" y="18">{html.escape(note)}</text>' + "".join(entries)


def _panel(
    title: str,
    lines: dict[tuple[str, int], list[Point]],
    series: Series,
    top: float,
    begin: float,
    end: float,
) -> str:
    values = [value for line in lines.values() for _, value in line]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low == high:
        low, high = low - 1, high + 1
    across = (WIDTH - _LEFT - _RIGHT) / ((end - begin) or 1)

    def x(at: float) -> float:
        return _LEFT + (at - begin) * across

    def y(value: float) -> float:
        return top + _HEIGHT - (value - low) / (high - low) * _HEIGHT

    bottom = top + _HEIGHT
    parts = [
        f'<rect x="{_LEFT}" y="{top}" width="{WIDTH - _LEFT - _RIGHT}" height="{_HEIGHT}"'
        ' fill="none" stroke="#ccc"/>',
        f'<text x="{WIDTH / 2}" y="{top - 5}" text-anchor="middle">{html.escape(title)}</text>',
        f'<text x="{_LEFT - 6}" y="{top + 9}" text-anchor="end">{high:.6g}</text>',
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">{low:.6g}</text>',
        f'<text x="{_LEFT}" y="{bottom + 14}">{_time(begin, series.is_utc)}</text>',
        f'<text x="{WIDTH - _RIGHT}" y="{bottom + 14}" text-anchor="end">'
        f"{_time(end, series.is_utc)}</text>",
    ]
    for at, colour, text in series.marks:
        if begin <= at <= end:
            parts.append(
                f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{top}" y2="{bottom}"'
                f' stroke="{colour}" stroke-dasharray="3 3">'
                f"<title>{html.escape(text)}</title></line>"
            )
    for (_, rack), line in lines.items():
        for stretch in _stretches(line):
            path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in stretch)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{_colour(rack)}"/>')
    return "\n".join(parts)


def _colour(rack: int) -> str:
    return _COLOURS[rack % len(_COLOURS)]


def _time(seconds: float, is_utc: bool) -> str:
    if not is_utc:
        return f"{seconds:.1f} s"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
