"""Makes a scenario happen: each step at its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.config import LEVELS
from gateway.protection import rules
from host_tools.run.evidence import Fault, Outage
from host_tools.run.rig import Rig
from host_tools.run.scenario import BROKER_DOWN, BROKER_UP, FAULT, GATEWAY_RESTART, Step
from host_tools.simulate import faults
from host_tools.simulate.truth import Watch

DARK_S = 1.0  # between a kill of the gateway and its next start


class Driver:
    """Drives `rig` through its plan's steps and notes what was done."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._started: list[tuple[str, Fault, Watch | None]] = []
        self.outage: Outage | None = None
        self._actions: dict[str, Callable[[Step], Awaitable[None]]] = {
            FAULT: self._fault,
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

    async def _fault(self, step: Step) -> None:
        rig = self._rig
        rack = min(4, rig.plan.product.racks - 1)
        fault = faults.start(rig.site, step.fault, rack, rig.clock())
        watch = None
        if fault.field is not None:
            limit = rig.plan.config.limits[fault.rule][len(LEVELS) - 1].set_point
            factor = rules.TABLE[rules.NAMES.index(fault.rule)][2]
            watch = rig.site.truth.watch(rack, fault.field, limit * factor, fault.above)
        self._started.append((step.fault, Fault(rack, fault.rule, silent=watch is None), watch))

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
        for name, fault, _watch in self._started:
            faults.stop(rig.site, name, fault.rack)
        await asyncio.sleep(DARK_S)
        await rig.start_gateway()
