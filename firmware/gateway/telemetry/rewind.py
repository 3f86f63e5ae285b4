"""The last minute of every rack at full rate in RAM, for the black box.

Each rack has three streams of its own: its cell scans, its summaries at their usual pace, and
those in between that come while a detector runs. The third is short, so that a rack in trouble
does not cost the minute. All of it is kept in the form in which it goes to flash.
"""

from __future__ import annotations

import struct
from array import array

from micropython import const

from gateway.clock import TICKS_MASK, diff
from gateway.telemetry import summary_codec
from gateway.telemetry.block_ring import BlockRing
from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder, largest_bytes, workspace
from gateway.telemetry.summary_codec import SummaryEncoder

# Streams of a rack.
CELLS = 0
STEADY = 1
FAST = 2
STREAMS = 3
STREAM_NAMES = ("cells", "summaries", "fast summaries")

# Head of a frame: ms since the block's first frame; of a cell frame also the bytes of its cells
# and of its temperatures (0 = none).
SUMMARY_FRAME = "<H"
SUMMARY_FRAME_BYTES = 2
CELL_FRAME = "<HHH"
CELL_FRAME_BYTES = 6

_CELL_BLOCK_BYTES = const(1800)  # two in a record
_SUMMARY_BLOCK_BYTES = const(600)
_BLOCK_MS = const(60000)  # a frame's head has 16 bits for the time
# Room per frame, above what was measured with 1 mV of noise: the first frame of a block is larger.
_SUMMARY_BYTES = const(18)
_VALUE_PM = const(375)  # thousandths of a byte per cell or sensor
_CELL_FRAME_EXTRA = const(16)
_FAST_BYTES = const(1536)  # about 8 s at 100 ms
# So that it fits into a record; 416 cells and 208 sensors take 1578 at most.
_LONGEST_FRAME = const(3700)


