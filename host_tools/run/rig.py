"""The parts of a run as running things: started in order, stopped in the opposite one."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import AsyncExitStack, suppress

from host_tools.run import device_files
from host_tools.run.broker import Broker
from host_tools.run.evidence import Life
from host_tools.run.gateway_process import GatewayProcess
from host_tools.run.observer import Observer
from host_tools.run.plan import Plan
from host_tools.simulate.field import Field
from host_tools.simulate.simulated_site import SITE_RELAYS, UPSTREAM, SimulatedSite

SEED = 1
_QUIET_S = 2.0  # wait for the gateway's good-bye at the observer


class Rig:
    """Broker, observer, racks, field and gateway of one run.

    `lives` and `errors` are what the rig itself notes; `images` are copies of the flash of killed
    gateways.
    """

    def __init__(self, plan: Plan) -> None:
        """Only inside a running event loop; starts nothing."""
        self.plan = plan
        self._zero_ns = time.monotonic_ns()
        self.lives: list[Life] = []
        self.errors: list[str] = []
        self.images = 0
        host, port = plan.broker_address
        names = f"{plan.config.text('site')}/{plan.config.text('gateway')}"
        self.broker = (
            Broker(plan.ports.broker, plan.folder / "broker") if plan.own_broker else None
        )
        self.observer = Observer(
            host=host,
            port=port,
            user=plan.config.text("uplink.user"),
            password=plan.config.text("uplink.password"),
            topic=f"bess/v1/{names}",
            racks=len(plan.config.racks),
            clock=self.clock,
        )
        self.site = SimulatedSite(
            plan.product,
            base_port=plan.ports.racks,
            seed=SEED,
            clock=self.clock,
            topology=plan.topology,
            map_name=plan.config.text("map"),
            held_load=plan.scenario.load,
        )
        self.field = Field(
            port=plan.ports.wiring,
            relays=device_files.RELAYS,
            inputs=device_files.INPUTS,
            set_relay=self._set_relay,
            clock=self.clock,
            on_bite=self._bitten,
        )
        for entry in plan.config.inputs:  # as on a healthy site: nothing pushed, loops closed
            if entry.number < device_files.INPUTS:  # the device tells what its board has not
                self.field.set_input(entry.number, entry.on_level == 0)
        board = plan.folder / "board.json"
        self.gateway = GatewayProcess(plan.interpreter, board, plan.folder / "gateway.log")
        self._rack_of_relay = {
            rack.trip_relay: index for index, rack in enumerate(plan.config.racks)
        }
        self._role_of_relay = {
            number: role
            for role in SITE_RELAYS
            if (number := plan.config.integer(f"outputs.{role}_relay")) >= 0
        }
        if UPSTREAM in self._role_of_relay.values():
            self.site.dc_bus.upstream_closed = False  # the breaker is held by that relay
        self._resetting: asyncio.Task[None] | None = None
        self._running = AsyncExitStack()

    def clock(self) -> int:
        """Milliseconds since this rig was made."""
        return (time.monotonic_ns() - self._zero_ns) // 1_000_000

    async def start(self) -> None:
        """Start everything, the gateway last. `stop` must follow, also after an exception."""
        stack = self._running
        device_files.clear(self.plan.folder)
        if self.broker:
            stack.push_async_callback(self.broker.stop)
            await self.broker.start()
        stack.push_async_callback(self.observer.stop)
        await self.observer.start()
        stack.push_async_callback(self.site.stop)
        await self.site.start()
        stack.push_async_callback(self.field.stop)
        await self.field.start()
        serial = [bus.path for bus in self.site.buses]  # known since the site has started
        device_files.write(self.plan.folder, self.plan.tree, self.plan.ports, serial)
        stack.push_async_callback(self.gateway.kill)
        await self.start_gateway()

    async def start_gateway(self) -> None:
        """Start a gateway process; a new life begins."""
        self.site.forget_serial()
        self.lives.append(Life(self.clock()))
        await self.gateway.start()

    async def kill_gateway(self) -> None:
        """SIGKILL, and keep what it had on flash at that moment."""
        self._end_life()
        await self.gateway.kill()
        copy = self.plan.folder / f"flash-{self.images}.img"
        with suppress(FileNotFoundError):
            shutil.copyfile(self.plan.folder / device_files.FLASH, copy)
            self.images += 1

    async def stop_gateway(self, patience_s: float) -> None:
        """Ask it to stop and wait while it sends what it has; then kill it."""
        self._end_life()
        self.gateway.expect_end()
        self.field.request_stop()
        status = await self.gateway.wait(patience_s)
        if status is None:
            self.errors.append(f"the gateway did not end within {patience_s:g} s of being asked")
            await self.gateway.kill()
        elif status:
            self.errors.append(
                f"the gateway ended with status {status}: {self.gateway.last_words()}"
            )
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.observer.offline.wait(), _QUIET_S)

    async def stop(self) -> None:
        """Stop whatever runs; may be called again."""
        if self._resetting:
            self._resetting.cancel()
        await self._running.aclose()

    def _end_life(self) -> None:
        if self.lives and self.lives[-1].ended_ms is None:
            self.lives[-1].ended_ms = self.clock()

    def _set_relay(self, relay: int, energised: bool) -> None:
        rack = self._rack_of_relay.get(relay)
        if relay in self._role_of_relay:
            self.site.set_site_relay(self._role_of_relay[relay], energised)
        elif rack is None:
            self.errors.append(f"the gateway drove relay {relay}, which belongs to no rack")
        else:
            self.site.set_relay(rack, energised)

    def _bitten(self) -> None:
        """The watchdog resets the board."""
        self.errors.append(f"the watchdog bit at {self.clock()} ms")
        if self.lives and self.lives[-1].ended_ms is None:
            self._resetting = asyncio.create_task(self._reset())

    async def _reset(self) -> None:
        await self.kill_gateway()
        await self.start_gateway()
