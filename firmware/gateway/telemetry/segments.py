"""Journal files on flash: append, read in order, drop the oldest.

A segment holds whole records of one boot in order; its name is the boot id and its first sequence
number, so the directory is the index. A reader stops at the first record that is not good: what
stands behind it in that file is lost.
"""

from __future__ import annotations

from gateway.telemetry import records
from gateway.telemetry.segment_reader import DAMAGED, SegmentReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.contracts import Storage

_SUFFIX = ".seg"
_CHUNK = 4096


class Segment:
    """One file: good records first .. last of a boot; last < first when there is none.

    `end` is the last record that the file may have held: `last` when it is undamaged.
    """

    def __init__(self, boot: int, first: int, last: int, size: int, end: int) -> None:
        self.boot = boot
        self.first = first
        self.last = last
        self.size = size
        self.end = end

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
        self._reader = SegmentReader(storage)
        self.all: list[Segment] = []
        self.newest_boot = 0  # that a file name tells of
        self.corrupt = 0

    def load(self, on_gap: Callable[[int, int, bytes], None]) -> None:
        """Find the segments on flash; `on_gap` gets (boot, sequence, payload) of gap records.

        A damaged file is counted and kept. Raises OSError only when the names cannot be read.
        """
        for name in sorted(self._storage.names()):
            segment = _parse(name)
            if segment is None:
                continue
            self.newest_boot = max(self.newest_boot, segment.boot)
            try:
                self._scan(segment, on_gap)
            except OSError:
                segment.size = self._segment_bytes  # as much as it can be
                segment.end = segment.first - 1 + segment.size // records.HEADER_BYTES
            if segment.size:
                self.corrupt += segment.last < segment.end
                self.all.append(segment)
            else:
                self._discard(name)  # begun, and the power went

    def append(self, boot: int, first: int, last: int, data: bytearray) -> None:
        """Write records first .. last and push them to flash before returning."""
        current = self.all[-1] if self._out is not None else None
        if (
            current is None
            or current.last + 1 != first
            or current.size + len(data) > self._segment_bytes
        ):
            self.close()
            current = Segment(boot, first, first - 1, 0, first - 1)
            self._out = self._storage.open(current.name, "wb")
            self.all.append(current)
        self._out.write(data)
        self._out.flush()
        current.last = current.end = last
        current.size += len(data)

    def close(self) -> None:
        """Close the file being written; the next append begins a new one. Raises nothing."""
        if self._out is None:
            return
        out, self._out = self._out, None
        try:
            out.close()
        except OSError:
            pass  # what counts was flushed
        if self.all[-1].size == 0:  # its first write failed
            self._discard(self.all.pop().name)

    def after(self, boot: int, seq: int) -> Segment | None:
        """The first segment with a record behind (boot, seq)."""
        for segment in self.all:
            if segment.last >= segment.first and (segment.boot, segment.last) > (boot, seq):
                return segment
        return None

    def read(
        self, segment: Segment, wanted: int, buffer: memoryview, start: int
    ) -> tuple[int, int]:
        """As SegmentReader.read; a file that fails twice is damaged. Raises nothing.

        A damaged segment is counted and ends before `wanted` from now on.
        """
        count, end = DAMAGED, start
        for _ in range(2):
            try:
                count, end = self._reader.read(segment, wanted, buffer, start)
                break
            except OSError:
                self._reader.close()
        if count == DAMAGED:
            self.corrupt += 1
            segment.last = wanted - 1
        return count, end

    def oldest(self) -> Segment | None:
        """The oldest segment unless it is the one being written."""
        if not self.all or len(self.all) == 1 and self._out is not None:
            return None
        return self.all[0]

    def drop_oldest(self) -> Segment | None:
        """Delete `oldest()` and return it; it stays when the flash refuses."""
        segment = self.oldest()
        if segment is not None:
            self._reader.forget(segment)
            self._storage.remove(segment.name)
            self.all.pop(0)
        return segment

    def count_after(self, cursor: tuple[int, int]) -> int:
        """Good records behind the key `cursor`."""
        count = 0
        for segment in self.all:
            first = segment.first
            if segment.boot == cursor[0]:
                first = max(first, cursor[1] + 1)
            if segment.boot >= cursor[0]:
                count += max(0, segment.last - first + 1)
        return count

    def total_bytes(self) -> int:
        """Size of all segments."""
        return sum(segment.size for segment in self.all)

    def _discard(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except OSError:
            return  # it holds nothing and is tried again at the next start

    def _scan(self, segment: Segment, on_gap: Callable[[int, int, bytes], None]) -> None:
        """Set what the file holds: its good part and how many records more there may have been."""
        unread = 0  # bytes behind the good part
        good = True
        pending = b""
        with self._storage.open(segment.name, "rb") as file:
            chunk = file.read(_CHUNK)
            while chunk:
                segment.size += len(chunk)
                if good:
                    pending = self._step_over(segment, pending + chunk, on_gap)
                    good = len(pending) <= 2 * _CHUNK
                    unread = len(pending)
                else:
                    unread += len(chunk)
                chunk = file.read(_CHUNK)
        segment.end = segment.last
        if unread:
            segment.end += max(1, unread // records.HEADER_BYTES)

    def _step_over(
        self, segment: Segment, data: bytes, on_gap: Callable[[int, int, bytes], None]
    ) -> bytes:
        """Count the good records at the beginning of `data`; returns what follows them."""
        offset = 0
        while True:
            length = records.check(data, offset, len(data))
            if not length or records.sequence_of(data, offset) != segment.last + 1:
                return data[offset:]
            segment.last += 1
            if data[offset + 1] == records.GAP:
                payload = data[offset + records.HEADER_BYTES : offset + length]
                on_gap(segment.boot, segment.last, payload)
            offset += length


def _parse(name: str) -> Segment | None:
    """An unscanned segment of that name; None for other files."""
    try:
        segment = Segment(int(name[:8], 16), int(name[9:17], 16), 0, 0, 0)
    except ValueError:
        return None
    segment.last = segment.end = segment.first - 1
    return segment if segment.name == name else None
