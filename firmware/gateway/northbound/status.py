"""What a person or a tool may ask the gateway: its state as plain data."""

from __future__ import annotations

from gateway import VERSION
from gateway.northbound import program_slot
from gateway.northbound.self_test import SelfTest
from gateway.outputs import closing, opening, relay_faults
from gateway.protection import rules
from gateway.protection.decision import limiter
from gateway.protection.margin import nearest
from gateway.rack import data as rack_data
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from gateway.clock import Clock
    from gateway.clock_check import ClockCheck
    from gateway.config.file import ConfigWatch
    from gateway.contracts import Board
    from gateway.log import Logs
    from gateway.outputs.enforcer import Enforcer
    from gateway.outputs.proof_records import ProofRecords
    from gateway.protection.changes import Changes
    from gateway.protection.interlocks import Interlocks
    from gateway.protection.latch_store import LatchStore
    from gateway.rack.bus import Bus
    from gateway.rack.poller import RackPoller
    from gateway.telemetry.lanes import Lanes
    from gateway.telemetry.recorder import Recorder
    from gateway.time_sync import TimeSync

    class Parts(Protocol):
        """What is looked at."""

        board: Board
        config_name: str
        site: str
        gateway: str
        clock: Clock
        clock_check: ClockCheck
        config_watch: ConfigWatch
        proof_records: ProofRecords
        logs: Logs
        enforcer: Enforcer
        interlocks: Interlocks
        changes: Changes
        latch_store: LatchStore
        lanes: Lanes
        recorder: Recorder
        time_sync: TimeSync
        recording: Any  # these stand beside the packages, not in one
        supervisor: Any
        upstream: Any
        console: Any


