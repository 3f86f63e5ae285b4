"""The journal files of one lane: find, append, read in order, drop the oldest.

A file's name is the lane, the boot id and the first sequence number, so the directory is the
index. A file that cannot be read is tried again for minutes, then set aside under another name.
"""

from __future__ import annotations

from micropython import const

from gateway.telemetry.records import LARGEST_RECORD
from gateway.telemetry.segment import Segment, guess, measure, measure_on, parse
from gateway.telemetry.segment_reader import BUSY, LOST, SegmentReader
from gateway.telemetry.segment_writer import SegmentWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage
    from gateway.telemetry.byte_ring import ByteRing

PAUSED = -3  # instead of a count of records: the file could not be read and is left alone
HOPELESS = -4  # the same for so long that it must be given up
_SET_ASIDE = ".bad"  # behind the name
_GONE = const(2)  # ENOENT
_MOST_ASIDE = const(2)  # such files of a lane
_PIECE_BYTES = 2 * LARGEST_RECORD  # of a file that is measured: what one call may read


class SegmentFiles:
    """All segments of a lane, oldest first. Methods raise OSError when the flash fails."""

    def __init__(self, storage: Storage, lane: int, segment_bytes: int) -> None:
        self._storage = storage
        self.lane = lane
        self._segment_bytes = segment_bytes
        self._block_bytes = getattr(storage, "block_bytes", 4096)
        self._readers: list[SegmentReader] = []
        self.writer = SegmentWriter(storage)
        self.all: list[Segment] = []
        self.newest_boot = 0  # that a file name tells of
        self.corrupt = 0
        self.read_errors = 0
        self._dead = False  # one file could not even be renamed, and none was read since
        self._aside: list[str] = []  # names of files that were set aside, oldest first
        self.removed_aside = 0

    def new_reader(self) -> SegmentReader:
        """A reader of its own; a file that is dropped is closed by it."""
        reader = SegmentReader(self._storage)
        self._readers.append(reader)
        return reader

    def load(self, files: list[tuple[str, int]], buffer: memoryview) -> None:
        """Take the segments among `files`: (name, size), in order; size -1: not known.

        `buffer` as segment.measure_on, but raises nothing. Files with no record are deleted.
        """
        boot = following = 0  # first record of the file behind
        for name, size in reversed(files):
            segment = parse(name, self.lane)
            if segment is None:
                self._note_aside(name)
                continue
            self.newest_boot = max(self.newest_boot, segment.boot)
            segment.size = size
            self._measure(segment, buffer, following if segment.boot == boot else 0)
            if not segment.size:
                self._discard(name)  # begun, and the power went
                continue
            self.all.insert(0, segment)
            if segment.last >= segment.first:
                boot, following = segment.boot, segment.first

    def _note_aside(self, name: str) -> None:
        if name.endswith(_SET_ASIDE) and parse(name[: -len(_SET_ASIDE)], self.lane) is not None:
            self._aside.insert(0, name)

    def _measure(self, segment: Segment, buffer: memoryview, following: int) -> None:
        for _ in range(2):
            try:
                measure(self._storage, segment, buffer, following)
                return
            except OSError:
                self.read_errors += 1
        guess(segment, self._segment_bytes, following)

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
            segment = Segment(self.lane, boot, ring.first)
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
        self,
        reader: SegmentReader,
        segment: Segment,
        wanted: int,
        buffer: memoryview,
        start: int,
        now: int,
    ) -> tuple[int, int]:
        """As SegmentReader.read, or PAUSED, or HOPELESS. Raises nothing.

        A damaged segment is counted once; it ends before `wanted` when nothing good follows.
        """
        if segment.failed_reads.pausing(now):
            return PAUSED, start
        try:
            if segment.guessed:
                if reader.left >= _PIECE_BYTES:
                    reader.left -= _PIECE_BYTES
                    measure_on(self._storage, segment, memoryview(bytearray(_PIECE_BYTES)))
                return BUSY, start
            count, end = reader.read(segment, wanted, buffer, start)
        except OSError:
            reader.close()
            self.read_errors += 1
            hopeless = segment.failed_reads.count(now, wanted) or self._dead
            return HOPELESS if hopeless else PAUSED, start
        self._dead = False
        if count != BUSY:
            segment.failed_reads.worked(wanted)
        if count == LOST:
            self._count_corrupt(segment, reader.damaged)
            if reader.lost >= segment.last:
                segment.last = wanted - 1
        return count, end

    def set_aside(self, segment: Segment, is_noted: bool) -> None:
        """Rename a file that cannot be read, so that it can be looked into and is read no more.

        Raises nothing. Of such files of the lane the newest stay, _MOST_ASIDE of them. Where flash
        does not rename it either, or took no note that it goes, it keeps its name, and all of the
        flash counts as dead: until a file can be read, each has one try.
        """
        for reader in self._readers:
            reader.forget(segment)
        self._count_corrupt(segment, True)
        if segment in self.all:
            self.all.remove(segment)
        self._dead = self._dead or not is_noted
        if self._dead:
            return  # the next start finds it, and tries it again
        try:
            self._storage.rename(segment.name, segment.name + _SET_ASIDE)
        except OSError:
            self.read_errors += 1
            self._dead = True
            return
        self._aside.append(segment.name + _SET_ASIDE)
        self._aside.sort()
        if len(self._aside) > _MOST_ASIDE:
            self._remove_aside(self._aside.pop(0))

    def _remove_aside(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except OSError:
            self.read_errors += 1  # the next start finds it
            return
        self.removed_aside += 1

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
            try:
                self._storage.remove(segment.name)
            except OSError as error:
                if error.args[:1] != (_GONE,):  # it went in a try that seemed to fail
                    raise
            self.all.pop(0)
        return segment

    def count_between(self, cursor: tuple[int, int], end: tuple[int, int]) -> int:
        """Good records behind the key `cursor` and before `end`."""
        count = 0
        for segment in self.all:
            first, last = segment.first, segment.last
            if segment.boot == cursor[0]:
                first = max(first, cursor[1] + 1)
            if segment.boot == end[0]:
                last = min(last, end[1] - 1)
            if segment.boot >= cursor[0]:
                count += max(0, last - first + 1)
        return count

    def blocks(self) -> int:
        """Flash blocks that all segments take."""
        size = self._block_bytes
        return sum([(segment.size + size - 1) // size for segment in self.all])

    def _begins(self, ring: ByteRing) -> bool:
        return self.writer.segment is not None and not ring.taken and ring.begins(ring.first)

    def _count_corrupt(self, segment: Segment, damaged: bool) -> None:
        self.corrupt += damaged and not segment.damaged
        segment.damaged = segment.damaged or damaged

    def _discard(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except OSError:
            return  # it holds nothing and is tried again at the next start
