"""Makes a scenario happen: each step at its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.config import LEVELS
from gateway.protection import rules
from host_tools.run.evidence import Fault, Outage
from host_tools.run.plan import shows
from host_tools.run.rig import Rig
from host_tools.run.scenario import BEGIN, BROKER_DOWN, BROKER_UP, END, GATEWAY_RESTART, Step
from host_tools.simulate import faults
from host_tools.simulate.rack_faults import ReadingFault, StuckContactor
from host_tools.simulate.truth import Watch
from host_tools.simulate.wire_faults import WireFault

DARK_S = 1.0  # between a kill of the gateway and its next start


class Driver:
    """Drives `rig` through its plan's steps and notes what was done.

    `struck` are racks whose data a fault keeps or spoils, `welded` those whose contactor it keeps
    closed, `wire_kinds` the faults of the wire that had to show.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.struck: set[int] = set()
        self.welded: set[int] = set()
        self.wire_kinds: set[str] = set()
        self._started: list[tuple[ReadingFault, Fault, Watch | None]] = []
        self.outage: Outage | None = None
        self._actions: dict[str, Callable[[Step], Awaitable[None]]] = {
            BEGIN: self._begin,
            END: self._end,
            BROKER_DOWN: self._broker_down,
            BROKER_UP: self._broker_up,
            GATEWAY_RESTART: self._restart_gateway,
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
        for _, fault, watch in self._started:
            if watch:
                fault.crossed_ms = watch.crossed_ms
            elif reads := self._rig.site.access[fault.rack].summary_reads:
                fault.last_answer_ms = reads[-1]
                limit = self._rig.plan.config.limits[fault.rule][len(LEVELS) - 1]
                fault.crossed_ms = reads[-1] + limit.set_point
        return [fault for _, fault, _ in self._started]

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
        rig, reading = self._rig, fault.reading
        watch = None
        if reading.field is not None:
            limit = rig.plan.config.limits[reading.rule][len(LEVELS) - 1].set_point
            factor = rules.TABLE[rules.NAMES.index(reading.rule)][2]
            watch = rig.site.truth.watch(rack, reading.field, limit * factor, reading.above)
        self._started.append((fault, Fault(rack, reading.rule, silent=watch is None), watch))

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
        for fault, noted, _watch in self._started:
            faults.end(rig.site, fault, noted.rack)
        await asyncio.sleep(DARK_S)
        await rig.start_gateway()
