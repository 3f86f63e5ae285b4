"""All racks of a site with their Modbus servers, moved on in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np

from host_tools.simulate import ports
from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.load_profile import load_fraction
from host_tools.simulate.modbus_server import RackServer
from host_tools.simulate.product import Product
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.truth import Truth

TICK_MS = 100


class SimulatedSite:
    """Rack i is `racks[i]`, answers on port `base_port + i` and notes its reads in `access[i]`.

    `clock` gives monotonic ms and is the clock of everything in `truth` and `access`. The same
    `seed` gives the same cells and noise. Every trip relay starts de-energised.
    """

    def __init__(
        self, product: Product, *, base_port: int, seed: int, clock: Callable[[], int]
    ) -> None:
        """Raises UserError when the ports from `base_port` on do not all exist."""
        ports.check_range(base_port, product.racks, "base port")
        self.truth = Truth(clock, product.racks)
        self.racks = tuple(
            RackUnit(
                f"rack{index + 1:02d}",
                product,
                rng=np.random.default_rng((seed, index)),
                now_ms=clock(),
                on_contactor=partial(self.truth.contactor_changed, index),
            )
            for index in range(product.racks)
        )
        self.access = tuple(AccessLog(clock) for _ in self.racks)
        self.late_ticks = 0  # ticks left out because this process did not get the processor
        self._servers = tuple(
            RackServer(rack, base_port + index, self.access[index])
            for index, rack in enumerate(self.racks)
        )
        self._clock = clock
        self._started_ms = clock()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve all racks and let time run; raises PortInUseError, then nothing is left open."""
        try:
            for server in self._servers:
                await server.start()
        except ports.PortInUseError:
            await self.stop()
            raise
        self._started_ms = self._clock()
        self._ticking = asyncio.create_task(self._tick_forever(), name="simulated site")

    async def wait(self) -> None:
        """Return never; raise what ended the simulation. Call it after `start`."""
        if self._ticking:
            await self._ticking

    async def stop(self) -> None:
        """Close all ports and connections; may be called at any time and again."""
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None
        for server in self._servers:
            await server.stop()

    def set_relay(self, rack_index: int, energised: bool) -> None:
        """Drive the trip relay of one rack; de-energised opens its contactor at once."""
        rack = self.racks[rack_index]
        if rack.relay_energised != energised:
            self.truth.relay_changed(rack_index, energised)
            rack.set_relay(energised)

    def tick(self, now_ms: int) -> None:
        """Move all racks on to `now_ms`; the tick loop does this every TICK_MS."""
        load = load_fraction(max(0, now_ms - self._started_ms) / 1000)
        for rack in self.racks:
            rack.tick(now_ms, load)
        self.truth.check(self.racks)

    async def _tick_forever(self) -> None:
        due_ms = self._started_ms
        while True:
            now_ms = self._clock()
            if now_ms >= due_ms:
                self.tick(now_ms)
                # Steps on the grid of the first tick, so small delays never add up.
                missed = (now_ms - due_ms) // TICK_MS
                self.late_ticks += missed
                due_ms += (missed + 1) * TICK_MS
            await asyncio.sleep(max(1, due_ms - self._clock()) / 1000)
