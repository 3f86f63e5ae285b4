"""Journal files on flash: append, read in order, drop the oldest.

A segment holds whole records of one boot in order; its name is the boot id and its first sequence
number, so the directory is the index. A torn record can stand only at the end of the last segment
of a boot; a reader stops there.
"""

from __future__ import annotations

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Storage

_SUFFIX = ".seg"
_CHUNK = 4096


class Segment:
    """One file: records first .. last of a boot; last < first while it is empty."""

    def __init__(self, boot: int, first: int, last: int, size: int) -> None:
        self.boot = boot
        self.first = first
        self.last = last
        self.size = size

    @property
    def name(self) -> str:
        """File name."""
        return "%08x-%08x%s" % (self.boot, self.first, _SUFFIX)


class Segments:
    """All segments of a storage, oldest first. Methods raise OSError when the flash fails."""

    def __init__(self, storage: Storage, segment_bytes: int) -> None:
        self._storage = storage
        self._segment_bytes = segment_bytes
        self._out: Any = None  # the File being written
        self._reader = _Reader(storage)
        self.all: list[Segment] = []
        self.corrupt = 0

    def load(self) -> None:
        """Find the segments on flash and count the records in each."""
        names = sorted(name for name in self._storage.names() if name.endswith(_SUFFIX))
        for name in names:
            boot, first = int(name[:8], 16), int(name[9:17], 16)
            last, size = self._scan(name, first)
            if last < first:
                self._storage.remove(name)
            else:
                self.all.append(Segment(boot, first, last, size))

    def append(self, boot: int, first: int, last: int, data: bytearray) -> None:
        """Write records first .. last and push them to flash before returning."""
        current = self.all[-1] if self._out is not None else None
        if (
            current is None
            or current.last + 1 != first
            or current.size + len(data) > self._segment_bytes
        ):
            self.close()
            current = Segment(boot, first, first - 1, 0)
            self._out = self._storage.open(current.name, "wb")
            self.all.append(current)
        self._out.write(data)
        self._out.flush()
        current.last = last
        current.size += len(data)

    def close(self) -> None:
        """Close the file being written; the next append begins a new one."""
        if self._out is not None:
            out = self._out
            self._out = None
            if self.all[-1].size == 0:  # its first write failed
                self.all.pop()
            out.close()

    def read(
        self, boot: int, after: int, buffer: memoryview, start: int
    ) -> tuple[int, int, int, int]:
        """Copy whole records that follow (boot, after) in order into `buffer[start:]`.

        Returns (boot, first, last, end offset); last < first when there are none.
        """
        for segment in self.all:
            if (segment.boot, segment.last) <= (boot, after):
                continue
            wanted = max(segment.first, after + 1) if segment.boot == boot else segment.first
            found = self._reader.read(segment, wanted, buffer, start)
            if found[2] >= found[1]:
                return found
            self.corrupt += 1
            segment.last = wanted - 1  # nothing behind it can be trusted: go on to the next
        return boot, 1, 0, start

    def drop_oldest(self) -> Segment | None:
        """Delete the oldest segment that is not being written."""
        if len(self.all) < 2 and self._out is not None or not self.all:
            return None
        segment = self.all.pop(0)
        self._reader.forget(segment)
        self._storage.remove(segment.name)
        return segment

    def total_bytes(self) -> int:
        """Size of all segments."""
        return sum(segment.size for segment in self.all)

    def _scan(self, name: str, first: int) -> tuple[int, int]:
        """Last sequence number and length of the good part of a segment file."""
        last, size = first - 1, 0
        with self._storage.open(name, "rb") as file:
            pending = b""
            while True:
                chunk = file.read(_CHUNK)
                pending += chunk
                offset = 0
                while True:
                    length = records.check(pending, offset, len(pending))
                    if not length or records.sequence_of(pending, offset) != last + 1:
                        break
                    last += 1
                    offset += length
                size += offset
                pending = pending[offset:]
                if not chunk or len(pending) > 2 * _CHUNK:
                    return last, size


class _Reader:
    """Sequential reading: keeps the file open and remembers where the next record starts."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file: Any = None  # the File being read
        self._name = ""
        self._size = 0  # of the file when it was opened: LittleFS shows no later growth
        self._next = 0  # sequence number of the record at `_offset`
        self._offset = 0

    def read(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int
    ) -> tuple[int, int, int, int]:
        """Records from `wanted` on, as many as fit; see Segments.read."""
        self._position(segment, wanted)
        while self._next < wanted:
            before = self._next
            self._walk(min(segment.last, wanted - 1), buffer, start)
            if self._next == before:
                return segment.boot, 1, 0, start
        first = self._next
        end = self._walk(segment.last, buffer, start)
        return segment.boot, first, self._next - 1, end

    def forget(self, segment: Segment) -> None:
        """Close the file when it is this segment's."""
        if self._name == segment.name:
            self._close()

    def _position(self, segment: Segment, wanted: int) -> None:
        if self._name != segment.name or wanted < self._next:
            self._next = segment.first
            self._offset = 0
        elif self._size == segment.size:
            return
        self._close()
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

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._name = ""
