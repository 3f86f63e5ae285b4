"""A whole running site in which every rack is struck again and again.

Gateway on MicroPython, twelve simulated racks, broker and console as `make run` has them. Cells
are driven over their voltage at any moment, on several racks at a time. A rack that has opened is
healed, released with the reset button, and comes back for its next fault.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleClient, ConsoleError
from host_tools.run import ports
from host_tools.run.plan import Plan
from host_tools.run.rig import Rig
from host_tools.simulate.ports import HOST
from host_tools.simulate.rack_faults import ReadingFault
from host_tools.simulate.registers import CONTACTOR
from host_tools.simulate.truth import opened_after

RULE = "cell_overvoltage"
_FIELD = "cell_max_mv"
_LEVEL_3 = 2
_LOOK_S = 0.02
_MISSED_S = 15.0
_READY_S = 90.0
_CONSOLE_S = 0.5
_PUSH_S = 0.25
_PAUSE_S = 0.75
_LEAST_LOAD_DA = 100
_LONGEST_PAUSE_S = 2.0  # of a rack, before its next fault: far above every period in the site


@dataclass(frozen=True)
class Trip:
    """When the reading crossed its limit and when the relay dropped (ms of the rig's clock), and
    the time in between, less the delay of the rule.
    """

    crossed_ms: int
    dropped_ms: int
    latency_ms: int


@dataclass
class Found:
    """The trips, and what went wrong."""

    trips: list[Trip] = field(default_factory=list)
    missed: int = 0
    begun: int = 0
    loaded: int = 0  # trips that found a current
    console_answers: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def latencies_ms(self) -> list[int]:
        """Of each trip."""
        return [trip.latency_ms for trip in self.trips]


class Drill:
    """Strikes until `is_over` says that no further fault shall begin.

    `conduct` runs beside, from the moment at which everything was started.
    """

    def __init__(
        self,
        plan: Plan,
        is_over: Callable[[Found], bool],
        make_rig: Callable[[Plan], Rig] = Rig,
        conduct: Callable[[Rig], Coroutine[Any, Any, None]] | None = None,
        seed: int = 1,
    ) -> None:
        self._plan = plan
        self._over = is_over
        self._make_rig = make_rig
        self._conduct = conduct
        self._load = plan.scenario.load or 0.0
        self._random = random.Random(seed)
        limit = plan.config.limits[RULE][_LEVEL_3]
        assert limit is not None  # the rule has a level 3
        self._set_mv, self._delay_ms = limit.set_point, limit.delay_ms
        self._reset = next(each for each in plan.config.inputs if each.role == "reset")
        self.found = Found()

    async def run(self) -> Found:
        """All faults; everything is stopped afterwards."""
        plan = self._plan
        ports.check_free(plan.ports, plan.rack_ports, plan.own_broker)
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # `asyncio.run` made it
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        self._rig = self._make_rig(plan)
        client = ConsoleClient(HOST, plan.ports.console)
        try:
            await self._rig.start()
            await self._strike_all(client)
        finally:
            client.close()
            self._rig.gateway.expect_end()
            await self._rig.stop()
        self.found.errors += self._rig.errors
        return self.found

    async def _strike_all(self, client: ConsoleClient) -> None:
        """Until every fault has its verdict, or something that must not end has ended."""
        racks = [
            asyncio.create_task(self._strike_again(index))
            for index in range(len(self._rig.site.racks))
        ]
        others: list[asyncio.Task[None]] = [
            asyncio.create_task(self._push_reset()),
            asyncio.create_task(self._ask(client)),
            asyncio.create_task(self._rig.site.wait()),
            asyncio.create_task(self._rig.observer.wait()),
            asyncio.create_task(self._gateway_ends()),
        ]
        if self._load:
            others.append(asyncio.create_task(self._vary_load()))
        if self._conduct is not None:
            racks.append(asyncio.create_task(self._conduct(self._rig)))
        struck = asyncio.create_task(_all(racks))
        try:
            done, _ = await asyncio.wait([struck, *others], return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            for each in (*racks, *others):
                each.cancel()
            await asyncio.gather(struck, *others, return_exceptions=True)

    async def _strike_again(self, index: int) -> None:
        while not self._is_over:
            try:
                await self._until(lambda: self._is_over or self._is_ready(index), _READY_S)
            except TimeoutError:
                raise UserError(f"rack {index + 1} did not come back after a trip") from None
            await asyncio.sleep(self._random.uniform(0.0, _LONGEST_PAUSE_S))
            if not self._is_over and self._is_ready(index):
                self.found.begun += 1
                await self._strike(index)

    async def _strike(self, index: int) -> None:
        """One fault, from the register that changes to the relay that drops."""
        site = self._rig.site
        rack = site.racks[index]
        fault = ReadingFault(kind="cell_overvoltage", level=3)
        watch = site.truth.watch(index, _FIELD, self._set_mv, True)
        self.found.loaded += abs(rack.values["rack_current_da"]) >= _LEAST_LOAD_DA
        fault.strike(rack, site.clock())
        # Now, and not with the next tick of the site: those come at the same moments as the polls.
        rack.tick(site.clock(), rack.values["rack_current_da"] / rack.load_da)
        site.truth.check(site.racks)
        site.truth.watches.remove(watch)
        crossed_ms = watch.crossed_ms
        assert crossed_ms is not None  # the fault is beyond the limit
        changes = site.truth.relay_changes[index]
        try:
            await self._until(lambda: opened_after(changes, crossed_ms) is not None, _MISSED_S)
        except TimeoutError:
            self.found.missed += 1
        else:
            dropped_ms = opened_after(changes, crossed_ms)
            assert dropped_ms is not None  # it was waited for
            latency_ms = dropped_ms - crossed_ms - self._delay_ms
            self.found.trips.append(Trip(crossed_ms, dropped_ms, latency_ms))
        fault.heal(rack)

    @property
    def _is_over(self) -> bool:
        return self._over(self.found)

    def _is_ready(self, index: int) -> bool:
        """Closed, and carrying what it should. Nothing closes a contactor that was commanded open
        but a person at its BMS: that is done here as soon as the relay allows it.
        """
        rack = self._rig.site.racks[index]
        if rack.relay_energised and not rack.commands[CONTACTOR]:
            rack.commands[CONTACTOR] = 1
        current_da = abs(rack.values["rack_current_da"])
        return rack.contactor_closed and (not self._load or current_da >= _LEAST_LOAD_DA)

    async def _vary_load(self) -> None:
        """Rest for as long as racks are out: they join the others only without a current."""
        site = self._rig.site
        while True:
            closed = all(rack.contactor_closed for rack in site.racks)
            if closed:
                site.held_load = self._load
            elif not any(RULE in rack.forced or "cell_mv" in rack.forced for rack in site.racks):
                site.held_load = 0.0
            await asyncio.sleep(_LOOK_S)

    async def _push_reset(self) -> None:
        """Pushed and let go, for ever: what is not clear yet waits for the next push."""
        number, pushed = self._reset.number, self._reset.on_level == 1
        while True:
            self._rig.field.set_input(number, pushed)
            await asyncio.sleep(_PUSH_S)
            self._rig.field.set_input(number, not pushed)
            await asyncio.sleep(_PAUSE_S)

    async def _ask(self, client: ConsoleClient) -> None:
        while True:
            with suppress(ConsoleError):
                await client.ask("status")
                self.found.console_answers += 1
            await asyncio.sleep(_CONSOLE_S)

    async def _gateway_ends(self) -> None:
        status = await self._rig.gateway.ended_by_itself
        raise UserError(f"the gateway ended ({status}): {self._rig.gateway.last_words()}")

    async def _until(self, condition: Callable[[], bool], longest_s: float) -> None:
        async with asyncio.timeout(longest_s):
            while not condition():  # noqa: ASYNC110 - what is waited for gives no event
                await asyncio.sleep(_LOOK_S)


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    """Ends with the last of them, or with the first that fails."""
    await asyncio.gather(*tasks)
