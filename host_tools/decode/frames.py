"""What a rack said at one instant, from the sections of gateway.telemetry.sections."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from gateway.telemetry import records as layout
from host_tools.decode.cell_codec import CellChain
from host_tools.decode.records import DecodeError, rack_text
from host_tools.decode.summary_codec import SummaryChain

_SECTION = struct.Struct(layout.SECTION)
_TIME = struct.Struct(layout.BLOCK_TIME)
_AGE_UNIT_MS = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """One rack at one instant.

    `sample` has the fields of records.SAMPLE_FIELDS in that order, units in the names; 65535 and
    -32768 there mean that the BMS does not supply the value. `cells` in mV (0xFFFF: not read),
    `temps` in 0.1 degC (-32768: not read), None when no new scan had come. `cells_age_ms` is the
    age of the scan in whole 100 ms, 25500 = that or more; None without cells. `checksum` covers
    times and sections of its chain up to this one: another content, another number.
    """

    uptime_ms: int
    utc_ms: int
    clock_quality: int
    sample: dict[str, int]
    cells: list[int] | None
    temps: list[int] | None
    cells_age_ms: int | None
    checksum: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section and its parts stand in `data`."""

    data: bytes
    start: int
    rack: int
    is_key: bool
    age: int
    summary_at: int
    cells_at: int
    temps_at: int
    end: int


def find_section(data: bytes, start: int) -> Section:
    """The section at `start`; DecodeError when it is not whole."""
    if start + _SECTION.size > len(data):
        raise DecodeError("a section is cut off")
    rack, flags, cells, temps, summary, age = _SECTION.unpack_from(data, start)
    summary_at = start + _SECTION.size
    cells_at = summary_at + summary
    temps_at = cells_at + cells
    end = temps_at + temps
    if end > len(data):
        raise DecodeError(f"{rack_text(rack)}: its section is cut off")
    if flags & ~layout.KEY:
        raise DecodeError(f"{rack_text(rack)}: section with unknown flags {flags:#x}")
    return Section(
        data, start, rack, bool(flags & layout.KEY), age, summary_at, cells_at, temps_at, end
    )


class Chain:
    """Sections of one rack in their order, from a key section on."""

    def __init__(self) -> None:
        self._summary = SummaryChain()
        self._cells = CellChain()
        self._temps = CellChain(signed=True)
        self._checksum = 0

    def decode(self, section: Section, uptime_ms: int, utc_ms: int, clock_quality: int) -> Frame:
        """The frame in the next section; DecodeError: the chain is of no use any more."""
        data = section.data
        sample, end = self._summary.decode(data, section.summary_at, section.cells_at)
        if end != section.cells_at:
            raise DecodeError(f"{rack_text(section.rack)}: bytes behind its summary")
        cells = _part(self._cells, data, section.cells_at, section.temps_at)
        temps = _part(self._temps, data, section.temps_at, section.end)
        age_ms = None if cells is None else section.age * _AGE_UNIT_MS
        time = _TIME.pack(uptime_ms, utc_ms & 0xFFFFFFFF, utc_ms >> 32, clock_quality)
        self._checksum = zlib.crc32(data[section.start : section.end], self._checksum)
        self._checksum = zlib.crc32(time, self._checksum)
        return Frame(
            uptime_ms, utc_ms, clock_quality, sample, cells, temps, age_ms, self._checksum
        )


def _part(chain: CellChain, data: bytes, start: int, end: int) -> list[int] | None:
    if start == end:
        return None
    values, found_end = chain.decode(data, start, end)
    if found_end != end:
        raise DecodeError("bytes behind a frame of cells")
    return values
