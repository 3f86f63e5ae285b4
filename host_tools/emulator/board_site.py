"""A simulated site with the emulated board in the middle: racks on its buses, relays in its field.

The host does what wires do: it reads the relays' registers and moves the racks' trip relays, and
sets the words that stand for inputs. The racks live in the board's time: a host that is busy with
something else slows both down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gateway import config
from host_tools.emulator.board_config import files_of, places_of
from host_tools.emulator.machine import WITH_THE_HOST, Machine
from host_tools.emulator.memory import STOP, Memory
from host_tools.emulator.qmp import QmpError
from host_tools.emulator.socket_bus import SocketBus
from host_tools.simulate.simulated_site import GENERIC, SITE_RELAYS, UPSTREAM, SimulatedSite
from host_tools.simulate.topology import Place, Topology
from host_tools.site.compile import Tree, load_site
from host_tools.toolchain.paths import ROOT

_MAIN = ROOT / "firmware" / "main.py"
_WIRE_S = 0.03
_PATIENCE_S = 180.0
_COUNTER_MASK = 0xFFFFFFFF


class BoardSite:
    """An async context: inside, racks answer and the board runs the firmware.

    `changes` are (ms of `clock`, relay, energised) of everything that the relays did. The data
    flash starts formatted, or erased as from its maker (`blank`).
    """

    def __init__(
        self,
        elf: Path,
        folder: Path,
        site: str,
        tree: Tree,
        *,
        load: float | None = 0.0,
        uplink: int | None = None,
        blank: bool = False,
    ) -> None:
        product, _ = load_site(site)
        self.tree = tree
        self.settings = config.load(files_of(tree)["config.json"].decode())
        self._now_us = 0
        self._counter_us = 0
        self._elf = elf
        self._folder = folder
        self._uplink = uplink
        self.memory = Memory(folder / "memory")
        self.memory.format("root", {"main.py": _MAIN.read_bytes()})
        self.memory.format("config", files_of(tree))
        if blank:
            self.memory.erase("data")
        else:
            self.memory.format("data")
        for entry in self.settings.inputs:  # nothing pushed, loops closed
            self.memory.set_input(entry.number, entry.on_level == 0)
        nowhere = Place(len(tree["buses"]), 1)  # of racks that the configuration leaves out
        places = places_of(tree)
        places += (nowhere,) * (product.racks - len(places))
        self.site = SimulatedSite(
            product,
            base_port=1024,  # none is used
            seed=1,
            clock=self.clock,
            topology=Topology((), places),  # no trunks of its own: the buses are ours
            map_name=GENERIC,
            held_load=load,
        )
        self.buses = [
            SocketBus(Topology((), places).units(number), self.site.responder, entry["latency_ms"])
            for number, entry in enumerate(tree["buses"])
        ]
        self._rack_of_relay = {rack["trip_relay"]: i for i, rack in enumerate(tree["racks"])}
        outputs = tree.get("outputs", {})
        self._role_of_relay = {
            outputs[f"{role}_relay"]: role
            for role in SITE_RELAYS
            if outputs.get(f"{role}_relay", -1) >= 0
        }
        if UPSTREAM in self._role_of_relay.values():
            self.site.dc_bus.upstream_closed = False
        self.relays: list[bool] = []
        self.changes: list[tuple[int, int, bool]] = []
        self.machine: Machine
        self._wire: asyncio.Task[None] | None = None

    def clock(self) -> int:
        """Milliseconds that boards have run here, as of the last look at the registers."""
        return self._now_us // 1000

    async def sleep_until(self, ms: float) -> None:
        """Until it is so late by `clock`."""
        await self.until(lambda: self.clock() >= ms, f"{ms} ms")

    async def __aenter__(self) -> BoardSite:
        await self.site.start()
        for bus in self.buses:
            await bus.start()
        self.machine = Machine(
            self._elf,
            self.memory,
            self._folder,
            buses=[bus.port for bus in self.buses],
            uplink=self._uplink,
            more=WITH_THE_HOST,
        )
        self.power_up()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.power_cut()
        for bus in self.buses:
            await bus.stop()
        await self.site.stop()
        self.memory.close()

    def power_up(self) -> None:
        """Start the board."""
        self.machine.start()
        self._counter_us = 0
        self._wire = asyncio.create_task(self._watch(), name="wires of the board")

    async def power_cut(self) -> None:
        """Kill it; every relay drops."""
        if self._wire is not None:
            self._wire.cancel()
            with suppress(asyncio.CancelledError, QmpError):
                await self._wire
            self._wire = None
        self.machine.kill()
        self._see([False] * len(self.relays))

    async def stop_board(self) -> None:
        """Ask the gateway to end in order."""
        self.memory.set_word(STOP, 1)
        await self.until(lambda: "stopped, backlog" in self.machine.said(), "an end in order")

    def closed(self, rack: int) -> bool:
        """Whether the trip relay of a rack is energised."""
        return bool(self.relays) and self.relays[self.tree["racks"][rack]["trip_relay"]]

    def all_closed(self) -> bool:
        """Whether every rack's is."""
        return all(self.closed(rack) for rack in range(len(self.tree["racks"])))

    async def until(
        self, condition: Callable[[], bool], what: str, timeout_s: float = _PATIENCE_S
    ) -> None:
        """Wait for `condition`; AssertionError tells what did not come, and what was said."""
        end_s = time.monotonic() + timeout_s
        while not condition():
            if self._wire is not None and self._wire.done():
                await self._wire  # raises what ended it
            ended = not self.machine.running()
            if ended or time.monotonic() > end_s:
                reason = "the emulator has ended" if ended else f"not within {timeout_s:g} s"
                raise AssertionError(
                    f"{what}: {reason}\nrelays {self.changes[-40:]}\n"
                    + self.machine.said()[-4000:]
                )
            await asyncio.sleep(_WIRE_S)

    async def _watch(self) -> None:
        """What wires do."""
        while True:
            relays, counter_us = await asyncio.to_thread(self.machine.relays)
            if counter_us < self._counter_us and "RESET" in self.machine.qmp.events:
                self._counter_us = 0
            self._now_us += (counter_us - self._counter_us) & _COUNTER_MASK
            self._counter_us = counter_us
            self._see(relays)
            self.machine.keep_time()
            await asyncio.sleep(_WIRE_S)

    def _see(self, relays: list[bool]) -> None:
        before, self.relays = self.relays or [False] * len(relays), relays
        for number, energised in enumerate(relays):
            if energised == before[number]:
                continue
            self.changes.append((self.clock(), number, energised))
            if number in self._rack_of_relay:
                self.site.set_relay(self._rack_of_relay[number], energised)
            elif number in self._role_of_relay:
                self.site.set_site_relay(self._role_of_relay[number], energised)
