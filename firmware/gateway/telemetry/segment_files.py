"""The journal files of one lane: find, append, read in order, drop the oldest.

A file's name is the lane, the boot id and the first sequence number, so the directory is the
index. A reader stops at the first record that is not good: what stands behind it in that file is
lost.
"""

from __future__ import annotations

from gateway.telemetry.records import HEADER_BYTES
from gateway.telemetry.segment import Segment, parse, scan
from gateway.telemetry.segment_reader import DAMAGED, SegmentReader
from gateway.telemetry.segment_writer import SegmentWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.contracts import Storage
    from gateway.telemetry.byte_ring import ByteRing


class SegmentFiles:
    """All segments of a lane, oldest first. Methods raise OSError when the flash fails."""

    def __init__(self, storage: Storage, lane: int, segment_bytes: int) -> None:
        self._storage = storage
        self._lane = lane
        self._segment_bytes = segment_bytes
        self._block_bytes = getattr(storage, "block_bytes", 4096)
        self._readers: list[SegmentReader] = []
        self.writer = SegmentWriter(storage)
        self.all: list[Segment] = []
        self.newest_boot = 0  # that a file name tells of
        self.corrupt = 0

    def new_reader(self) -> SegmentReader:
        """A reader of its own; a file that is dropped is closed by it."""
        reader = SegmentReader(self._storage)
        self._readers.append(reader)
        return reader

    def load(
        self, names: list[str], buffer: memoryview, on_gap: Callable[[int, int, bytes], None]
    ) -> None:
        """Take the segments among `names`, which are in order; as segment.scan. Raises nothing.

        A damaged file is counted and kept.
        """
        for name in names:
            segment = parse(name, self._lane)
            if segment is None:
                continue
            self.newest_boot = max(self.newest_boot, segment.boot)
            try:
                good = scan(self._storage, segment, buffer, on_gap)
            except OSError:
                good = False
                segment.size = self._segment_bytes  # as much as it can be
                segment.end = segment.first - 1 + segment.size // HEADER_BYTES
            if segment.size:
                self.corrupt += not good
                self.all.append(segment)
            else:
                self._discard(name)  # begun, and the power went

    def page_full(self, ring: ByteRing) -> bool:
        """A whole page waits in `ring`, or the last one of a segment."""
        if self._begins(ring):
            self.close()  # nothing waits for it
        return ring.waiting >= self.writer.room or ring.newest_begin > ring.first

    def write_page(self, boot: int, ring: ByteRing, urgent: bool) -> None:
        """Write what waits in `ring`, up to the end of a flash block or of the segment.

        `urgent`: when all of it is no more than a page it goes at once, the end of a block or not.
        """
        if self._begins(ring):
            self.close()
        segment = self.writer.segment
        if segment is None:
            segment = Segment(self._lane, boot, ring.first)
            self.writer.begin(segment)
            self.all.append(segment)
        small = urgent and ring.waiting <= self._block_bytes
        count = ring.span(self._block_bytes if small else self.writer.room)
        self.writer.write(ring.pieces(count), segment)
        ring.take(count)
        segment.last = segment.end = ring.first - 1

    def close(self) -> None:
        """Close the file being written; the next page begins a new one. Raises nothing."""
        segment = self.writer.segment
        self.writer.close()
        if segment is not None and segment.size == 0:  # its first write failed
            self.all.remove(segment)
            self._discard(segment.name)

    def close_readers(self) -> None:
        """Close the files being read. Raises nothing."""
        for reader in self._readers:
            reader.close()

    def after(self, boot: int, sequence: int) -> Segment | None:
        """The first segment with a record behind (boot, sequence)."""
        for segment in self.all:
            if segment.last >= segment.first and (segment.boot, segment.last) > (boot, sequence):
                return segment
        return None

    def read(
        self, reader: SegmentReader, segment: Segment, wanted: int, buffer: memoryview, start: int
    ) -> tuple[int, int]:
        """As SegmentReader.read; a file that fails twice is damaged. Raises nothing.

        A damaged segment is counted and ends before `wanted` from now on.
        """
        count, end = DAMAGED, start
        for _ in range(2):
            try:
                count, end = reader.read(segment, wanted, buffer, start)
                break
            except OSError:
                reader.close()
        if count == DAMAGED:
            self.corrupt += 1
            segment.last = wanted - 1
        return count, end

    def oldest(self) -> Segment | None:
        """The oldest segment unless it is the one being written."""
        if not self.all or self.all[0] is self.writer.segment:
            return None
        return self.all[0]

    def drop_oldest(self) -> Segment | None:
        """Delete `oldest()` and return it; it stays when the flash refuses."""
        segment = self.oldest()
        if segment is not None:
            for reader in self._readers:
                reader.forget(segment)
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

    def blocks(self) -> int:
        """Flash blocks that all segments take."""
        size = self._block_bytes
        return sum([(segment.size + size - 1) // size for segment in self.all])

    def _begins(self, ring: ByteRing) -> bool:
        return self.writer.segment is not None and not ring.taken and ring.begins(ring.first)

    def _discard(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except OSError:
            return  # it holds nothing and is tried again at the next start
