"""Racks on one RS-485 bus, behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from host_tools.simulate.exchange import RTU, Exchange, is_sound
from host_tools.simulate.responder import Responder
from host_tools.simulate.rs485_wire import Rs485Wire
from host_tools.simulate.topology import SerialTrunk

_MS_NS = 1_000_000


class SerialBus:
    """Serves `units` (unit id to racks) on `path` from `start` to `stop`.

    A request is answered the trunk's latency after its silence (t3.5); a frame with a bad
    checksum or for nobody here is not. A unit answers in order. `requests` counts all frames,
    `bad_frames` those with a bad checksum, `late` the answers that were not ready in time because
    this process did not get the processor.
    """

    def __init__(
        self,
        trunk: SerialTrunk,
        units: Mapping[int, Sequence[int]],
        responder: Responder,
    ) -> None:
        self.trunk = trunk
        self.wire = Rs485Wire(trunk.baud, trunk.char_bits, self._heard)
        self.requests = self.bad_frames = self.late = 0
        self._units = units
        self._responder = responder
        self._free_ns: dict[int, int] = {}  # when the last answer of a unit is through
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def path(self) -> str:
        """The master's port."""
        return self.wire.path

    async def start(self) -> None:
        """Make the port; UserError when the machine has none left."""
        self._loop = asyncio.get_running_loop()
        self.wire.open()

    async def stop(self) -> None:
        """Close the port; nothing happens when not started."""
        self.wire.close()

    def _heard(self, frame: bytes, at_ns: int) -> None:
        """In the wire's thread: racks live in the event loop's."""
        assert self._loop
        with suppress(RuntimeError):  # the loop has ended before the wire
            self._loop.call_soon_threadsafe(self._take, frame, at_ns)

    def _take(self, frame: bytes, at_ns: int) -> None:
        self.requests += 1
        if not is_sound(frame):
            self.bad_frames += 1
            return
        unit = frame[0]
        exchange = Exchange(RTU, unit, frame[1:-2])
        if unit not in self._units or not self._responder.respond(exchange, self._units[unit]):
            return
        delay_ns = round((self.trunk.latency_ms + exchange.delay_ms) * _MS_NS)
        start_ns = max(at_ns + delay_ns, self._free_ns.get(unit, 0))
        now_ns = time.monotonic_ns()
        if now_ns > start_ns and self.trunk.latency_ms:
            self.late += 1
        start_ns = max(start_ns, now_ns)
        self._free_ns[unit] = start_ns + self.wire.timing.duration_ns(len(exchange.frame))
        self.wire.transmit(exchange.frame, start_ns)
