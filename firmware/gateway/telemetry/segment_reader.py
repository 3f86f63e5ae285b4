"""Reading the records of one journal file after the other, over what is damaged."""

from __future__ import annotations

import binascii
import struct

from gateway.telemetry import records
from gateway.telemetry.segment_search import can_be, first_good, is_torn, length_of, may_begin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Storage
    from gateway.telemetry.segment import Segment

# Instead of a count of records:
LOST = 0  # they are not there, up to `SegmentReader.lost`
TOO_LARGE = -1  # the first record alone does not fit
BUSY = -2  # as much was read as one call may; the next one goes on

CALL_BYTES = 8192  # that one call reads


class SegmentReader:
    """Sequential reading: keeps the file open and remembers where the next record starts.

    What is not good is read again: a line that rang once is no damage. Behind damage it searches
    for the next record that is good and can stand there: the bytes in between are room for all
    that are missing, and for no more.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file: Any = None  # the File being read
        self._name = ""
        self._size = 0  # of the file when it was opened: LittleFS shows no later growth
        self._next = 0  # sequence number of the record at `_offset`
        self._offset = 0
        self._search = 0  # unless 0: damage goes from `_offset` up to there at least
        self._doubted = -1  # offset at which something was not good when it was read once
        self._kept = ("", 0, 0)  # name, sequence number and offset to go back to
        self._began = ("", 0, 0)  # the same of the last reading
        self.left = 0  # bytes that the call under way may still read
        self.lost = 0  # with LOST: number of the last one
        self.damaged = False  # with LOST: the file has something else in their place

    def read(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int
    ) -> tuple[int, int]:
        """Copy whole records from `wanted` on into `buffer[start:]`; (count, end offset).

        Instead of a count LOST, TOO_LARGE or BUSY. Raises OSError.
        """
        self._position(segment, wanted)
        room = len(buffer) - start
        while self.left >= min(room, records.LARGEST_RECORD):
            window = min(room, self.left)
            end = start + self._fill(buffer[start : start + window], self._search or self._offset)
            at_end = end < start + window
            step = self._step_over_damage if self._search else self._step
            count, end = step(segment, wanted, buffer, start, end, at_end)
            if count != BUSY:
                return count, end
        return BUSY, start

    def keep_place(self) -> None:
        """Going back to where the last reading began needs no search from now on."""
        self._kept = self._began

    def forget(self, segment: Segment) -> None:
        """Close the file when it is this segment's."""
        if self._name == segment.name:
            self.close()

    def close(self) -> None:
        """Close the file, whatever it is; the next read opens anew. Raises nothing."""
        file, self._file, self._name = self._file, None, ""
        if file is not None:
            try:
                file.close()
            except OSError:
                return  # it was open for reading: nothing is lost

    def _position(self, segment: Segment, wanted: int) -> None:
        if self._name == segment.name and wanted >= self._next:
            if self._size == segment.size:
                return
        else:
            self._next, self._offset, self._search = segment.first, 0, 0
            for name, sequence, offset in (self._kept, self._began):
                if name == segment.name and self._next <= sequence <= wanted:
                    self._next, self._offset = sequence, offset
        self.close()
        self._file = self._storage.open(segment.name, "rb")
        self._name = segment.name
        self._size = segment.size
        self._doubted = -1

    def _fill(self, window: memoryview, place: int) -> int:
        """Read the file from `place` on; bytes read, less than asked for at its end only."""
        self.left -= len(window)
        self._file.seek(place)
        count: int = self._file.readinto(window)
        return count

    def _step(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int, end: int, at_end: bool
    ) -> tuple[int, int]:
        """Go on in the piece read from `_offset`; BUSY: nothing of it was wanted."""
        before = self._next
        self._began = (self._name, before, self._offset)
        last = segment.last if before == wanted else wanted - 1
        end_good = self._walk(segment, last, buffer, start, end)
        if self._next > before:
            return (self._next - before, end_good) if before == wanted else (BUSY, start)
        if self._step_over_large(segment, buffer, start, end):
            return (TOO_LARGE, start) if before == wanted else (BUSY, start)
        torn = not end - start or is_torn(buffer[start:], end - start, segment.lane, before)
        self.damaged = not (at_end and torn)
        if self.damaged and self._doubted != self._offset:
            self._doubted = self._offset
            return BUSY, start
        self._search = self._offset + 1
        return BUSY, start

    def _step_over_damage(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int, end: int, at_end: bool
    ) -> tuple[int, int]:
        """Go on in the piece read from `_search`; LOST once something wanted is known to be."""
        if self._find(segment, buffer, start, end, at_end):
            if self._next <= wanted:
                return BUSY, start
            self.lost = self._next - 1
        elif at_end:
            self.lost = segment.last
        else:
            return BUSY, start
        return LOST, start

    def _walk(self, segment: Segment, last: int, buffer: memoryview, start: int, end: int) -> int:
        """Step over the good records up to `last` in the piece just read; where they end."""
        offset = start
        while self._next <= last:
            length = records.check(buffer, offset, end)
            if not length or records.sequence_of(buffer, offset) != self._next:
                break
            if buffer[offset + records.LANE_AT] != segment.lane:
                break
            self._next += 1
            self._offset += length
            offset += length
        return offset

    def _find(
        self, segment: Segment, buffer: memoryview, start: int, end: int, at_end: bool
    ) -> bool:
        """Go to the first good record in the piece at `_search`; False: there is none in it."""
        at = start
        while end - at >= records.HEADER_BYTES:
            at, length = first_good(buffer, at, end, segment.lane)
            if length:
                number = records.sequence_of(buffer, at)
                damage = self._search + at - start - self._offset
                if number <= segment.last and can_be(number - self._next, damage):
                    self._next = number
                    self._offset += damage
                    self._search = 0
                    self.damaged = True
                    return True
            elif at > start and not at_end:
                break  # look at it again with what follows
            at += 1
        self._search += min(at, end) - start
        return False

    def _step_over_large(self, segment: Segment, buffer: memoryview, start: int, end: int) -> bool:
        """The next record is good and only the buffer is too small for it: go behind it."""
        if end - start < records.HEADER_BYTES or not may_begin(buffer, start, segment.lane):
            return False
        length = length_of(buffer, start)
        room = len(buffer) - start
        if length <= room or records.sequence_of(buffer, start) != self._next:
            return False
        header = bytes(buffer[start : start + records.HEADER_BYTES])
        place, end = self._offset + records.HEADER_BYTES, self._offset + length
        checksum = records.checksum_of_header(header)
        while place < end:
            window = buffer[start : start + min(room, end - place)]
            if self._fill(window, place) < len(window):
                return False
            checksum = binascii.crc32(window, checksum)
            place += len(window)
        if checksum != struct.unpack("<I", header[4:8])[0]:
            return False
        self._next += 1
        self._offset += length
        return True
