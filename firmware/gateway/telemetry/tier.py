"""A tier of samples on flash: every so often a set of all racks, coded against the one before."""

from __future__ import annotations

import struct
from array import array

from micropython import const

from gateway.clock import add, diff
from gateway.telemetry import records
from gateway.telemetry.lane import LARGEST_RECORD
from gateway.telemetry.sections import SetEncoder, largest_section_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.rack.data import RackData
    from gateway.telemetry.lane import Lane
    from gateway.telemetry.rack_summary import RackSummary

INSTANTS = 60  # of a chunk, at most: what a lost record can take along with it
_RECORD_BYTES = const(2048)  # payload; a whole instant of delta frames usually fits
_IDLE = const(-1)


def instant_bytes(racks: int, cells: int, temps: int) -> int:
    """Most bytes of all records of one instant."""
    return racks * (largest_section_bytes(cells, temps) + records.HEADER_BYTES + records.SET_BYTES)


class Tier:
    """Fills one lane; a rack per step, so that no step takes long.

    A chunk ends after 60 instants, when its file is full, or before the part of one rack outgrows
    a message of `message_bytes`. A cell frame is taken when there was a whole scan since the last
    set. RAM: 2 bytes per value of a rack for the coder, and one record.

    Frames refer to those before them, so an error, whatever it is, ends the chunk: the next set
    begins one with key frames. The error goes on to the caller, once.

    ValueError for racks of which a record cannot hold one at its noisiest; the configuration's
    checks refuse them.
    """

    def __init__(
        self,
        lane: Lane,
        racks: Sequence[RackData],
        summary: RackSummary,
        clock: Clock,
        period_ms: int,
        message_bytes: int,
    ) -> None:
        cells, temps = len(racks[0].cells_mv), len(racks[0].temps_dc)
        self._lane = lane
        self._racks = racks
        self._summary = summary
        self._clock = clock
        self._period_ms = period_ms
        self._encoder = SetEncoder(len(racks), cells, temps)
        self._section_bytes = largest_section_bytes(cells, temps)
        if records.HEADER_BYTES + records.SET_BYTES + self._section_bytes > LARGEST_RECORD:
            raise ValueError("cells_per_rack, temps_per_rack: more than a record holds")
        self._key_bytes = instant_bytes(len(racks), cells, temps)
        self._room = message_bytes - records.BLOCK_BYTES - 4
        self._values = array("i", [0] * len(records.SAMPLE_FIELDS))
        self._record = bytearray(  # a section that has no room is written behind another first
            records.SET_BYTES + max(_RECORD_BYTES, self._section_bytes) + self._section_bytes
        )
        self._end = records.SET_BYTES  # of the sections in `_record`
        self._sections = 0
        self._next = _IDLE  # rack of the next section
        self._due = clock.ticks()
        self._chunk = 0
        self._instant = 0
        self._instant_bytes = 0
        self._block_bytes = [0] * len(racks)  # each rack's part of the chunk so far
        self._cells_seen = [0] * len(racks)
        self._temps_seen = [0] * len(racks)
        self._refers = bytearray(len(racks))  # 1: the rack's chain stands in this chunk

    def step(self, now: int) -> None:
        """Begin the set that is due, or go on with one."""
        done = False
        try:
            self._step(now)
            done = True
        finally:
            if not done:
                self._abandon()

    def _step(self, now: int) -> None:
        if self._next == _IDLE:
            late_ms = diff(now, self._due)
            if late_ms < 0:
                return
            self._due = add(self._due if late_ms < self._period_ms else now, self._period_ms)
            self._begin()
        self._take(self._next, now)
        self._next += 1
        if self._next == len(self._racks):
            self._append()
            self._next = _IDLE
            self._instant += 1

    def finish(self) -> None:
        """Complete the set that was begun and end the chunk: it can be delivered then."""
        while self._next != _IDLE:
            self.step(self._clock.ticks())
        self._lane.end_chunk()
        self._instant = 0

    def _abandon(self) -> None:
        """The set under way is lost, and with it what the next one would refer to."""
        self._next = _IDLE
        self._end = records.SET_BYTES
        self._sections = 0
        self._instant = 0
        self._lane.end_chunk()

    def _begin(self) -> None:
        self._next = 0
        expected = self._key_bytes if self._instant == 0 else 2 * self._instant_bytes
        full = max(self._block_bytes) + records.BLOCK_TIME_BYTES + self._section_bytes > self._room
        if full or self._instant == INSTANTS or self._lane.chunk_full(expected):
            self._chunk = self._lane.begin_chunk()
            self._instant = 0
            for rack in range(len(self._racks)):
                self._block_bytes[rack] = self._refers[rack] = 0
        self._instant_bytes = 0

    def _take(self, rack: int, now: int) -> None:
        """Add a rack's section; a record that would grow too long goes before it."""
        data = self._racks[rack]
        key = not self._refers[rack]
        self._summary.fill(rack, self._values)
        cells = temps = None
        if data.cells_sequence != self._cells_seen[rack] or (key and data.cells_sequence):
            self._cells_seen[rack] = data.cells_sequence
            cells = data.cells_mv
        if data.temps_sequence != self._temps_seen[rack] or (key and data.temps_sequence):
            self._temps_seen[rack] = data.temps_sequence
            temps = data.temps_dc
        age_ms = diff(now, data.cells_acquired)
        begin = self._end
        end = self._encoder.encode(
            rack, self._values, cells, temps, age_ms, key, self._record, begin
        )
        self._refers[rack] = 1
        self._block_bytes[rack] += records.BLOCK_TIME_BYTES + end - begin
        if end - records.SET_BYTES > _RECORD_BYTES and self._sections:
            section = bytes(memoryview(self._record)[begin:end])
            self._append()
            end = self._end + len(section)
            self._record[self._end : end] = section
        self._end = end
        self._sections += 1

    def _append(self) -> None:
        if not self._sections:
            return
        struct.pack_into(
            records.SET_PAYLOAD, self._record, 0, self._chunk, self._instant, self._sections, 0
        )
        self._lane.append(records.SET, memoryview(self._record)[: self._end])
        self._instant_bytes += records.HEADER_BYTES + self._end
        self._end = records.SET_BYTES
        self._sections = 0
