"""From the gateway's status and self-test to findings; nothing here asks or prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.clock import UNSET
from gateway.uplink.mqtt_client import UP
from host_tools.monitor.console_client import Status
from host_tools.monitor.reasons import RISING, explain

GOOD, LOOK, BAD = "good", "look", "bad"
_TIMEOUTS_PM = 20  # of all requests on a bus: worth a look from here on
_FREE_PM = 100  # of the heap


@dataclass(frozen=True)
class Finding:
    """One part of the gateway: GOOD, LOOK or BAD, and a line."""

    part: str
    state: str
    text: str


def findings(status: Status, report: Status) -> list[Finding]:
    """All parts, in the order in which a person would look at them."""
    found = list(_board(status, report))
    if status["mode"] == "run":
        found += [*_time(status), *_relays(status), *_buses(status), *_racks(status)]
        found += _broker(status)
    return found


def _board(status: Status, report: Status) -> Iterator[Finding]:
    if status["mode"] == "run":
        yield Finding("program", GOOD, _program(status, report))
    else:
        yield Finding("program", BAD, f"safe mode, relays open: {status.get('reason', '')}")
    if not report["kept"]:
        yield Finding(
            "program", LOOK, "not what is chosen: a trial, or the chosen one does not load; deploy"
        )
    stalls = status.get("counters", {}).get("stalls", 0)
    if stalls:
        text = f"its protecting loop stood still {stalls} times since the start: logs, memory, TLS"
        yield Finding("program", LOOK, f"{text}; relays dropped each time")
    for problem in report["board_problems"]:
        yield Finding("board", BAD, f"{problem}: check its wiring and /config/board.json")
    problem = status.get("config", {}).get("problem", "")
    if problem:
        yield Finding("config", BAD, f"{problem}: deploy it again")
    yield from _flash(status, report["flash"])
    yield _rtc(report["rtc"])
    heap = report["heap"]
    free_pm = heap["free"] * 1000 // max(heap["used"] + heap["free"], 1)
    text = f"{heap['used'] // 1024} kB used, {heap['free'] // 1024} kB free"
    yield Finding("memory", LOOK if free_pm < _FREE_PM else GOOD, text)
    on = [str(number) for number, level in enumerate(report["inputs"]) if level]
    yield Finding(
        "inputs", GOOD, f"{len(report['inputs'])} of them, on: {', '.join(on) or 'none'}"
    )


def _program(status: Status, report: Status) -> str:
    where = report["slot"] or "its image"
    uptime_s = status["uptime_ms"] // 1000
    return f"version {status['version']} from {where}, {report['interpreter']}, up {uptime_s} s"


def _flash(status: Status, flash: Status) -> Iterator[Finding]:
    if flash["error"]:
        yield Finding("flash", BAD, f"{flash['error']}: no record and no latch is kept")
        return
    telemetry = status.get("telemetry", {})
    damage = telemetry.get("write_errors", 0) + telemetry.get("corrupt", 0)
    if flash["formatted"]:
        yield Finding("flash", LOOK, "was formatted at this start: every rack waits for service")
    elif damage:
        yield Finding("flash", LOOK, f"{damage} records were not written or came back damaged")
    else:
        yield Finding("flash", GOOD, "written and read back")


def _rtc(rtc: Status) -> Finding:
    if not rtc["fitted"]:
        return Finding("rtc", GOOD, "none: the time comes from elsewhere")
    if rtc["error"]:
        return Finding("rtc", BAD, rtc["error"])
    if not rtc["utc_ms"]:
        return Finding("rtc", LOOK, "was never set, or its battery is empty")
    return Finding("rtc", GOOD, "runs")


def _time(status: Status) -> Iterator[Finding]:
    clock = status["clock"]
    sync = clock["sync"]
    if clock["quality"] == UNSET:
        hint = f"{sync['server']}: {sync['reason']}" if sync["server"] else "set time.ntp_host"
        yield Finding("time", BAD, f"not known, records have no date: {hint}")
    elif sync["server"] and sync["age_s"] is None:
        yield Finding("time", LOOK, f"from the clock chip; {sync['server']}: {sync['reason']}")
    else:
        yield Finding("time", GOOD, "known")


def _relays(status: Status) -> Iterator[Finding]:
    fault = status.get("relay_fault", "")
    if fault:
        yield Finding(
            "relays", BAD, f"{fault}: check its supply and wiring, then the relay itself"
        )
    retries = status["counters"].get("relay_retries", 0)
    if retries and not fault:
        yield Finding("relays", LOOK, f"{retries} writes were repeated: check supply and wiring")
    errors = status["counters"]["relay_errors"]
    if errors:
        yield Finding("relays", BAD, f"{errors} of their commands failed: check their supply")
    closed = sum(rack["relay"] for rack in status["racks"])
    yield Finding("relays", GOOD, f"{closed} of {len(status['racks'])} racks are closed")


def _buses(status: Status) -> Iterator[Finding]:
    for bus in status["buses"]:
        part, replies, timeouts = f"bus {bus['name']}", bus["replies"], bus["timeouts"]
        if not replies:
            reason = f" ({bus['reason']})" if bus["reason"] else ""
            yield Finding(
                part, BAD, f"no answer at all{reason}: check A and B, baud, parity, unit: scan"
            )
        elif timeouts * 1000 > (replies + timeouts) * _TIMEOUTS_PM or bus["garbled"]:
            text = f"{replies} answers, {timeouts} missing, {bus['garbled']} damaged"
            yield Finding(part, LOOK, f"{text}: check termination and shield")
        else:
            yield Finding(part, GOOD, f"{replies} answers, {timeouts} missing")


def _racks(status: Status) -> Iterator[Finding]:
    found = explain({**status, "relay_fault": ""})  # told of the relays already
    for reason in found:
        if reason.text.endswith(f": {RISING}") and not reason.level:
            yield Finding("rack", GOOD, f"{reason.text}, as after each start and each fall")
        else:
            yield Finding("rack", BAD if reason.level >= 2 else LOOK, reason.text)
    if not found:
        yield Finding("rack", GOOD, f"all {len(status['racks'])} are read and in order")


def _broker(status: Status) -> Iterator[Finding]:
    uplink = status["uplink"]
    if uplink["state"] == "off":
        yield Finding("broker", GOOD, "none is configured")
    elif uplink["state"] == UP:
        yield Finding("broker", GOOD, f"connected, {uplink['messages']} messages delivered")
    else:
        yield Finding("broker", BAD, f"{uplink['state']}: {uplink['reason'] or 'no reason known'}")