class Rewind:
    """At least `seconds` of the summaries (one every `summary_ms`) and of the cell scans (one
    every `scan_ms` at most) of `racks` racks; 0 s keeps nothing.

    Data noisier than any that was measured make the time shorter. `left_out`: scans of very large
    racks that held nothing but noise and did not fit into a record. RAM, all of it taken by the
    constructor: `ram_bytes`, and 2 bytes per cell and sensor and 2 kB per rack for the coders and
    tables. 12 racks of 416 cells and 208 sensors, 60 s: 141 kB and 45 kB.
    """

    def __init__(
        self,
        racks: int,
        cells: int,
        temps: int,
        seconds: int,
        summary_ms: int = 500,
        scan_ms: int = 4000,
    ) -> None:
        count = racks if seconds else 0
        self.racks = racks
        self.seconds = seconds
        self._steady_ms = summary_ms - summary_ms // 4
        largest = CELL_FRAME_BYTES + largest_bytes(cells) + largest_bytes(temps)
        sizes = (
            _cells_capacity((cells + temps) * _VALUE_PM // 1000, seconds * 1000 // scan_ms),
            _capacity(_SUMMARY_BYTES * (seconds * 1000 // summary_ms + 2), _SUMMARY_BLOCK_BYTES),
            _FAST_BYTES,
        )
        summary = SUMMARY_FRAME_BYTES + summary_codec.LARGEST_BYTES
        frames = (min(largest, _LONGEST_FRAME), summary, summary)
        blocks = (_CELL_BLOCK_BYTES, _SUMMARY_BLOCK_BYTES, _SUMMARY_BLOCK_BYTES)
        self._rings = [
            [BlockRing(*shape, _BLOCK_MS) for shape in zip(sizes, frames, blocks)]
            for _ in range(count)
        ]
        if count:
            work = workspace(max(cells, temps))
            self._cells = CellEncoder(cells, 0, work, count)
            self._temps = CellEncoder(temps, SIGNED_BIAS, work, count)
            changes = [0] * len(summary_codec.ORDER)
            self._steady = SummaryEncoder(changes, count)
            self._fast = SummaryEncoder(changes, count)
        self._steady_at = [0] * count  # low bits of the uptime of the last one
        self._temps_begun = bytearray(count)  # the open block has temperatures to refer to
        self._frame = bytearray(max(largest, summary) if count else 0)
        self.cells = cells
        self.temps = temps
        self.left_out = 0

    @property
    def ram_bytes(self) -> int:
        """RAM of the frames."""
        return len(self._frame) + sum(
            [ring.capacity for streams in self._rings for ring in streams]
        )

    def ring(self, rack: int, stream: int) -> BlockRing:
        """The blocks of one stream; only while `seconds` is not 0."""
        return self._rings[rack][stream]

    def seal(self, rack: int) -> None:
        """End the open blocks of a rack, so that they can be read and no frame follows in them."""
        for ring in self._rings[rack]:
            ring.seal()

    def take_summary(self, rack: int, values: list[int] | array[int], uptime_ms: int) -> None:
        """Keep a summary, in the order of records.SAMPLE_FIELDS, as it is known at `uptime_ms`.

        Allocates nothing but, on a 32-bit board, numbers beyond 2^30.
        """
        if not self._rings:
            return
        at = uptime_ms & TICKS_MASK
        stream, encoder = STEADY, self._steady
        ring = self._rings[rack][STEADY]
        if ring.next and 0 <= diff(at, self._steady_at[rack]) < self._steady_ms:
            stream, encoder = FAST, self._fast
            ring = self._rings[rack][stream]
        else:
            self._steady_at[rack] = at
        frame = self._frame
        end = encoder.encode(values, not ring.is_open, frame, SUMMARY_FRAME_BYTES, rack)
        if not ring.fits(end, uptime_ms):
            end = encoder.encode(values, True, frame, SUMMARY_FRAME_BYTES, rack)
            ring.begin(end, uptime_ms)
        struct.pack_into(SUMMARY_FRAME, frame, 0, ring.offset_ms(uptime_ms))
        ring.put(frame, end)

    def take_cells(
        self, rack: int, cells_mv: array[int], temps_dc: array[int] | None, acquired_ms: int
    ) -> None:
        """Keep a whole scan, whose oldest part was acquired at this uptime.

        `temps_dc` None: not read so far. Allocates as `take_summary` does.
        """
        if not self._rings:
            return
        ring = self._rings[rack][CELLS]
        end = self._encode(rack, cells_mv, temps_dc, not ring.is_open)
        if not ring.fits(end, acquired_ms):
            end = self._encode(rack, cells_mv, temps_dc, True)
            if end > _LONGEST_FRAME:
                self.left_out += 1
                ring.seal()  # the next one must not refer to it
                return
            ring.begin(end, acquired_ms)
        struct.pack_into("<H", self._frame, 0, ring.offset_ms(acquired_ms))
        ring.put(self._frame, end)

    def _encode(
        self, rack: int, cells_mv: array[int], temps_dc: array[int] | None, key: bool
    ) -> int:
        frame = self._frame
        if key:
            self._temps_begun[rack] = 0
        middle = end = self._cells.encode(cells_mv, key, frame, CELL_FRAME_BYTES, rack)
        if temps_dc is not None:
            begun = self._temps_begun[rack] == 1
            end = self._temps.encode(temps_dc, not begun, frame, middle, rack)
            self._temps_begun[rack] = 1
        struct.pack_into(CELL_FRAME, frame, 0, 0, middle - CELL_FRAME_BYTES, end - middle)
        return end


def _cells_capacity(frame_bytes: int, frames: int) -> int:
    return _capacity((frame_bytes + _CELL_FRAME_EXTRA) * (frames + 2), _CELL_BLOCK_BYTES)


def _capacity(frames_bytes: int, block_bytes: int) -> int:
    """One block is given up at a time, and half of one may stay empty at the end."""
    return frames_bytes + block_bytes + block_bytes // 2
