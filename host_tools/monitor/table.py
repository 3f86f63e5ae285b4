"""The table itself: from a status answer to something rich can print."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from host_tools.monitor.console_client import Status
from host_tools.monitor.reasons import CONTACTORS, alarm_text, explain, stall_text

LEVEL_STYLES = ("green", "yellow", "bold yellow", "bold red")
QUALITY_STYLES = {"good": "green", "suspect": "yellow", "stale": "red", "missing": "red"}
WIDTH = 100  # of the lines below the table, at most
_LONGEST_NAME = 24
_BETWEEN = 2  # blanks between columns
# (head, to the right)
_COLUMNS = (
    ("rack", False),
    ("V", True),
    ("A", True),
    ("SOC %", True),
    ("cell mV", True),
    ("degC", True),
    ("age s", True),
    ("data", False),
    ("relay", False),
    ("limit A", True),  # charge and discharge
    ("", False),  # level
)
# What a narrow terminal leaves out, first things first: whole columns, never part of a value.
_SPARED = ("age s", "SOC %", "degC", "A", "limit A", "V", "cell mV")

Cell = str | Text


def render(
    title: str,
    rack_names: Sequence[str],
    status: Status | None,
    note: str = "",
    width: int = WIDTH,
) -> RenderableType:
    """The whole picture, `width` wide; racks stand as "waiting" until `status` is there."""
    text_width = min(width, WIDTH)
    if status is None or not status.get("racks"):
        rows: list[list[Cell]] = [
            [_name(name), *[""] * 6, Text("waiting", "dim")] for name in rack_names
        ]
        waiting = _wrapped(note or _why_waiting(status), "dim", text_width)
        return Group(_table(title, rows, width), waiting)
    rows = [_rack_row(rack) for rack in status["racks"]]
    parts: list[RenderableType] = [
        _table(title, rows, width, _site_row(status["racks"])),
        *(
            _wrapped(reason.text, LEVEL_STYLES[reason.level], text_width)
            for reason in explain(status)
        ),
        _wrapped(_head_line(status), "", text_width),
    ]
    if note:
        parts.append(_wrapped(note, "bold red", text_width))
    return Group(*parts, _events(status, text_width))


def _table(
    title: str, rows: Sequence[list[Cell]], width: int, site: list[Cell] | None = None
) -> Table:
    shown = _columns([*rows, site] if site else rows, width)
    table = Table(title=title, title_style="bold", box=None, pad_edge=False, padding=(0, 1))
    for index in shown:
        name, numeric = _COLUMNS[index]
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(row[index] for index in shown if index < len(row)))
    if site:
        table.add_section()
        table.add_row(*(site[index] for index in shown if index < len(site)), style="bold")
    return table


def _columns(rows: Sequence[list[Cell]], width: int) -> list[int]:
    """Which columns there is room for, by their place in _COLUMNS."""
    widths = [
        max([len(head), *(len(row[index]) for row in rows if index < len(row))])
        for index, (head, _) in enumerate(_COLUMNS)
    ]
    shown = list(range(len(_COLUMNS)))
    heads = [head for head, _ in _COLUMNS]
    for head in _SPARED:
        if sum(widths[index] + _BETWEEN for index in shown) - _BETWEEN <= width:
            break
        shown.remove(heads.index(head))
    return shown


def _name(name: str) -> str:
    """Of a long one the end, in which the racks of a site differ."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def one_line(status: Status) -> str:
    """Site and uplink on one line, for logs."""
    racks = status.get("racks", [])
    alarms = [f"{rack['name']} {alarm_text(rack)}" for rack in racks if rack["level"]]
    stall = stall_text(status)
    if stall:
        alarms.insert(0, stall)
    return f"{_head_line(status)}, alarms: {'; '.join(alarms) or 'none'}"


