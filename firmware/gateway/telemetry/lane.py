"""A lane of the journal: its records in order, on flash until their delivery is acknowledged.

Records wait in a ring in RAM until a page of them is full. A record is *stored* once it is on
flash, *delivered* once every consumer's cursor has passed it; its key is (boot, lane, sequence).
A failing flash is counted and tried again after a pause, and never raises out of here; what it
costs is named by gap records. A step asks one thing of the flash at most, for everything stands
still meanwhile: a page, a cursor, or a file that goes.

A lane of samples goes in chunks: records that refer to each other, with consecutive numbers and
in one file as far as the flash lets it.
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.telemetry import records
from gateway.telemetry.byte_ring import ByteRing
from gateway.telemetry.cursor import Cursor
from gateway.telemetry.losses import Losses
from gateway.telemetry.retention import LOST, NOTHING, NOTHING_LOST
from gateway.telemetry.segment import LETTERS
from gateway.telemetry.segment_files import SegmentFiles
from gateway.telemetry.segment_plan import SegmentPlan
from gateway.telemetry.setbacks import Setbacks, is_full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Storage
    from gateway.telemetry.retention import Retention
    from gateway.telemetry.segment import Segment

_SMALL_RECORD = 64  # bytes; the ring has a slot for each so many of its own
PAGE_BYTES = 4096
LARGEST_RECORD = records.LARGEST_RECORD


class Lane:
    """Append, read through a source, release up to a key.

    `appended` is an event set on every append. `stored` is the last sequence number of this boot
    that is on flash or was given up. `open_chunk` is the first number of the chunk being written,
    0 when there is none.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        appended: Any,
        number: int,
        retention: Retention,
        *,
        segment_bytes: int,
        flush_ms: int,
        ring_bytes: int,
        consumers: tuple[str, ...] = ("uplink",),
    ) -> None:
        self._clock = clock
        self._retention = retention
        self._flush_ms = flush_ms
        self._plan = SegmentPlan(segment_bytes)
        self._setbacks = Setbacks(flush_ms)
        self._waiting_since = 0
        self._urgent = 0  # records up to this one are due
        self._make_room = False  # a write failed for want of room
        self._page_failed = False  # what is delivered goes before another one is tried
        self.number = number
        self.appended = appended
        self.ring = ByteRing(ring_bytes, ring_bytes // _SMALL_RECORD)
        self.files = SegmentFiles(storage, number, segment_bytes)
        self.losses = Losses()
        self.cursors = {
            name: Cursor(storage, clock, "cursor-%s-%s" % (name, LETTERS[number]))
            for name in consumers
        }
        self.holds_cursors = False  # they stay as they are on flash: it has files not known here
        self.boot = 0
        self.open_chunk = 0
        self.appended_bytes = 0  # since the start

    def load(self, files: list[tuple[str, int]], buffer: memoryview) -> int:
        """Find what earlier boots left among `files`; the largest boot id that is there.

        As SegmentFiles.load.
        `buffer` has room for two of the largest records. A damaged flash starts empty.
        """
        for cursor in self.cursors.values():
            cursor.load()
        self.losses.delivered(self.delivered)
        self.files.load(files, buffer)
        return max(self.delivered[0], self.files.newest_boot)

    @property
    def stored(self) -> int:
        """Last record of this boot that is on flash or was given up."""
        return self.ring.first - 1

    @property
    def delivered(self) -> tuple[int, int]:
        """(boot, sequence) of the last record that every consumer has acknowledged."""
        return min([cursor.key for cursor in self.cursors.values()])

    @property
    def corrupt(self) -> int:
        """Segments in which damage was found, or that could not be read."""
        return self.files.corrupt

    @property
    def write_errors(self) -> int:
        """Failures of the flash."""
        return self._setbacks.total + self.files.read_errors

    @property
    def dropped(self) -> int:
        """Records that will never be delivered, as far as known; not those of earlier reports."""
        return self.losses.count

    @property
    def backlog(self) -> int:
        """Records that not every consumer has released yet."""
        return self.count_after(self.delivered)

    def count_after(self, key: tuple[int, int]) -> int:
        """Records behind `key`, in RAM and on flash."""
        return self._in_ram_only(key) + self.files.count_after(key)

    def _in_ram_only(self, key: tuple[int, int]) -> int:
        """Records behind `key` that are not on flash."""
        return self.ring.next - 1 - max(self.stored, key[1] if key[0] == self.boot else 0)

    # -- taking records --

    def append(self, kind: int, payload: bytes | bytearray | memoryview) -> int:
        """Take a record; returns its sequence number. It is on flash after about `flush_ms`.

        One of more than LARGEST_RECORD bytes is lost. The payload is copied.
        """
        ring, clock = self.ring, self._clock
        sequence = ring.next
        if records.HEADER_BYTES + len(payload) > LARGEST_RECORD:
            self.losses.add(self.boot, sequence, sequence)
            kind, payload = records.GAP, self.losses.payloads()[-1]  # the number must be used
        record = records.encode(
            kind,
            sequence,
            clock.uptime_ms(),
            clock.utc_ms(),
            clock.utc_quality,
            bytes(payload),
            self.number,
        )
        while not ring.fits(len(record)):  # flash did not take them: the oldest goes
            self._give_up_oldest()
        if not ring.waiting:
            self._waiting_since = clock.ticks()
        begins = self._plan.add(len(record), self.open_chunk > 0, sequence == self.open_chunk)
        ring.put(record, begins)
        self.appended_bytes += len(record)
        self.appended.set()
        return sequence

    def begin_chunk(self) -> int:
        """The record appended next begins a chunk; returns its sequence number."""
        self.open_chunk = 0
        self._report_losses()
        self._plan.begin_chunk()
        self.open_chunk = self.ring.next
        return self.open_chunk

    def chunk_full(self, expected_bytes: int) -> bool:
        """A chunk has to begin before so many bytes more; at least one instant is in each."""
        if not self.open_chunk:
            return True
        if self.ring.next == self.open_chunk:
            return False
        if self._setbacks.in_a_row and 2 * self.ring.waiting > self.ring.size:
            return True  # only what is whole in RAM can still be sent
        return not self._plan.has_room(expected_bytes)

    def end_chunk(self) -> None:
        """The open chunk is complete: it may go upstream."""
        self.open_chunk = 0
        self.appended.set()

    # -- writing --

    def step(self, now: int) -> bool:
        """Do what is due: write a page or a cursor, or delete a segment; True when it did one."""
        if not self.open_chunk:
            self._report_losses()
        if self._page_failed:
            if self._keep_up(now):
                return True
            self._page_failed = False
        if self._make_room:
            self._drop_for_room()
            return True
        if self._setbacks.pausing(now):
            return False
        if self._page_due(now):
            self._write_page()
            return True
        return self._keep_up(now)

    def _keep_up(self, now: int) -> bool:
        """Write a cursor that is due, or delete what all have passed; True when it tried."""
        for cursor in self.cursors.values():
            if cursor.due(now) and self._may_pass():
                self._write_cursor(cursor)
                return True
        if not self._passed():
            return False
        if not self._drop_passed():
            self._page_failed = False  # a page may work where this does not
        return True

    def hurry(self) -> None:
        """What waits now is due: the next step writes it, or as many steps as it has pages."""
        self._urgent = self.ring.next - 1

    def flush(self) -> None:
        """Write all that waits, page by page: for an end that may come at once."""
        self.hurry()
        while self.ring.waiting and not self._setbacks.pausing(self._clock.ticks()):
            if not self._write_page():
                return

    def write_all(self) -> bool:
        """Write all records and report all losses; False when the flash failed."""
        self.end_chunk()
        self._report_losses()
        while self.ring.waiting:
            if not self._write_page():
                return False
        return True

    def close(self) -> None:
        """Behind `write_all`: write the cursors, delete what they passed, close the files."""
        self.write_cursors()
        while self._passed() and self._drop_passed():
            pass
        self.files.close()
        self.files.close_readers()

    def release(self, cursor: Cursor, boot: int, sequence: int) -> None:
        """The consumer of `cursor` has everything up to there; never moves backwards."""
        if cursor.advance(boot, sequence):
            self.losses.delivered(self.delivered)

    def write_cursors(self) -> None:
        """Keep the cursors on flash, where they may be; a failure is tried again later."""
        for cursor in self.cursors.values():
            self._write_cursor(cursor)

    def drop_oldest(self) -> int:
        """Delete the oldest segment, delivered or not; NOTHING without one. Raises OSError.

        When the cursor that has passed it is not on flash, only that is written: else the next
        start takes the segment for lost. The next call deletes it then. A cursor that may not be
        written does not hold it up: the next start tells too much rather than too little.
        """
        oldest = self.files.oldest()
        if oldest is None:
            return NOTHING
        is_delivered = (oldest.boot, oldest.end) <= self.delivered
        for cursor in self.cursors.values():
            passed = cursor.kept < (oldest.boot, oldest.last) <= cursor.key
            if passed and self._write_cursor(cursor):
                return NOTHING_LOST
        self.files.drop_oldest()
        self._lose(oldest, oldest.end)
        return NOTHING_LOST if is_delivered else LOST

    def give_up(self, segment: Segment) -> None:
        """Set a file aside that cannot be read; what is not in RAM of it is lost."""
        last = segment.end
        if segment.boot == self.boot:
            last = min(last, self.ring.oldest - 1)
            if segment is self.files.writer.segment:
                self._abandon_segment()
        self.files.set_aside(segment)
        self._lose(segment, last)

    def _lose(self, segment: Segment, last: int) -> None:
        """A file is gone, and reports of losses that earlier boots wrote into it."""
        self.losses.add(segment.boot, segment.first, last)
        if segment.boot != self.boot:
            self.losses.add_reports(segment.boot, last)

    def _give_up_oldest(self) -> None:
        ring = self.ring
        if ring.oldest == ring.first:
            self.files.close()  # a file has no holes, and no record in pieces
            self.losses.add(self.boot, ring.oldest, ring.oldest)
        ring.drop()

    def _page_due(self, now: int) -> bool:
        ring = self.ring
        if not ring.waiting:
            return False
        return self._hurry(now) or self.files.page_full(ring)

    def _hurry(self, now: int) -> bool:
        """Something that waits must not wait for a whole page."""
        urgent = self.stored < self._urgent
        return urgent or diff(now, self._waiting_since) >= self._flush_ms

    def _write_page(self) -> bool:
        """Write the oldest waiting bytes, or make room for them; False when the flash failed."""
        try:
            if not self._retention.has_room() and self._retention.drop_one():
                if not self.open_chunk:
                    self._report_losses()
                return True
            self.files.write_page(self.boot, self.ring, self._hurry(self._clock.ticks()))
        except OSError as error:
            self._setbacks.count(self._clock.ticks())
            self._abandon_segment()
            self._page_failed = True
            self._make_room_after(error)
            return False
        self._waiting_since = self._clock.ticks()
        self._setbacks.in_a_row = 0
        self._retention.wrote()
        return True

    def _abandon_segment(self) -> None:
        """What a failed write left in the file is unknown: go on in another one."""
        self.files.close()
        self.ring.give_back()
        self._plan.abandon(self.ring.waiting)

    def _make_room_after(self, error: OSError) -> None:
        """The next step gives up a segment for a write that failed, when that may help."""
        if not self._setbacks.may_be_full(error):
            return
        if is_full(error):
            self._retention.shrink()
        self._make_room = True

    def _drop_for_room(self) -> None:
        self._make_room = False
        try:
            self._retention.drop_one()
        except OSError:
            self._setbacks.total += 1

    def _may_pass(self) -> bool:
        """A cursor on flash passes no loss that would then never be told, and no unknown file."""
        return not self.holds_cursors and self.losses.are_told(self.boot, self.stored)

    def _write_cursor(self, cursor: Cursor) -> bool:
        """Keep it on flash; False when that failed, or may not be."""
        if not self._may_pass():
            return False
        written = cursor.write()
        self._setbacks.total += not written
        return written

    # -- deleting and losing --

    def _passed(self) -> bool:
        """All cursors on flash have passed the oldest segment."""
        oldest = self.files.oldest()
        if oldest is None:
            return False
        return (oldest.boot, oldest.end) <= min([cursor.kept for cursor in self.cursors.values()])

    def _drop_passed(self) -> bool:
        """Delete the oldest segment; False when that failed."""
        try:
            self.files.drop_oldest()
        except OSError:
            self._setbacks.count(self._clock.ticks())
            return False
        return True

    def _report_losses(self) -> None:
        """Append gap records for all losses, when the ring is not itself about to overflow."""
        losses, ring = self.losses, self.ring
        if not losses.unreported:
            return
        held = ring.next - ring.oldest
        if 2 * ring.waiting <= ring.size or 2 * self._in_ram_only(self.delivered) <= held:
            for payload in losses.payloads():
                self.append(records.GAP, payload)
            losses.reported(self.boot, ring.next - 1)
