"""All racks of a site with their Modbus servers, moved on in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np

from host_tools.errors import UserError
from host_tools.simulate import ports
from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.dc_bus import DcBus
from host_tools.simulate.image_registers import ImageRegisters, shipped
from host_tools.simulate.load_profile import load_fraction
from host_tools.simulate.product import Product
from host_tools.simulate.rack_slave import RackSlave
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.responder import Responder
from host_tools.simulate.serial_bus import SerialBus
from host_tools.simulate.tcp_server import TcpServer
from host_tools.simulate.topology import SerialTrunk, TcpTrunk, Topology, a_port_each
from host_tools.simulate.truth import Truth

TICK_MS = 100
GENERIC = "generic-416s"
UPSTREAM = "site"
SITE_RELAYS = (UPSTREAM, "ventilation", "suppression")  # in the configuration: <role>_relay


class SimulatedSite:
    """Rack i is `racks[i]`, answers where `topology` says and notes its reads in `access[i]`.

    `clock` gives monotonic ms and is the clock of everything in `truth` and `access`. The same
    `seed` gives the same cells, noise and chances of faults. Every trip relay starts de-energised.
    """

    def __init__(
        self,
        product: Product,
        *,
        base_port: int,
        seed: int,
        clock: Callable[[], int],
        topology: Topology | None = None,
        map_name: str = GENERIC,
        held_load: float | None = None,
    ) -> None:
        """Without `topology` rack i has port `base_port + i` for itself.

        `held_load` (-1..1, charging is positive) takes the place of the load profile.

        Raises UserError when the ports from `base_port` on do not all exist, for an unknown map
        and for one that has no place for such racks.
        """
        self.topology = topology or a_port_each(product.racks)
        self.clock = clock
        self.truth = Truth(clock, product.racks)
        self.dc_bus = DcBus()
        self.held_load = held_load  # may change at any time
        self.racks = tuple(
            RackUnit(
                f"rack{index + 1:02d}",
                product,
                registers=ImageRegisters(
                    shipped(map_name),
                    product.cells_per_rack,
                    product.temps_per_rack,
                    self.topology.places[index].position,
                    (
                        round(product.charge_current_a * 10),
                        round(product.discharge_current_a * 10),
                    ),
                ),
                rng=np.random.default_rng((seed, index)),
                now_ms=clock(),
                on_contactor=partial(self.truth.contactor_changed, index),
            )
            for index in range(product.racks)
        )
        self.access = tuple(AccessLog(clock) for _ in self.racks)
        slaves = [RackSlave(rack, log) for rack, log in zip(self.racks, self.access, strict=True)]
        self.responder = Responder(slaves, seed)
        self.late_ticks = 0  # ticks left out because this process did not get the processor
        trunks = self.topology.trunks
        offsets = [trunk.offset for trunk in trunks if isinstance(trunk, TcpTrunk)]
        if offsets:
            ports.check_range(base_port, max(offsets) + 1, "base port")
        self._trunks = [
            self._make_trunk(number, trunk, base_port) for number, trunk in enumerate(trunks)
        ]
        self._started_ms = clock()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def buses(self) -> list[SerialBus]:
        """The serial buses, in the order of the topology; they have paths after `start`."""
        return [trunk for trunk in self._trunks if isinstance(trunk, SerialBus)]

    async def start(self) -> None:
        """Serve all racks and let time run; raises UserError, then nothing is left open."""
        try:
            for trunk in self._trunks:
                await trunk.start()
        except UserError:
            await self.stop()
            raise
        self._started_ms = self.clock()
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
        for trunk in self._trunks:
            await trunk.stop()

    def set_relay(self, rack_index: int, energised: bool) -> None:
        """Drive the trip relay of one rack; de-energised opens its contactor at once."""
        rack = self.racks[rack_index]
        if rack.relay_energised != energised:
            self.truth.relay_changed(rack_index, energised)
            rack.set_relay(energised)

    def set_site_relay(self, name: str, energised: bool) -> None:
        """Note a relay that belongs to no rack; UPSTREAM holds the breaker of the site closed."""
        self.truth.site_relay_changed(name, energised)
        if name == UPSTREAM:
            self.dc_bus.upstream_closed = energised

    def drop_connections(self, rack_index: int) -> None:
        """Reset the connections to a rack that has its TCP port for itself."""
        trunk = self._trunks[self.topology.places[rack_index].trunk]
        if isinstance(trunk, TcpServer) and trunk.down:
            trunk.drop()

    def forget_serial(self) -> None:
        """The master of the buses has gone: what it has not read is lost."""
        for bus in self.buses:
            bus.wire.forget()

    def tick(self, now_ms: int) -> None:
        """Move all racks on to `now_ms`; the tick loop does this every TICK_MS."""
        wanted = self.held_load
        if wanted is None:
            wanted = load_fraction(max(0, now_ms - self._started_ms) / 1000)
        any_closed = any(rack.contactor_closed for rack in self.racks)
        load = self.dc_bus.load(wanted, any_closed, now_ms)
        for rack in self.racks:
            rack.bus_live = self.dc_bus.upstream_closed
            rack.tick(now_ms, load)
        self.truth.check(self.racks)

    def _make_trunk(
        self, number: int, trunk: TcpTrunk | SerialTrunk, base_port: int
    ) -> TcpServer | SerialBus:
        units = self.topology.units(number)
        if isinstance(trunk, SerialTrunk):
            return SerialBus(trunk, units, self.responder)
        return TcpServer(base_port + trunk.offset, units, self.responder)

    async def _tick_forever(self) -> None:
        due_ms = self._started_ms
        while True:
            now_ms = self.clock()
            if now_ms >= due_ms:
                self.tick(now_ms)
                # Steps on the grid of the first tick, so small delays never add up.
                missed = (now_ms - due_ms) // TICK_MS
                self.late_ticks += missed
                due_ms += (missed + 1) * TICK_MS
            await asyncio.sleep(max(1, due_ms - self.clock()) / 1000)