def _head_line(status: Status) -> str:
    racks = status.get("racks", [])
    telemetry, uplink, heap = (status.get(key, {}) for key in ("telemetry", "uplink", "heap"))
    closed = sum(rack["relay"] for rack in racks)
    stalls = status.get("counters", {}).get("stalls", 0)
    return (
        f"{status['mode']} {status.get('uptime_ms', 0) / 1000:.0f} s,"
        f" relays {closed}/{len(racks)} closed,{f' stalls {stalls},' if stalls else ''}"
        f" uplink {uplink.get('state', 'off')},"
        f" stored {_sum(telemetry.get('stored'))}, backlog {telemetry.get('backlog', 0)},"
        f" heap {heap.get('used', 0) // 1024} kB (peak {heap.get('peak', 0) // 1024})"
    )


def _sum(by_lane: object) -> int:
    return sum(by_lane.values()) if isinstance(by_lane, dict) else 0


def _rack_row(rack: Status) -> list[Cell]:
    quality = rack["quality"]
    known = quality != "missing"
    data = "starting" if rack.get("starting") else quality
    return [
        _name(rack["name"]),
        _tenths(rack["voltage_dv"]) if known else "",
        _tenths(rack["current_da"], "+") if known else "",
        _tenths(rack["soc_pm"]) if known else "",
        f"{rack['cell_min_mv']} {rack['cell_max_mv']}" if known else "",
        f"{_tenths(rack['temp_min_dc'])} {_tenths(rack['temp_max_dc'])}" if known else "",
        f"{rack['age_ms'] / 1000:.1f}",
        Text(data, QUALITY_STYLES.get(quality, "")),
        _switches(rack),
        "{} {}".format(*(rack.get(f"{way}_limit_da", 0) // 10 for way in ("charge", "discharge"))),
        Text(f"L{rack['level']}" if rack["level"] else "", LEVEL_STYLES[rack["level"]]),
    ]


def _tenths(value: int | None, sign: str = "") -> str:
    """In whole units; "" for what the rack BMS does not supply."""
    return "" if value is None else f"{value / 10:{sign}.1f}"


def _switches(rack: Status) -> Text:
    """The trip relay, and the contactor where that stands otherwise."""
    relay = CONTACTORS[rack["relay"]]
    text, style = relay, "green" if rack["relay"] else "red"
    contactor = rack["contactor"]
    if rack["quality"] != "missing" and contactor not in (None, rack["relay"]):
        text, style = f"{relay}/{CONTACTORS[contactor]}", "yellow"
    return Text(text, style)


def _site_row(racks: Sequence[Status]) -> list[Cell]:
    """Mean voltage and SOC, sums of current and power, of the racks whose data can be used."""
    good = [rack for rack in racks if rack["quality"] in ("good", "suspect")]
    if not good:
        return ["site"]
    power_kw = sum(rack["voltage_dv"] * rack["current_da"] for rack in good) / 100_000
    return [
        "site",
        f"{sum(rack['voltage_dv'] for rack in good) / len(good) / 10:.1f}",
        f"{sum(rack['current_da'] for rack in good) / 10:+.1f}",
        _mean_soc(good),
        f"{min(r['cell_min_mv'] for r in good)} {max(r['cell_max_mv'] for r in good)}",
        f"{min(r['temp_min_dc'] for r in good) / 10:.1f}"
        f" {max(r['temp_max_dc'] for r in good) / 10:.1f}",
        "",
        f"{len(good)}/{len(racks)} ok",
        f"{power_kw:+.0f} kW",
    ]


def _mean_soc(good: Sequence[Status]) -> str:
    known = [rack["soc_pm"] for rack in good if rack["soc_pm"] is not None]
    return f"{sum(known) / len(known) / 10:.1f}" if known else ""


def _events(status: Status, width: int) -> Text:
    lines = [f"{at_ms / 1000:9.1f} s  {text}" for at_ms, text in status.get("events", [])]
    cut = [line if len(line) <= width else line[: width - 1] + "…" for line in lines]
    return Text("\n".join(cut), "dim")


def _wrapped(text: str, style: str, width: int) -> Text:
    return Text("\n".join(wrap(text, width, subsequent_indent="    ")), style)


def _why_waiting(status: Status | None) -> str:
    if status is None:
        return "waiting for the gateway"
    return f"{status.get('mode', '')}: {status.get('reason', '')}"
