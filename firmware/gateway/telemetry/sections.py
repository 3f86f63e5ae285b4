"""What one rack said at one instant, as a section of a set record or of a block.

A chain of sections per rack: each refers to those before it, back to the last key section.
"""

from __future__ import annotations

import struct
from array import array

from micropython import const

from gateway.telemetry import summary_codec
from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder, largest_bytes, workspace
from gateway.telemetry.records import KEY, SECTION, SECTION_BYTES
from gateway.telemetry.summary_codec import SummaryEncoder

_AGE_UNIT_MS = const(100)
_OLDEST = const(255)
_SUMMARY, _CELLS, _TEMPS = 1, 2, 4


def largest_section_bytes(cells: int, temps: int) -> int:
    """The most that one section can take: a header, a summary, two frames."""
    frames = largest_bytes(cells) + largest_bytes(temps)
    return SECTION_BYTES + summary_codec.LARGEST_BYTES + frames


class SetEncoder:
    """The chains of `racks` racks with `cells` cells and `temps` sensors each.

    RAM per rack: 2 bytes per cell and sensor, and about 0.5 kB.
    """

    def __init__(self, racks: int, cells: int, temps: int) -> None:
        self.largest = largest_section_bytes(cells, temps)
        self._summaries = SummaryEncoder(None, racks)
        work = workspace(max(cells, temps))
        self._cells = CellEncoder(cells, 0, work, racks)
        self._temps = CellEncoder(temps, SIGNED_BIAS, work, racks)
        self._begun = bytearray(racks)  # what the next section of a rack can refer to

    def encode(
        self,
        rack: int,
        summary: list[int] | array[int],
        cells: array[int] | None,
        temps: array[int] | None,
        cells_age_ms: int,
        key: bool,
        out: bytearray | memoryview,
        start: int,
    ) -> int:
        """Write one section to out[start:]; where it ends. Allocates nothing.

        `summary` in the order of records.SAMPLE_FIELDS; `cells` array('H') in mV, `temps`
        array('h') in 0.1 degC, None when there is no new scan. `key` begins a chain, as the first
        section always does; ask for it after a section that was not stored, and after an error.
        ValueError when a number of values is wrong, or there is less room than `largest`.
        """
        if start < 0 or len(out) - start < self.largest:
            raise ValueError("room")
        begun = 0 if key else self._begun[rack]
        summary_at = start + SECTION_BYTES
        cells_at = self._summaries.encode(summary, not begun, out, summary_at, rack)
        temps_at = end = cells_at
        flags = 0 if begun else KEY
        begun |= _SUMMARY
        if cells is not None:
            fresh = not begun & _CELLS
            end = temps_at = self._cells.encode(cells, fresh, out, cells_at, rack)
            begun |= _CELLS
        if temps is not None:
            end = self._temps.encode(temps, not begun & _TEMPS, out, temps_at, rack)
            begun |= _TEMPS
        self._begun[rack] = begun
        struct.pack_into(
            SECTION,
            out,
            start,
            rack,
            flags,
            temps_at - cells_at,
            end - temps_at,
            cells_at - summary_at,
            min(max(0, cells_age_ms) // _AGE_UNIT_MS, _OLDEST),
        )
        return end
