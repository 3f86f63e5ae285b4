"""The gateway's bus side, composed from a configuration as the firmware does it, and timed.

    site_poll.py CONFIGURATION WARM_UP_S FIRST_S SECONDS [TERMINAL]

Nothing is replaced: links, buses, pollers and the board's wait are the real ones, in a loop that
lets other asyncio tasks run at every turn. Reports, per rack, the microseconds between two good
summaries and between two readings of the same block of cells; for the FIRST_S after the warm-up,
in which a rack may die, the summaries apart.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from array import array

from bus_wait import BusWait  # type: ignore[import-not-found]
from serial_line import SerialLine  # type: ignore[import-not-found]
from sockets import Network  # type: ignore[import-not-found]

from gateway import config
from gateway.clock import Clock
from gateway.rack.register_map import RegisterMap
from gateway.southbound import Southbound
from host_tools.bench.clients.measure import micros, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_WAIT_US = 2000  # as in the enforcing loop
_MOST_PER_S = 6  # intervals of one rack and kind; far above what is asked for


class BenchBoard:
    """What the bus side uses of a board."""

    def __init__(self, terminal: str) -> None:
        self.clock = Clock()
        self.random = random
        self._terminal = terminal
        self._bus_wait = BusWait()
        self.wait_for_bus = self._bus_wait.wait

    def network(self) -> Any:
        """TCP of the simulated board."""
        return Network(self._bus_wait)

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> Any:
        """The one serial line, whatever its number."""
        return SerialLine(self._terminal, baud, parity, stop, self.clock.micros, self._bus_wait)


class Intervals:
    """Times between two happenings of the same kind, without allocation once it runs."""

    def __init__(self, capacity: int) -> None:
        self._last: dict[int, int] = {}
        self._found = array("i", [0] * capacity)
        self._count = 0
        self.open = False  # whether what happens now counts

    def note(self, kind: int, now_us: int) -> None:
        """`kind` happens now."""
        if kind in self._last and self.open and self._count < len(self._found):
            self._found[self._count] = now_us - self._last[kind]
            self._count += 1
        self._last[kind] = now_us

    def take(self) -> list[int]:
        """All intervals that ended while it was open; begins anew."""
        found = [self._found[index] for index in range(self._count)]
        self._count = 0
        return found

    def running(self, kinds: int, now_us: int) -> int:
        """The longest interval that has not ended yet; -1 when one of `kinds` never happened."""
        if len(self._last) < kinds:
            return -1
        return max([now_us - last for last in self._last.values()])


class Watch:
    """Notes what the pollers take over."""

    def __init__(self, racks: int, seconds: int) -> None:
        capacity = _MOST_PER_S * seconds
        self.summaries = [Intervals(capacity) for _ in range(racks)]
        self.cells = [Intervals(capacity) for _ in range(racks)]
        self._decode = RegisterMap.decode_array
        RegisterMap.decode_array = self._noting()  # type: ignore[method-assign]

    def _noting(self) -> Any:
        decode = self._decode
        cells = self.cells

        def decode_array(
            self: RegisterMap, data: Any, block: Any, buffer: bytearray, start: int
        ) -> None:
            decode(self, data, block, buffer, start)
            if block in self.cells:
                cells[data.index].note(block.address, micros())

        return decode_array

    def open(self, whether: bool) -> None:
        """From now on, or no longer, everything counts."""
        for each in self.summaries + self.cells:
            each.open = whether


async def poll(board: BenchBoard, bus_side: Southbound, watch: Watch, end_us: int) -> None:
    """The enforcing loop without protection, until `end_us`."""
    clock = board.clock
    while micros() < end_us:
        now = clock.ticks()
        wait_us = LONGEST_WAIT_US
        for bus in bus_side.buses:
            rack = bus.step(now)
            if rack >= 0:
                watch.summaries[rack].note(0, micros())
            wait_us = min(wait_us, bus.wait_us(now))
        board.wait_for_bus(wait_us)
        await clock.sleep_ms(0)


async def run(
    settings: config.Config, warm_up_s: float, first_s: float, seconds: float, terminal: str
) -> dict[str, Any]:
    """Poll and report."""
    board = BenchBoard(terminal)
    watch = Watch(len(settings.racks), int(seconds) + 1)
    bus_side = Southbound(board, settings, board.clock.ticks())  # type: ignore[arg-type]
    if hasattr(gc, "threshold"):
        gc.collect()
        gc.threshold(gc.mem_free() // 4)  # type: ignore[attr-defined]  # as the board does
    start = micros()
    await poll(board, bus_side, watch, start + int(warm_up_s * 1000000))
    watch.open(True)
    await poll(board, bus_side, watch, start + int((warm_up_s + first_s) * 1000000))
    first = [each.take() for each in watch.summaries]
    for each in watch.cells:
        each.take()
    await poll(board, bus_side, watch, start + int((warm_up_s + first_s + seconds) * 1000000))
    now_us = micros()
    blocks = len(bus_side.pollers[0]._map.cells)
    return {
        "first_summary_us": first,
        "summary_us": [each.take() for each in watch.summaries],
        "summary_running_us": [each.running(1, now_us) for each in watch.summaries],
        "cells_us": [each.take() for each in watch.cells],
        "cells_running_us": [each.running(blocks, now_us) for each in watch.cells],
        "skipped": [poller.skipped for poller in bus_side.pollers],
        "links": [
            {
                "name": bus.name,
                "use_pm": bus.use_pm,
                "replies": bus.link.replies,
                "timeouts": bus.link.timeouts,
                "garbled": bus.link.garbled,
                "refusals": bus.link.refusals,
                "late": bus.link.late,
                "losses": bus.link.losses,
            }
            for bus in bus_side.buses
        ],
    }


with open(sys.argv[1]) as file:
    configuration = config.load(file.read())
terminal = sys.argv[5] if len(sys.argv) > 5 else ""
warm_up_s, first_s, seconds = [float(word) for word in sys.argv[2:5]]
report(asyncio.run(run(configuration, warm_up_s, first_s, seconds, terminal)))
