"""The journal on NOR flash: what a byte costs in erases, how much it takes, how long it stands."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.telemetry import records
from gateway.telemetry.lane import Lane
from gateway.telemetry.lanes import Lanes
from host_tools.bench.nor_flash import BLOCK_BYTES, ERASE_MS, PAGE_MS, NorFlash
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort, percentile
from host_tools.bench.virtual_clock import VirtualClock
from host_tools.toolchain.progress import step

AMPLIFICATION_TARGET = 1.10
_BLOCKS = 512
_CAPACITY_BYTES = 1 << 20
_SEGMENT_BYTES = 131072
_FLUSH_MS = 60_000
_STEP_MS = 100
_RACKS = 12
_SECTION_BYTES = 150  # of a rack, as the codec gives them
_SET_BYTES = _RACKS * (records.SECTION_BYTES + _SECTION_BYTES)
_SMALL_BYTES = 200 - records.HEADER_BYTES  # payload of the records that are counted per second
_CONSUMER = "uplink"


class _Appended:
    """Nobody waits for records here."""

    def set(self) -> None:
        """A record came."""


@dataclass
class Figures:
    """What a run cost, from its steady state on; `stalls_ms` are the steps that wrote."""

    erases: int = 0
    bytes: int = 0
    records: int = 0
    busy_ms: float = 0.0
    stalls_ms: list[float] = field(default_factory=list)

    @property
    def amplification(self) -> float:
        """Erases per block's worth of records."""
        return self.erases * BLOCK_BYTES / self.bytes

    def as_json(self) -> dict[str, Any]:
        """For bench.json."""
        return {
            "erase_amplification": round(self.amplification, 3),
            "megabytes": round(self.bytes / 1e6, 2),
            "records": self.records,
            "kilobytes_per_s": round(self.bytes / self.busy_ms, 1),
            "stall_ms": {
                "median": round(percentile(self.stalls_ms, 50), 1),
                "p99": round(percentile(self.stalls_ms, 99), 1),
                "worst": round(max(self.stalls_ms), 1),
            },
        }


