"""A journal with hours of backlog, made by the firmware's own recording in virtual time.

    journal_backlog.py make OPTIONS
    journal_backlog.py read OPTIONS

OPTIONS is a JSON file: `image` of the flash; `racks`, `cells`, `temps` of each; the periods and
sizes of the configuration by their names; `bytes` of records to make; `readings`, a file of
`frames` of one rack (cells, temperatures, 16 bits each); `summaries` of as many frames. `read`
builds every message once, as fast as it goes; it changes the image.
"""

from __future__ import annotations

import json
import random
import sys
from array import array

from flash_image import open_flash  # type: ignore[import-not-found]

from gateway.clock import NTP, Clock
from gateway.rack.data import RackData
from gateway.telemetry import records
from gateway.telemetry.lanes import Lanes
from gateway.telemetry.tier import Tier, instant_bytes
from host_tools.bench.clients.measure import micros, report
from host_tools.bench.virtual_clock import VirtualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ACQUIRED = records.SAMPLE_FIELDS.index("acquired_ms")
_NUMBER = records.SAMPLE_FIELDS.index("summary_number")
_PAGES = 4  # that go to flash after each instant, at most


class Nobody:
    """Waits for no record."""

    def set(self) -> None:
        """A record came."""


class Readings:
    """Racks that say one of the frames at each instant, each its own."""

    def __init__(self, options: dict[str, Any], clock: Clock) -> None:
        self._clock = clock
        self._summaries = options["summaries"]
        cells, temps, count = options["cells"], options["temps"], options["frames"]
        with open(options["readings"], "rb") as file:
            frames = [(file.read(2 * cells), file.read(2 * temps)) for _ in range(count)]
        self._cells = [array("H", frame[0]) for frame in frames]
        self._temps = [array("h", frame[1]) for frame in frames]
        now = clock.ticks()
        self.racks = [
            RackData(rack, "", cells, temps, 1000, now) for rack in range(options["racks"])
        ]
        self._frame = [0] * options["racks"]

    def show(self) -> None:
        """The next instant."""
        for index, rack in enumerate(self.racks):
            frame = self._frame[index] = random.getrandbits(16) % len(self._cells)
            rack.cells_mv = self._cells[frame]
            rack.temps_dc = self._temps[frame]
            rack.cells_sequence += 1
            rack.temps_sequence += 1
            rack.cells_acquired = self._clock.ticks()

    def fill(self, rack: int, values: array[int]) -> None:
        """As RackSummary.fill."""
        summary = self._summaries[self._frame[rack]]
        for index in range(len(values)):
            values[index] = summary[index]
        values[0] = rack
        values[_ACQUIRED] = self._clock.uptime_ms()
        values[_NUMBER] = self._clock.uptime_ms() // 500


def open_lanes(options: dict[str, Any], clock: Clock) -> Lanes:
    """As the gateway opens them."""
    lanes = Lanes(
        open_flash(options["image"]),
        clock,
        Nobody(),
        segment_bytes=options["segment_bytes"],
        capacity_bytes=options["capacity_bytes"],
        events_pm=options["events_pm"],
        flush_ms=options["flush_ms"],
        instant_bytes=instant_bytes(options["racks"], options["cells"], options["temps"]),
    )
    lanes.open()
    return lanes


def make(options: dict[str, Any]) -> dict[str, Any]:
    """Record until there is enough; what is on flash then."""
    random.seed(1)
    clock = VirtualClock()
    lanes = open_lanes(options, clock)
    readings = Readings(options, clock)
    both = (lanes.fine, options["fine_period_ms"]), (lanes.minute, options["minute_period_ms"])
    tiers = [
        Tier(lane, readings.racks, readings, clock, period_ms, options["batch_bytes"])  # type: ignore[arg-type]
        for lane, period_ms in both
    ]
    while lanes.fine.appended_bytes + lanes.minute.appended_bytes < options["bytes"]:
        readings.show()
        for _ in readings.racks:
            for tier in tiers:
                tier.step(clock.ticks())
        for _ in range(_PAGES):
            lanes.step(clock.ticks())
        clock.advance(options["fine_period_ms"])
    for tier in tiers:
        tier.finish()
    lanes.close()
    return {
        "bytes": lanes.fine.appended_bytes + lanes.minute.appended_bytes,
        "seconds": clock.uptime_ms() // 1000,
        "boot": lanes.boot,
        "ends": [[lane.number, lane.stored] for lane, _ in both],
        "dropped": lanes.dropped,
    }


def read(options: dict[str, Any]) -> dict[str, Any]:
    """What goes upstream, and how long it takes to build it."""
    lanes = open_lanes(options, Clock(NTP))
    buffer = memoryview(bytearray(options["batch_bytes"]))
    total = messages = 0
    start = micros()
    for source in lanes.sources():
        length = source.next(buffer)
        while length or source.busy:
            total += length
            messages += length > 0
            length = source.next(buffer)
    return {"bytes": total, "messages": messages, "seconds": (micros() - start) / 1000000}


with open(sys.argv[2]) as options_file:
    report({"make": make, "read": read}[sys.argv[1]](json.load(options_file)))
