"""A gateway and simulated racks in one process and in virtual time, down to the Modbus frames.

Links, pollers, protection and outputs are the firmware's own, from a configuration as a device
has it; the racks answer through a middle that may spoil what passes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from gateway import config
from gateway.clock import TICKS_MASK
from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.southbound import Southbound
from host_tools.simulate.exchange import TCP, Exchange, split_mbap
from host_tools.simulate.registers import CHARGE_LIMIT, DISCHARGE_LIMIT
from host_tools.simulate.simulated_site import SimulatedSite
from host_tools.site.compile import load_site, merge

TICK_MS = 100  # of the racks
STEP_MS = 5  # of the gateway
LATENCY_MS = 2
FIRST_PORT = 15020
_START_MS = TICKS_MASK - 20_000  # the gateway's ticks wrap on the way
# Answers of a rack, each with the ms after which it comes.
Answers = Sequence[tuple[float, bytes]]
Middle = Callable[[Exchange, int], Answers]


class _Inputs:
    """Nothing pushed, every loop closed."""

    count = 8

    def get(self, number: int) -> bool:
        return number != 0


class _DeadMan:
    def toggle(self) -> None:
        """Nobody drops anything here."""


class _Stream:
    """A connection to one rack."""

    def __init__(self, site: VirtualSite, rack: int) -> None:
        self._site = site
        self._rack = rack
        self._due: list[tuple[float, bytes]] = []
        self._arrived = b""

    def connected(self) -> bool:
        return True

    def write(self, frame: bytearray) -> int:
        found = split_mbap(bytes(frame))
        assert found is not None  # the gateway writes whole requests
        transaction, unit, request, _ = found
        now_ms = self._site.now_ms
        for delay_ms, answer in self._site.answer(
            self._rack, Exchange(TCP, unit, request, transaction)
        ):
            self._due.append((now_ms + LATENCY_MS + delay_ms, answer))
        return len(frame)

    def readinto(self, buffer: bytearray | memoryview, count: int = -1) -> int | None:
        while self._due and self._due[0][0] <= self._site.now_ms:
            self._arrived += self._due.pop(0)[1]
        size = min(len(buffer) if count < 0 else count, len(self._arrived))
        if not size:
            return None
        buffer[:size] = self._arrived[:size]
        self._arrived = self._arrived[size:]
        return size

    def close(self) -> None:
        self._due.clear()
        self._arrived = b""


class VirtualSite:
    """Racks, gateway and relays; nothing moves but in `run`. It is a board of its own kind.

    `middle` (by rack) gets every exchange once the rack has answered, and says what arrives.
    """

    def __init__(self, slug: str, load: float, over: dict[str, Any] | None = None) -> None:
        product, tree = load_site(slug)
        self.now_ms = 0
        self.random = random.Random(1)  # of the gateway's pauses between connections
        self.middle: dict[int, Middle] = {}
        self.settings = config.load(json.dumps(merge(tree, over or {})))
        self.site = SimulatedSite(
            product,
            base_port=FIRST_PORT,
            seed=1,
            clock=lambda: self.now_ms,
            held_load=load,
        )
        changes = Changes()
        now = self._ticks()
        southbound = Southbound(self, self.settings, now)  # type: ignore[arg-type]
        self.interlocks = Interlocks(self.settings, _Inputs(), changes, now)
        shared = SharedSettings(self.settings)
        self.protections = [
            RackProtection(poller.data, shared, self.interlocks, changes)
            for poller in southbound.pollers
        ]
        for poller, protection in zip(southbound.pollers, self.protections, strict=True):
            protection.limits_sent = poller.writes_limits
        self.enforcer = Enforcer(
            southbound.buses,
            southbound.pollers,
            self.protections,
            self.interlocks,
            _Relays(self),
            _DeadMan(),
            self.settings,
            now,
        )

    def run(self, duration_ms: int) -> None:
        """Let time pass."""
        for _ in range(duration_ms // STEP_MS):
            self.now_ms += STEP_MS
            if self.now_ms % TICK_MS == 0:
                self.site.tick(self.now_ms)
            self.enforcer.step(self._ticks())

    def closed(self, rack: int) -> bool:
        """Whether the trip relay of a rack is energised."""
        return self.site.racks[rack].relay_energised

    def granted_da(self, rack: int) -> tuple[int, int]:
        """The limits of charge and discharge that were written to a rack."""
        commands = self.site.racks[rack].commands
        return commands[CHARGE_LIMIT], commands[DISCHARGE_LIMIT]

    # The board.

    def network(self) -> VirtualSite:
        """The only one there is."""
        return self

    def connect(self, host: str, port: int) -> _Stream:
        """To the rack with that port."""
        return _Stream(self, port - FIRST_PORT)

    def answer(self, rack: int, exchange: Exchange) -> Answers:
        """What comes back for a request to `rack`."""
        if not self.site.responder.respond(exchange, [rack]):
            return ()
        middle = self.middle.get(rack)
        return middle(exchange, self.now_ms) if middle else [(0, exchange.frame)]

    def _ticks(self) -> int:
        return (_START_MS + self.now_ms) & TICKS_MASK


class _Relays:
    """Those of the racks."""

    def __init__(self, site: VirtualSite) -> None:
        self.count = len(site.site.racks)
        self._site = site

    def set(self, number: int, energised: int) -> None:
        self._site.site.set_relay(number, energised == 1)