class JournalRun:
    """Lanes on a counting flash, driven in virtual time."""

    def __init__(self) -> None:
        self.flash = NorFlash(_BLOCKS)
        self.clock = VirtualClock()
        self.lanes = Lanes(
            self.flash.mount(),
            self.clock,
            _Appended(),
            segment_bytes=_SEGMENT_BYTES,
            capacity_bytes=_CAPACITY_BYTES,
            events_pm=250,
            flush_ms=_FLUSH_MS,
        )
        self.lanes.open()
        self._sources = self.lanes.sources(_CONSUMER)
        self._buffer = memoryview(bytearray(16384))
        self._random = random.Random(1)
        self._instants = 0
        self.figures = Figures()

    def measure(self, megabytes: float, work: Callable[[JournalRun], None]) -> Figures:
        """Fill the capacity twice, then count over so many megabytes."""
        while self._appended() < 2 * _CAPACITY_BYTES:
            work(self)
        begin, taken = (self.flash.erases, self.flash.busy_ms), self._appended()
        self.figures = Figures()
        while self._appended() - taken < megabytes * 1e6:
            work(self)
        self.figures.bytes = self._appended() - taken
        self.figures.erases = self.flash.erases - begin[0]
        self.figures.busy_ms = self.flash.busy_ms - begin[1]
        return self.figures

    def append(self, lane: Lane, kind: int, payload: bytes) -> None:
        """One record, which counts."""
        lane.append(kind, payload)
        self.figures.records += 1

    def append_set(self, lane: Lane) -> None:
        """What all racks said at one instant, in a chunk."""
        if lane.chunk_full(_SET_BYTES) or self._instants % 60 == 0:
            lane.begin_chunk()
        self._instants += lane is self.lanes.fine
        head = struct.pack(records.SET_PAYLOAD, lane.open_chunk, self._instants % 60, _RACKS, 0)
        sections = [
            struct.pack(records.SECTION, rack, 0, _SECTION_BYTES, 0, 0, 0)
            + self._random.randbytes(_SECTION_BYTES)
            for rack in range(_RACKS)
        ]
        self.append(lane, records.SET, head + b"".join(sections))

    def pass_time(self, time_ms: int) -> None:
        """Step as the application does; a step that wrote is a stall."""
        for _ in range(time_ms // _STEP_MS):
            self.timed(lambda: self.lanes.step(self.clock.advance(_STEP_MS)))

    def timed(self, action: Callable[[], None]) -> None:
        """One call, and how long the flash held it up."""
        before = self.flash.busy_ms
        action()
        if self.flash.busy_ms > before:
            self.figures.stalls_ms.append(self.flash.busy_ms - before)

    def deliver(self) -> None:
        """All that is complete goes upstream and is acknowledged."""
        for source in self._sources:
            while source.next(self._buffer) or source.busy:
                if not source.busy:
                    source.release(source.mark)

    def _appended(self) -> int:
        return sum(lane.appended_bytes for lane in self.lanes.all)


def measure(effort: Effort) -> list[Metric]:
    """Some 20 s in full: the volume is real, the flash and the time are not."""
    megabytes = 0.1 if effort.seconds < 1 else 4.0
    found = {}
    for name, work in WORKS.items():
        with step(f"journal on flash: {name}"):
            found[name] = JournalRun().measure(megabytes * SHARES.get(name, 1), work)
    return [_amplification(found), _speed(found), _stall(found)]


def _samples(run: JournalRun) -> None:
    """A minute without an uplink: the oldest goes."""
    run.append_set(run.lanes.minute)
    for _ in range(6):
        run.append_set(run.lanes.fine)
        run.pass_time(10_000)


def _delivered_samples(run: JournalRun) -> None:
    """A minute with an uplink: what was acknowledged goes."""
    _samples(run)
    run.deliver()


def _small(run: JournalRun) -> None:
    """A page of small records as fast as the flash takes them."""
    for _ in range(20):
        run.append(run.lanes.fine, records.EVENT, run._random.randbytes(_SMALL_BYTES))
    run.pass_time(_STEP_MS)


def _flushed(run: JournalRun) -> None:
    """The same with every record on flash at once, as an event is."""
    run.append(run.lanes.events, records.EVENT, run._random.randbytes(_SMALL_BYTES))
    run.timed(run.lanes.flush)
    run.pass_time(_STEP_MS)


WORKS = {
    "samples, no uplink": _samples,
    "samples, delivered": _delivered_samples,
    "small records": _small,
    "each at once": _flushed,
}
SHARES = {"each at once": 0.1}  # slow, and soon known
_STEADY = ("samples, no uplink", "samples, delivered")


def _amplification(found: dict[str, Figures]) -> Metric:
    worst = max(_STEADY, key=lambda name: found[name].amplification)
    return Metric(
        "journal_erase_amplification",
        found[worst].amplification,
        "erases per block",
        baseline=found["each at once"].amplification,
        bound=1.0,
        target=AMPLIFICATION_TARGET,
        at_most=True,
        details={
            "note": f"{worst}; flash full, cursors and deletions included;"
            " baseline: records of 200 bytes, each on flash at once",
            "runs": {name: figures.as_json() for name, figures in found.items()},
        },
    )


def _speed(found: dict[str, Figures]) -> Metric:
    ours, naive = found["small records"], found["each at once"]
    return Metric(
        "journal_records_per_s",
        1000 * ours.records / ours.busy_ms,
        "1/s",
        baseline=1000 * naive.records / naive.busy_ms,
        bound=1000 / (200 / BLOCK_BYTES * (ERASE_MS + PAGE_MS * BLOCK_BYTES / 256)),
        details={
            "note": f"records of 200 bytes that NOR flash takes ({ERASE_MS:g} ms an erase,"
            f" {PAGE_MS:g} ms a page of 256 bytes); baseline: each on flash at once",
            "kilobytes_per_s": round(ours.bytes / ours.busy_ms, 1),
        },
    )


def _stall(found: dict[str, Figures]) -> Metric:
    stalls = [stall for name in _STEADY for stall in found[name].stalls_ms]
    urgent = found["each at once"].stalls_ms
    return Metric(
        "journal_stall_ms",
        max(stalls),
        "ms",
        details={
            "note": "longest time that one step of the journal waits for the flash;"
            f" median {percentile(stalls, 50):.0f}, p99 {percentile(stalls, 99):.0f};"
            f" an event at once: median {percentile(urgent, 50):.0f}, longest {max(urgent):.0f}",
        },
    )
