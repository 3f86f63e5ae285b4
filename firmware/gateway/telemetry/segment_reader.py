"""Reading the records of one journal file after the other."""

from __future__ import annotations

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Storage
    from gateway.telemetry.segment import Segment

DAMAGED = 0
TOO_LARGE = -1


def length_of(buffer: bytes | memoryview, start: int) -> int:
    """Length of the record at `start`, header included, as its header tells."""
    return records.HEADER_BYTES + (buffer[start + 2] | buffer[start + 3] << 8)


class SegmentReader:
    """Sequential reading: keeps the file open and remembers where the next record starts."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file: Any = None  # the File being read
        self._name = ""
        self._size = 0  # of the file when it was opened: LittleFS shows no later growth
        self._next = 0  # sequence number of the record at `_offset`
        self._offset = 0
        self._kept = ("", 0, 0)  # name, sequence number and offset to go back to
        self._began = (0, 0)  # sequence number and offset of the last reading

    def read(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int
    ) -> tuple[int, int]:
        """Copy whole records from `wanted` on into `buffer[start:]`; (count, end offset).

        Instead of a count DAMAGED, or TOO_LARGE when `wanted` alone does not fit. Raises OSError.
        """
        self._position(segment, wanted)
        while True:
            before = self._next
            skip = before < wanted
            self._began = (before, self._offset)
            end = self._walk(
                min(segment.last, wanted - 1) if skip else segment.last, buffer, start
            )
            if self._next > before:
                if not skip:
                    return self._next - before, end
                continue
            length = self._length_of_large(segment, buffer, start)
            if not length:
                return DAMAGED, start
            if not skip:
                return TOO_LARGE, start
            self._next += 1
            self._offset += length

    def keep_place(self) -> None:
        """Going back to where the last reading began needs no search from now on."""
        self._kept = (self._name, self._began[0], self._began[1])

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
        if self._name != segment.name or wanted < self._next:
            name, sequence, offset = self._kept
            known = name == segment.name and sequence <= wanted
            self._next, self._offset = (sequence, offset) if known else (segment.first, 0)
        elif self._size == segment.size:
            return
        self.close()
        self._file = self._storage.open(segment.name, "rb")
        self._name = segment.name
        self._size = segment.size

    def _walk(self, last: int, buffer: memoryview, start: int) -> int:
        """Read a piece and step over its good records up to `last`; returns where they end."""
        self._file.seek(self._offset)
        end = start + self._file.readinto(memoryview(buffer)[start:])
        offset = start
        while self._next <= last:
            length = records.check(buffer, offset, end)
            if not length or records.sequence_of(buffer, offset) != self._next:
                break
            self._next += 1
            self._offset += length
            offset += length
        return offset

    def _length_of_large(self, segment: Segment, buffer: memoryview, start: int) -> int:
        """Length of the record at `start` when only the buffer is too small for it, else 0."""
        room = len(buffer) - start
        if room < records.HEADER_BYTES or buffer[start] != records.MAGIC:
            return 0
        length = length_of(buffer, start)
        if records.sequence_of(buffer, start) != self._next or length <= room:
            return 0
        return length if self._offset + length <= segment.size else 0
