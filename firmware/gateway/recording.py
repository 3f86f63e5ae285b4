"""Composition of what records: lanes on flash, samples, events and black boxes."""

from __future__ import annotations

import asyncio

from micropython import const

from gateway.telemetry.black_box import BlackBox
from gateway.telemetry.bms_thresholds import BmsThresholds
from gateway.telemetry.box_rations import BoxRations
from gateway.telemetry.clock_records import ClockRecords
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.rack_summary import RackSummary
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.rewind import Rewind
from gateway.telemetry.sampler import Sampler
from gateway.telemetry.tier import Tier, instant_bytes
from gateway.telemetry.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.contracts import Board, Log
    from gateway.outputs.enforcer import Enforcer
    from gateway.protection.changes import Changes
    from gateway.rack.incidents import Incidents

# Of a message with one record: what a black box's part leaves room for.
_RECORD_OVERHEAD = const(36)
_LARGEST_PART = const(3800)
_SHORTEST_REWIND_S = const(10)  # the time behind a trip is collected in the same rings


def open_lanes(board: Board, settings: Config) -> Lanes:
    """The journal, open for this boot."""
    integer = settings.integer
    lanes = Lanes(
        board.storage("data"),
        board.clock,
        asyncio.Event(),
        segment_bytes=integer("telemetry.segment_bytes"),
        capacity_bytes=integer("telemetry.capacity_bytes"),
        events_pm=integer("telemetry.events_pm"),
        flush_ms=integer("telemetry.flush_ms"),
        # A quarter of what an instant of nothing but noise would take: a key set of real racks.
        # Pages are written while the racks of a set are gone through.
        instant_bytes=instant_bytes(
            len(settings.racks), integer("cells_per_rack"), integer("temps_per_rack")
        )
        // 4,
        boxes=integer("telemetry.rewind_s") > 0 or integer("telemetry.aftermath_s") > 0,
        minute=integer("telemetry.minute_period_ms") > 0,
        fine=integer("telemetry.fine_period_ms") > 0,
        random=board.random,
    )
    lanes.open()
    return lanes


class Recording:
    """Everything that makes records, and the one `step` that drives it."""

    def __init__(
        self,
        board: Board,
        settings: Config,
        lanes: Lanes,
        enforcer: Enforcer,
        changes: Changes,
        bus_log: Incidents,
        log: Log,
    ) -> None:
        clock = board.clock
        racks = [poller.data for poller in enforcer.pollers]
        integer = settings.integer
        self.lanes = lanes
        self.summary = RackSummary(enforcer, clock)
        aftermath = integer("telemetry.aftermath_s") > 0
        self.rewind = Rewind(
            len(racks),
            integer("cells_per_rack"),
            integer("temps_per_rack"),
            max(integer("telemetry.rewind_s"), _SHORTEST_REWIND_S if aftermath else 0),
            integer("poll.summary_period_ms"),
            integer("poll.scan_period_ms"),
        )
        self.black_box = BlackBox(
            lanes.events,
            BoxRations(lanes, len(racks), clock.ticks()),
            self.rewind,
            enforcer,
            settings,
            self.summary.fill,
            clock,
            min(_LARGEST_PART, integer("uplink.batch_bytes") - _RECORD_OVERHEAD),
        )
        self.recorder = Recorder(
            lanes.events,
            enforcer,
            changes,
            bus_log,
            settings,
            clock,
            log,
            self.black_box.trip,
        )
        self.clock_records = ClockRecords(lanes.events.append, self.recorder.note, clock)
        self.bms_thresholds = BmsThresholds(enforcer.pollers, settings.limits, self.recorder.note)
        periods = (
            (lanes.fine, integer("telemetry.fine_period_ms")),
            (lanes.minute, integer("telemetry.minute_period_ms")),
        )
        tiers = [
            Tier(lane, racks, self.summary, clock, period_ms, integer("uplink.batch_bytes"))
            for lane, period_ms in periods
            if period_ms
        ]
        self.sampler = Sampler(
            racks, self.summary, self.rewind, tiers, clock, integer("poll.summary_period_ms")
        )
        self.turns = Turns(
            (
                ("events", lambda now: self.recorder.step()),
                ("journal", lanes.step),  # a trip that was just recorded waits for nothing else
                ("black box", self.black_box.step),
                ("limits of the BMS", lambda now: self.bms_thresholds.step()),
                ("samples", self.sampler.step),
            ),
            log,
        )
        self._recording = True

    def step(self, now: int) -> None:
        """Note what is new, events first, and write one page at most; each whatever else fails."""
        if self._recording:
            self.turns.step(now)
        else:
            self.lanes.step(now)

    def finish(self) -> None:
        """The gateway ends: complete what was begun; only the flash goes on afterwards."""
        self._recording = False
        try:
            self.sampler.finish()
        finally:
            self.black_box.finish()
