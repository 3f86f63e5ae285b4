"""Why a rack is open or limited, and what is wrong with the gateway itself, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from host_tools.monitor.console_client import Status

RISING = "limit rising"  # by the ramp: it ends by itself
CONTACTORS = ("open", "closed", "pre", "?")
_OPEN, _CLOSED = 0, 1
_OFF_PM = 10  # of the clock: worth a look from here on
_MOST_LINES = 12
_MOST_NAMES = 3


@dataclass(frozen=True)
class Reason:
    """One line; `level` 0 to 3 as of a rule."""

    text: str
    level: int


def explain(status: Status) -> list[Reason]:
    """What differs from a gateway in order that grants everything, the worst first.

    Racks in the same state share a line.
    """
    groups: dict[tuple[str, int], list[str]] = {}
    racks = status.get("racks", [])
    for rack in racks:
        text = "; ".join(_of_rack(rack))
        if text:
            groups.setdefault((text, rack["level"]), []).append(rack["name"])
    found = [
        Reason(f"{_names(names, len(racks))}: {text}", level)
        for (text, level), names in groups.items()
    ]
    found.sort(key=lambda reason: -reason.level)
    hints = [Reason(text, 1) for text in _thresholds(racks)]
    more = len(found) - _MOST_LINES
    if more > 0:
        found[_MOST_LINES:] = [Reason(f"and {more} more", 0)]
    return [*_of_gateway(status), *found, *hints]


def alarm_text(rack: Status) -> str:
    """Level and rule of a rack, and what it holds; "" without any."""
    if not rack["level"]:
        return ""
    text = f"L{rack['level']} {rack['rule']}"
    if not rack["latched"]:
        return text
    others = [rule for rule in rack.get("latches", []) if rule != rack["rule"]]
    return text + " latched" + (f" with {', '.join(others)}" if others else "")


def stall_text(status: Status) -> str:
    """Why nothing is closed while a site arms anew behind a stall; "" at any other time."""
    stalls = status.get("counters", {}).get("stalls", 0)
    if not stalls or status.get("armed", True):
        return ""
    times = f" ({stalls} times since the start)" if stalls > 1 else ""
    return f"site: its protecting loop stood still{times}: arming anew"


def _of_gateway(status: Status) -> Iterator[Reason]:
    reason, problem = status.get("reason", ""), status.get("self_check", "")
    if problem:
        yield Reason(f"gateway: self-check failed, everything is open: {problem}", 3)
    if reason and reason != problem:
        yield Reason(f"gateway: in its safe state, everything is open: {reason}", 3)
    if status.get("escalated"):
        yield Reason("site: a rack did not open, so the site relay did", 3)
    fault = status.get("relay_fault", "")
    if fault:
        yield Reason(f"relays: {fault}", 3)
    stall = stall_text(status)
    if stall:
        yield Reason(stall, 3)
    interlocks = status.get("interlocks", {})
    latched = interlocks.get("latches", [])
    for rule, level in interlocks.get("levels", {}).items():
        yield Reason(f"site: L{level} {rule}" + (" latched" if rule in latched else ""), level)
    deviation_pm = status.get("clock", {}).get("deviation_pm", 0)
    if abs(deviation_pm) > _OFF_PM:
        yield Reason(f"gateway: its two clocks differ by {deviation_pm / 10:+.1f} %", 2)
    problem = status.get("config", {}).get("problem", "")
    if problem:
        yield Reason(f"gateway: {problem}: the next start will not be as this one", 2)


def _of_rack(rack: Status) -> Iterator[str]:
    alarm = alarm_text(rack)
    if alarm:
        yield alarm
    unit = rack.get("unit", {})
    if unit.get("identity"):
        yield unit["identity"]
    elif unit.get("down"):
        yield "does not answer"
    elif rack.get("starting"):
        yield "its BMS has not started"
    elif rack.get("implausible") and rack["quality"] == "suspect":
        yield "its answers are implausible"
    if rack["relay"]:
        yield from _limits(rack)
    elif rack.get("closing", "may close") != "may close":
        yield rack["closing"]
    if rack.get("opening", "idle") != "idle":
        yield f"opening: {rack['opening']}"
    yield from _contactor(rack)
    if unit.get("open_forbidden"):
        yield "its map forbade the open command"


def _contactor(rack: Status) -> Iterator[str]:
    if rack["quality"] != "good":
        return
    if rack["relay"] and rack["contactor"] == _OPEN:
        yield "contactor open though its relay is closed"
    elif not rack["relay"] and rack["contactor"] == _CLOSED:
        yield "contactor closed though its relay is open"


def _limits(rack: Status) -> Iterator[str]:
    charge, discharge = (_limit(rack, direction) for direction in ("charge", "discharge"))
    if charge and charge == discharge:
        yield charge
        return
    for direction, text in (("charge", charge), ("discharge", discharge)):
        if text:
            yield f"{direction} {text}"


def _limit(rack: Status, direction: str) -> str:
    """What limits one direction; of a ramp without its number, which changes every second."""
    by = rack.get(f"{direction}_by", "")
    if not by or by == "start":
        return ""
    if by == "ramp":
        return RISING
    limit = f"{rack[f'{direction}_limit_da'] / 10:.1f} A"
    if by == rack["rule"]:  # just named
        return limit
    return f"{limit} by {by.replace(f'{direction}_by_', 'curve of ')}"


def _thresholds(racks: Sequence[Status]) -> Iterator[str]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for rack in racks:
        found = rack.get("bms_thresholds", [])
        if found:
            groups.setdefault((*found[0], len(found) - 1), []).append(rack["name"])
    for (name, theirs, ours, more), names in groups.items():
        yield (
            f"{_names(names, len(racks))}: limit in the BMS is loose: {name} {theirs}, not {ours}"
            + (f", and {more} more" if more else "")
        )


def _names(names: Sequence[str], racks: int) -> str:
    if len(names) == racks > 1:
        return "all racks"
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"
