"""Makes a scenario happen: each step at its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from host_tools.run.evidence import Fault, Outage, Reached
from host_tools.run.plan import shows
from host_tools.run.rig import Rig
from host_tools.run.scenario import (
    BEGIN,
    BROKER_DOWN,
    BROKER_UP,
    END,
    GATEWAY_RESTART,
    INPUT,
    Step,
)
from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault, StuckContactor
from host_tools.simulate.truth import Watch
from host_tools.simulate.wire_faults import WireFault

TRIP_LEVEL = 3
DARK_S = 1.0  # between a kill of the gateway and its next start


class Driver:
    """Drives `rig` through its plan's steps and notes what was done.

    `struck` are racks whose data a fault keeps or spoils, `welded` those whose contactor it keeps
    closed, `wire_kinds` the faults of the wire that had to show, `levels` what the faults below
    level 3 have to lead to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.struck: set[int] = set()
        self.welded: set[int] = set()
        self.wire_kinds: set[str] = set()
        self.levels: list[Reached] = []
        self._begun: list[tuple[ReadingFault, int]] = []
        self._noted: list[tuple[Fault, Watch | None]] = []
        self.outage: Outage | None = None
        self._actions: dict[str, Callable[[Step], Awaitable[None]]] = {
            BEGIN: self._begin,
            END: self._end,
            BROKER_DOWN: self._broker_down,
            BROKER_UP: self._broker_up,
            GATEWAY_RESTART: self._restart_gateway,
            INPUT: self._set_input,
        }

    async def run(self) -> None:
        """All steps; returns after the last one."""
        rig = self._rig
        zero_ms = rig.lives[0].started_ms
        for timed in rig.plan.steps:
            wait_ms = zero_ms + timed.at_s * 1000 - rig.clock()
            await asyncio.sleep(max(0.0, wait_ms / 1000))
            await self._actions[timed.step.action](timed.step)

    def faults(self) -> list[Fault]:
        """The faults so far, with the times at which their limits were crossed."""
        for fault, watch in self._noted:
            if watch:
                fault.crossed_ms = watch.crossed_ms
            elif fault.silent and (reads := self._rig.site.access[fault.rack].summary_reads):
                fault.last_answer_ms = reads[-1]
                fault.crossed_ms = reads[-1] + self._trip_point(fault.rule)
        return [fault for fault, _ in self._noted]

    async def _begin(self, step: Step) -> None:
        fault = step.fault
        assert fault is not None
        for rack in step.racks:
            faults.begin(self._rig.site, fault, rack)
            if isinstance(fault, ReadingFault):
                self._note(fault, rack)
        if isinstance(fault, StuckContactor):
            self.welded |= set(step.racks) if fault.position == "closed" else set()
        elif shows(step, self._rig.plan.topology) and not isinstance(fault, ReadingFault):
            self.struck |= set(step.racks)
            if isinstance(fault, WireFault):
                self.wire_kinds.add(fault.kind)

    async def _end(self, step: Step) -> None:
        assert step.fault is not None
        for rack in step.racks:
            faults.end(self._rig.site, step.fault, rack)

    def _note(self, fault: ReadingFault, rack: int) -> None:
        reading = fault.reading
        rule, *others = reading.rules
        self._begun.append((fault, rack))
        if fault.expected_level < TRIP_LEVEL:
            if fault.expected_level:
                self.levels.append(Reached(rack, (rule,), fault.expected_level))
            return
        watch = None
        if reading.field is not None:
            watch = self._rig.site.truth.watch(
                rack, reading.field, self._trip_point(rule) * reading.sign, reading.above
            )
        timed = watch is not None or fault.silent
        self._noted.append((Fault(rack, rule, fault.silent, tuple(others), timed), watch))

    def _trip_point(self, rule: str) -> int:
        limit = self._rig.plan.config.limits[rule][TRIP_LEVEL - 1]
        assert limit is not None  # no reading is driven to a level that its rule does not have
        return limit.set_point

    async def _set_input(self, step: Step) -> None:
        assert step.wire is not None
        number, level = step.wire
        self._rig.field.set_input(number, level == 1)

    async def _broker_down(self, _: Step) -> None:
        broker = self._rig.broker
        assert broker is not None  # the plan refuses this step otherwise
        self.outage = Outage(self._rig.clock(), time.time_ns() // 1_000_000)
        await broker.kill()

    async def _broker_up(self, _: Step) -> None:
        broker = self._rig.broker
        assert broker is not None and self.outage is not None
        await broker.start()
        self.outage.up_ms = self._rig.clock()

    async def _restart_gateway(self, _: Step) -> None:
        """The faults end in between: what still keeps a relay open then is its latch alone."""
        rig = self._rig
        await rig.kill_gateway()
        for fault, rack in self._begun:
            faults.end(rig.site, fault, rack)
        await asyncio.sleep(DARK_S)
        await rig.start_gateway()
