"""One rack's protection, stepped again and again as the enforcing loop does it.

    protection_step.py CONFIGURATION STEPS

Reports microseconds per step and, on MicroPython, the bytes that one allocates, the heap locked
the second time: with a fresh summary, between two of them, and with whole scans. A summary is put
in place by hand; what that takes is measured alone and taken off.
"""

from __future__ import annotations

import gc
import sys

from gateway import clock, config
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.rules import NO_RULE
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import RackData
from host_tools.bench.clients.measure import micros, report

try:
    from micropython import heap_lock, heap_unlock  # type: ignore[attr-defined]
except ImportError:  # CPython
    heap_lock = heap_unlock = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SUMMARY_MS = 500
_BETWEEN_MS = 50
_BATCH = 9  # steps between two summaries
_LONGEST_RISE = 1000  # summaries
_HEALTHY = (
    (slots.CONTACTOR_STATE, 1),
    (slots.RACK_CURRENT_DA, 0),  # nothing is granted yet
    (slots.SOC_PM, 500),
    (slots.CELL_MAX_MV, 3310),
    (slots.CELL_MIN_MV, 3290),
    (slots.CELL_MEAN_MV, 3300),
    (slots.TEMP_MAX_DC, 250),
    (slots.TEMP_MIN_DC, 240),
    (slots.CHARGE_LIMIT_DA, 1570),
    (slots.DISCHARGE_LIMIT_DA, 1570),
    (slots.INSULATION_KOHM, 5000),
)
_BUSY = ((slots.CELL_MAX_MV, 3520), (slots.TEMP_MAX_DC, 510), (slots.RACK_CURRENT_DA, 1660))


class Inputs:
    """Nothing pushed, no loop open."""

    count = 8

    def get(self, number: int) -> bool:
        """Level of one input."""
        return number != 0


class Rack:
    """A rack and its protection; `healthy` until `make_busy`, which lets detectors count."""

    def __init__(self, settings: config.Config) -> None:
        cells = settings.integer("cells_per_rack")
        self.now = 0
        self.data = RackData(0, "rack01", cells, settings.integer("temps_per_rack"), 1500, 0)
        changes = Changes()
        self.protection = RackProtection(
            self.data,
            SharedSettings(settings),
            Interlocks(settings, Inputs(), changes, 0),
            changes,
        )
        self.protection.limits_sent = True
        staging = self.data.staging
        for slot in range(len(self.data.supplied)):
            self.data.supplied[slot] = 1
        for slot, value in _HEALTHY:
            staging[slot] = value
        staging[slots.RACK_VOLTAGE_DV] = 33 * cells
        for index in range(cells):
            self.data.cells_mv[index] = 3290 + index % 20
        for index in range(len(self.data.temps_dc)):
            self.data.temps_dc[index] = 240 + index % 10

    def rise(self) -> None:
        """Fresh summaries until nothing limits the currents: from then on time alone changes
        nothing, and the steps between two summaries are left out.
        """
        decision = self.protection.decision
        for _ in range(_LONGEST_RISE):
            self.fresh()
            if decision.charge_by == NO_RULE and decision.discharge_by == NO_RULE:
                return
        raise RuntimeError("the currents of a healthy rack do not rise")

    def make_busy(self) -> None:
        """Three values past a set point: their detectors count in every step."""
        for slot, value in _BUSY:
            self.data.staging[slot] = value

    def answer(self) -> None:
        """A fresh summary, as a poller hands it over; nothing is frozen."""
        self.now = clock.add(self.now, _SUMMARY_MS)
        sequence = self.data.sequence
        self.data.staging[slots.HEARTBEAT] = sequence & 0xFFFF
        self.data.staging[slots.CELL_MAX_INDEX] = sequence & 1
        self.data.take(self.now)

    def fresh(self) -> None:
        """A fresh summary and its step."""
        self.answer()
        self.protection.step(self.now)

    def between(self) -> None:
        """A step 50 ms after the last one, without anything new."""
        self.now = clock.add(self.now, _BETWEEN_MS)
        self.protection.step(self.now)

    def scans(self) -> None:
        """A fresh summary with whole scans of cells and temperatures."""
        self.data.cells_sequence += 1
        self.data.temps_sequence += 1
        self.fresh()


def per_run_us(prepare: Callable[[], None], run: Callable[[], None], batches: int) -> float:
    """Microseconds of one `run` in the fastest batch: what the others took longer was the host's.
    Each begins with `prepare`, which is not timed.
    """
    batch = range(_BATCH)
    least = 1 << 30
    for _ in range(batches):
        prepare()
        start = micros()
        for _ in batch:
            run()
        least = min(least, micros() - start)
    return least / _BATCH


def per_run_bytes(prepare: Callable[[], None], run: Callable[[], None]) -> float | None:
    """Bytes that one `run` allocates; None where nobody counts. Ends with MemoryError when it
    allocates with the heap locked.
    """
    if heap_lock is None:
        return None
    batch = range(_BATCH)
    prepare()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    for _ in batch:
        run()
    after = gc.mem_alloc()  # type: ignore[attr-defined]
    gc.enable()
    heap_lock()
    try:
        prepare()
        for _ in batch:
            run()
    finally:
        heap_unlock()
    return float(after - before) / _BATCH


def measured(rack: Rack, steps: int) -> dict[str, dict[str, float | None]]:
    """Microseconds and bytes of each kind of step."""
    batches = max(1, steps // _BATCH)
    putting_us = per_run_us(rack.fresh, rack.answer, batches)
    found: dict[str, dict[str, float | None]] = {}
    for name, run, off_us in (
        ("fresh", rack.fresh, putting_us),
        ("between", rack.between, 0),
        ("scans", rack.scans, putting_us),
    ):
        found[name] = {
            "us": per_run_us(rack.fresh, run, batches) - off_us,
            "bytes": per_run_bytes(rack.fresh, run),
        }
    return found


def main(path: str, steps: int) -> None:
    """Measure and report."""
    with open(path) as file:
        rack = Rack(config.load(file.read()))
    rack.rise()
    healthy = measured(rack, steps)
    if rack.protection.levels != bytearray(len(rack.protection.levels)):
        raise RuntimeError("a healthy rack has an alarm")
    rack.make_busy()
    busy = measured(rack, steps)
    if not rack.protection.decision.level:
        raise RuntimeError("a rack beyond its limits has no alarm")
    report({"healthy": healthy, "busy": busy})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