class Status:
    """Answers for a running gateway. `heap()` is the board's: (used, free) bytes."""

    def __init__(self, parts: Parts, interpreter: str) -> None:
        self._parts = parts
        self._interpreter = interpreter
        self._peak = 0

    def questions(self) -> dict[str, Callable[[], object]]:
        """Words the console answers."""
        return {
            "status": self.status,
            "log": self.log,
            "selftest": SelfTest(self._parts.board, self._parts.config_name).report,
            "keep": lambda: program_slot.keep(self._parts.config_name),
        }

    def watch_heap(self) -> None:
        """Note the highest use seen so far; call often."""
        self._peak = max(self._peak, self._parts.board.heap()[0])

    def log(self) -> dict[str, object]:
        """The last log lines."""
        return {"log": self._parts.logs.ring.lines}

    def status(self) -> dict[str, object]:
        """Everything at a glance."""
        parts = self._parts
        now = parts.clock.ticks()
        used, free = parts.board.heap()
        self._peak = max(self._peak, used)
        lanes = parts.lanes
        failure = parts.supervisor.failure
        return {
            "mode": "safe" if failure else "run",
            "reason": failure,
            "site": parts.site,
            "gateway": parts.gateway,
            "version": VERSION,
            "interpreter": self._interpreter,
            "boot": lanes.boot,
            "uptime_ms": parts.clock.uptime_ms(),
            "armed": parts.enforcer.armed,
            "escalated": parts.enforcer.escalated,
            "self_check": parts.enforcer.self_check.problem,
            "relay_fault": relay_faults.text(parts.enforcer.bank.faults),
            "clock": {
                "quality": parts.clock.utc_quality,
                "deviation_pm": parts.clock_check.deviation_pm,
                "sync": parts.time_sync.status(),
            },
            "config": {
                "crc": "%08x" % parts.config_watch.crc,
                "problem": parts.config_watch.problem,
            },
            "interlocks": self._interlocks(),
            "buses": [self._bus(bus, now) for bus in parts.enforcer.buses],
            "racks": [self._rack(index, now) for index in range(len(parts.enforcer.pollers))],
            "telemetry": {
                "stored": {records.LANES[lane.number]: lane.stored for lane in lanes.all},
                "backlog": lanes.backlog,
                "dropped": lanes.dropped,
                "write_errors": lanes.write_errors,
                "corrupt": lanes.corrupt,
                "removed_aside": lanes.removed_aside,
                "black_boxes": self._black_boxes(),
            },
            "uplink": {"state": "off"} if parts.upstream is None else parts.upstream.status(),
            "heap": {"used": used, "peak": self._peak, "free": free},
            "counters": {
                "stalls": parts.enforcer.stalls,
                "task_restarts": parts.supervisor.restarts,
                "changes_lost": parts.changes.lost + parts.recorder.changes_failed,
                "latch_write_errors": parts.latch_store.write_errors,
                "proof_write_errors": parts.proof_records.write_errors,
                "log_errors": parts.logs.ring.write_errors,
                "console_errors": parts.console.errors,
                "relay_errors": parts.enforcer.bank.errors,
                "relay_retries": getattr(parts.board.relays, "errors", 0),
                "incidents_lost": parts.recorder.incidents_lost,
                "record_failures": parts.recording.turns.failures,
            },
            "events": [list(event) for event in parts.recorder.latest],
        }

    def _black_boxes(self) -> dict[str, object]:
        box = self._parts.recording.black_box
        return {"made": box.boxes, "refused": box.refused, "lost_blocks": box.lost}

    def _rack(self, index: int, now: int) -> dict[str, object]:
        enforcer = self._parts.enforcer
        poller = enforcer.pollers[index]
        data = poller.data
        protection = enforcer.protections[index]
        decision = protection.decision
        values = data.summary
        latches = protection.latches.names() + self._parts.interlocks.latches.names()
        return {
            "name": data.name,
            "quality": rack_data.QUALITY_NAMES[data.quality(now)],
            "starting": data.is_starting(now),
            "age_ms": data.age_ms(now),
            "worst_age_ms": poller.worst_age_ms,
            "voltage_dv": _known(values[rack_data.RACK_VOLTAGE_DV]),
            "current_da": _known(values[rack_data.RACK_CURRENT_DA]),
            "soc_pm": _known(values[rack_data.SOC_PM]),
            "cell_max_mv": _known(values[rack_data.CELL_MAX_MV]),
            "cell_min_mv": _known(values[rack_data.CELL_MIN_MV]),
            "temp_max_dc": _known(values[rack_data.TEMP_MAX_DC]),
            "temp_min_dc": _known(values[rack_data.TEMP_MIN_DC]),
            "contactor": _known(values[rack_data.CONTACTOR_STATE]),
            "level": decision.level,
            "rule": rules.name(decision.rule),
            "latched": len(latches) > 0,  # its own, and those of the site, which open all racks
            "latches": latches,
            "relay": enforcer.closed[index],
            "closing": closing.REASONS[enforcer.closing.reasons[index]],
            "opening": opening.STATE_NAMES[enforcer.openings[index].state],
            "charge_limit_da": decision.charge_limit_da,
            "charge_by": limiter(decision.charge_by),
            "discharge_limit_da": decision.discharge_limit_da,
            "discharge_by": limiter(decision.discharge_by),
            "charge_cap_da": decision.charge_cap_da,
            "discharge_cap_da": decision.discharge_cap_da,
            "next": nearest(protection),
            "bms_thresholds": [
                list(each) for each in self._parts.recording.bms_thresholds.found[index]
            ],
            "implausible": poller.data.implausible,
            "before_start": poller.data.before_start,
            "odd_values": poller.data.odd_values,
            "skipped": poller.skipped,
            "hot": poller.hot,
            "unit": _unit(poller, now),
        }

    def _interlocks(self) -> dict[str, object]:
        """Level of each site rule that is active, and the latches."""
        interlocks = self._parts.interlocks
        levels = {
            rules.name(rule): interlocks.level(rule)
            for rule in range(rules.RACK_RULES, rules.RULE_COUNT)
            if interlocks.level(rule)
        }
        return {"levels": levels, "latches": interlocks.latches.names()}

    def _bus(self, bus: Bus, now: int) -> dict[str, object]:
        link = bus.link
        return {
            "name": bus.name,
            "reason": link.reason,
            "use_pm": bus.use_pm,
            "worst_age_ms": max([poller.data.age_ms(now) for poller in bus.pollers]),
            "replies": link.replies,
            "timeouts": link.timeouts,
            "refusals": link.refusals,
            "garbled": link.garbled,
            "late": link.late,
            "losses": link.losses,
        }


def _unit(poller: RackPoller, now: int) -> dict[str, object]:
    health = poller.health
    return {
        "down": health.down,
        "misses": health.misses,
        "next_probe_ms": -health.probe_overdue_ms(now) if health.down else 0,
        "identity": poller.data.identity_problem,
        "open_forbidden": poller.writes.forbidden,
        "writes": [
            [job.address, job.confirmed, job.refused, job.failed] for job in poller.writes.jobs
        ],
    }


def _known(value: int) -> int | None:
    """None for what has not been read, or what this rack BMS does not supply."""
    return None if value == rack_data.ABSENT else value
