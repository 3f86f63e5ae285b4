"""The table itself: from a status answer to something rich can print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from host_tools.monitor.console_client import Status

LEVEL_STYLES = ("green", "yellow", "bold yellow", "bold red")
QUALITY_STYLES = {"good": "green", "suspect": "yellow", "stale": "red", "missing": "red"}
CONTACTORS = ("open", "closed", "pre")
_COLUMNS = ("rack", "V", "A", "SOC %", "cell mV", "degC", "age s", "data", "relay", "contactor")


def render(
    title: str, rack_names: Sequence[str], status: Status | None, note: str = ""
) -> RenderableType:
    """The whole picture; racks stand as "waiting" until `status` is there."""
    table = Table(title=title, title_style="bold", box=None, pad_edge=False, padding=(0, 1))
    for name in _COLUMNS:
        numeric = name in ("V", "A", "SOC %", "cell mV", "degC", "age s")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    table.add_column("alarm", no_wrap=True, min_width=10)
    if status is None or not status.get("racks"):
        for name in rack_names:
            table.add_row(name, *[""] * 6, Text("waiting", "dim"))
        return Group(table, Text(note or _why_waiting(status), "dim"))
    for rack in status["racks"]:
        table.add_row(*_rack_row(rack))
    table.add_section()
    table.add_row(*_site_row(status["racks"]), style="bold")
    foot = Text(one_line(status))
    if note:
        foot.append(f"\n{note}", "bold red")
    return Group(table, foot, _events(status))


def one_line(status: Status) -> str:
    """Site and uplink on one line, for the table's foot and for logs."""
    racks = status.get("racks", [])
    telemetry, uplink, heap = (status.get(key, {}) for key in ("telemetry", "uplink", "heap"))
    alarms = [f"{rack['name']} {alarm_text(rack)}" for rack in racks if rack["level"]]
    closed = sum(rack["relay"] for rack in racks)
    return (
        f"{status['mode']} {status.get('uptime_ms', 0) / 1000:.0f} s,"
        f" relays {closed}/{len(racks)} closed, uplink {uplink.get('state', 'off')},"
        f" stored {telemetry.get('stored', 0)}, backlog {telemetry.get('backlog', 0)},"
        f" heap {heap.get('used', 0) // 1024} kB (peak {heap.get('peak', 0) // 1024}),"
        f" alarms: {'; '.join(alarms) or 'none'}"
    )


def alarm_text(rack: Status) -> str:
    """Level and rule of a rack, "" when there is none."""
    if not rack["level"]:
        return ""
    return f"L{rack['level']} {rack['rule']}" + (" latched" if rack["latched"] else "")


def _rack_row(rack: Status) -> list[RenderableType]:
    quality = rack["quality"]
    known = quality != "missing"
    link = rack.get("link", {})
    data = quality if quality in ("good", "suspect") else f"{quality}: {link.get('reason', '')}"
    return [
        rack["name"],
        f"{rack['voltage_dv'] / 10:.1f}" if known else "",
        f"{rack['current_da'] / 10:+.1f}" if known else "",
        f"{rack['soc_pm'] / 10:.1f}" if known else "",
        f"{rack['cell_min_mv']} {rack['cell_max_mv']}" if known else "",
        f"{rack['temp_min_dc'] / 10:.1f} {rack['temp_max_dc'] / 10:.1f}" if known else "",
        f"{rack['age_ms'] / 1000:.1f}",
        Text(data[:24], QUALITY_STYLES.get(quality, "")),
        Text("closed", "green") if rack["relay"] else Text("open", "red"),
        CONTACTORS[rack["contactor"]] if known else "",
        Text(alarm_text(rack), LEVEL_STYLES[rack["level"]]),
    ]


def _site_row(racks: Sequence[Status]) -> list[RenderableType]:
    """Mean voltage and SOC, sums of current and power, of the racks whose data can be used."""
    good = [rack for rack in racks if rack["quality"] in ("good", "suspect")]
    if not good:
        return ["site"]
    power_kw = sum(rack["voltage_dv"] * rack["current_da"] for rack in good) / 100_000
    return [
        "site",
        f"{sum(rack['voltage_dv'] for rack in good) / len(good) / 10:.1f}",
        f"{sum(rack['current_da'] for rack in good) / 10:+.1f}",
        f"{sum(rack['soc_pm'] for rack in good) / len(good) / 10:.1f}",
        f"{min(r['cell_min_mv'] for r in good)} {max(r['cell_max_mv'] for r in good)}",
        f"{min(r['temp_min_dc'] for r in good) / 10:.1f}"
        f" {max(r['temp_max_dc'] for r in good) / 10:.1f}",
        "",
        f"{len(good)}/{len(racks)} good",
        f"{power_kw:+.0f} kW",
    ]


def _events(status: Status) -> Text:
    lines = [f"{at_ms / 1000:9.1f} s  {text}" for at_ms, text in status.get("events", [])]
    return Text("\n".join(lines), "dim")


def _why_waiting(status: Status | None) -> str:
    if status is None:
        return "waiting for the gateway"
    return f"{status.get('mode', '')}: {status.get('reason', '')}"
