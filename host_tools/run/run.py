"""One run from the first port to what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

from rich.console import Console

from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleClient
from host_tools.monitor.display import open_display
from host_tools.run import ports
from host_tools.run.collect import collect
from host_tools.run.driver import Driver
from host_tools.run.evidence import Evidence
from host_tools.run.plan import Plan
from host_tools.run.rig import Rig
from host_tools.run.watch import Watch
from host_tools.simulate.ports import HOST

DRAIN_S = 30.0  # the gateway itself gives up after 20 s
HASTE_S = 5.0  # after Ctrl-C
INTERRUPTED = 130


class Run:
    """Runs `plan` once; `console` gets the table."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._interrupt = asyncio.Event()
        self._rig = Rig(plan)
        self._driver = Driver(self._rig)

    async def run(self) -> Evidence:
        """Everything from start to stop; nothing is left running, whatever happens."""
        plan, rig = self._plan, self._rig
        ports.check_free(plan.ports, plan.rack_ports, plan.own_broker)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        client = ConsoleClient(HOST, plan.ports.console)
        names = [rack.name for rack in plan.config.racks]
        try:
            with open_display(plan.title, names, self._console) as display:
                await rig.start()
                watch = Watch(client, display)
                await self._until_end(watch)
        finally:
            client.close()
            await rig.stop()
        return collect(rig, self._driver, watch, self._interrupt.is_set())

    async def _until_end(self, watch: Watch) -> None:
        """Until time is up, Ctrl-C, or something that must not end has ended; then in order."""
        rig = self._rig
        ends = {
            asyncio.create_task(work)
            for work in (
                self._interrupted(),
                self._time_is_up(),
                self._gateway_ends(watch),
                self._gateway_is_unsafe(watch),
                _for_ever(self._driver.run()),
                rig.site.wait(),
                rig.observer.wait(),
            )
        }
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in done:
                end.result()  # raises what ended it
            watch.stopping = True
            await self._stop_gateway()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _stop_gateway(self) -> None:
        """In order and with patience, but a person who presses Ctrl-C has little of it."""
        stopping = asyncio.create_task(self._rig.stop_gateway(DRAIN_S))
        interrupted = asyncio.create_task(self._interrupted())
        await asyncio.wait({stopping, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        interrupted.cancel()
        await asyncio.wait({stopping}, timeout=HASTE_S)
        if not stopping.done():
            self._rig.gateway.kill_now()
        await stopping

    async def _gateway_ends(self, watch: Watch) -> None:
        gateway = self._rig.gateway
        status = await gateway.ended_by_itself
        text = f"the gateway ended by itself with status {status}: {gateway.last_words()}"
        if not watch.has_run:
            raise UserError(f"{text} (all it said: {gateway.log})")
        self._rig.errors.append(text)

    async def _gateway_is_unsafe(self, watch: Watch) -> None:
        self._rig.errors.append(await watch.run())

    async def _time_is_up(self) -> None:
        await asyncio.sleep(self._plan.duration_s or float("inf"))

    async def _interrupted(self) -> None:
        await self._interrupt.wait()

    def _on_signal(self) -> None:
        """The first time ends the run in order, the second at once."""
        if self._interrupt.is_set():
            self._rig.gateway.kill_now()
            os._exit(INTERRUPTED)  # every process of the run ends with this one
        self._interrupt.set()


async def _for_ever(work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, then wait to be cancelled: only an exception ends it."""
    await work
    await asyncio.Event().wait()
