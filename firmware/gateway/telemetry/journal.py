"""The journal: every record in order, on flash until its delivery is acknowledged.

Records wait in a ring in RAM until a page of them is written. A record is *stored* once it is on
flash, *delivered* once `release` was called for it; its key is (boot, sequence). The uplink reads
through `read_batch`: recent records come from RAM, older ones from flash. A failing flash is
counted and tried again after a pause, and never raises out of here; what it costs is named by gap
records. One call writes one page at most: the loop that calls has other things to do.
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.telemetry import boot_id, records
from gateway.telemetry.batch_reader import BatchReader
from gateway.telemetry.losses import Losses
from gateway.telemetry.pair_file import read_pair, write_pair
from gateway.telemetry.ring import PAGE_BYTES, RECORDS, Ring
from gateway.telemetry.segments import Segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Random, Storage

_CURSOR_FILE = "cursor"
_CURSOR_RECORDS = 512  # acknowledged records between two writes of the cursor
_CURSOR_MS = 10000
_SPARE_BYTES = 16384  # for the small files, on a flash smaller than said
_ENOSPC = 28  # MicroPython's errno module has no name for it
_PROBE = 4  # a segment is given up for every so many failures that do not say "full"


class Journal:
    """Append, read after a key, release up to a key.

    `appended` is an event set on every append. `stored` is the last sequence number of this boot
    that is on flash or was given up; `random` helps to find an unused boot id.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        appended: Any,
        segment_bytes: int,
        capacity_bytes: int,
        flush_ms: int,
        *,
        random: Random | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._random = random
        self._segments = Segments(storage, segment_bytes)
        self._losses = Losses()
        self._capacity_bytes = capacity_bytes
        self._least_bytes = 2 * segment_bytes
        self._flush_ms = flush_ms
        self._ring = Ring()
        self._batches = BatchReader(self._ring, self._segments, self._losses, clock)
        self._waiting_since = 0
        self._urgent = 0  # records up to this one are due
        self._failures = 0  # in a row
        self._failed_at: int | None = None  # ticks while the flash is left alone
        self._kept_cursor = (0, 0)  # on flash
        self._cursor_written = clock.ticks()
        self._unwritten_acks = 0
        self.appended = appended
        self.boot = 0
        self.stored = 0
        self.cursor = (0, 0)
        self.write_errors = 0
        self.batch_boot = 0
        self.batch_last_seq = 0
        self.batch_length = 0

    def open(self, is_new: bool) -> None:
        """Find what earlier boots left and begin this one; a damaged flash starts empty.

        `is_new`: the flash never held a file, so there is no earlier boot to take care of.
        """
        self.cursor = self._kept_cursor = read_pair(self._storage, _CURSOR_FILE)
        try:
            self._losses.delivered(self.cursor)
            self._segments.load(self._losses.recall)
        except OSError:
            self.write_errors += 1
        self._losses.compare(self._segments.all)
        known = max(self.cursor[0], self._segments.newest_boot)
        self.boot, kept = boot_id.begin(self._storage, self._clock, self._random, known, is_new)
        self._batches.current_boot = self.boot
        self.write_errors += not kept

    @property
    def corrupt(self) -> int:
        """Segments that could not be read to their end."""
        return self._segments.corrupt

    @property
    def dropped(self) -> int:
        """Records that will never be delivered, as far as known; not those of earlier reports."""
        return self._losses.count

    @property
    def backlog(self) -> int:
        """Records that no acknowledgement has released yet."""
        count = self._ring.next - 1 - self._secured()  # in RAM only
        return count + self._segments.count_after(self.cursor)

    def append(self, kind: int, payload: bytes) -> int:
        """Take a record; returns its sequence number. It is on flash after about `flush_ms`."""
        sequence = self._ring.next
        clock = self._clock
        if sequence - self.stored > RECORDS:  # flash did not take them: the oldest goes
            self.stored += 1
            self._losses.add(self.boot, self.stored, self.stored)
        record = records.encode(
            kind, sequence, clock.uptime_ms(), clock.utc_ms(), clock.utc_quality, payload
        )
        self._ring.put(record)
        if sequence == self.stored + 1:
            self._waiting_since = clock.ticks()
        self.appended.set()
        return sequence

    def step(self, now: int) -> None:
        """Do what is due: write a page, write the cursor, delete a segment; one each at most."""
        self._report_losses()
        if self._pausing(now):
            return
        if self._page_due(now) and not self._write_page():
            return
        overdue = self._unwritten_acks and diff(now, self._cursor_written) >= _CURSOR_MS
        if overdue or self._unwritten_acks >= _CURSOR_RECORDS:
            self.write_cursor()
        else:
            self._drop_passed()

    def flush(self) -> None:
        """Write a page of waiting records now; the rest of them follows in the next steps."""
        self._urgent = self._ring.next - 1
        if self.stored < self._urgent and not self._pausing(self._clock.ticks()):
            self._write_page()

    def close(self) -> None:
        """Write all records and the cursor, close the files."""
        self._report_losses()
        while self.stored < self._ring.next - 1 and self._write_page():
            pass
        self.write_cursor()
        while self._drop_passed():
            pass
        self._segments.close()

    def read_batch(self, boot: int, seq: int, buf: memoryview) -> int:
        """Fill `buf` with one message of records that follow (boot, seq); returns their count.

        The message is the batch header and whole records of one boot without a hole;
        `batch_boot`, `batch_last_seq` and `batch_length` describe it. What cannot be read, or
        is larger than `buf`, is lost and passed over.
        """
        batches = self._batches
        count = batches.read(boot, seq, buf)
        if count:
            self.batch_boot = batches.boot
            self.batch_last_seq = batches.last_seq
            self.batch_length = batches.length
        return count

    def release(self, boot: int, last_seq: int) -> None:
        """Everything up to (boot, last_seq) was acknowledged; never moves backwards."""
        if (boot, last_seq) <= self.cursor:
            return
        known = self.cursor[1] if boot == self.cursor[0] else 0
        self._unwritten_acks += last_seq - known
        self.cursor = (boot, last_seq)
        self._losses.delivered(self.cursor)

    def write_cursor(self) -> None:
        """Keep the cursor on flash; a failure is tried again later."""
        self._cursor_written = self._clock.ticks()
        if write_pair(self._storage, _CURSOR_FILE, self.cursor[0], self.cursor[1]):
            self._kept_cursor = self.cursor
            self._unwritten_acks = 0
        else:
            self.write_errors += 1
            self._unwritten_acks = min(1, self._unwritten_acks)

    def _secured(self) -> int:
        """Last record of this boot that needs no place in RAM any more."""
        return max(self.stored, self.cursor[1] if self.cursor[0] == self.boot else 0)

    # -- writing --

    def _page_due(self, now: int) -> bool:
        if self.stored >= self._ring.next - 1:
            return False
        if self.stored < self._urgent or diff(now, self._waiting_since) >= self._flush_ms:
            return True
        return self._ring.page_end(self.stored + 1)[1]

    def _write_page(self) -> bool:
        """Make room, then write the oldest waiting records; False when the flash failed.

        Deletes one segment at most: when that is not room enough, only the next call writes.
        """
        try:
            if not self._has_room():
                self._drop_oldest()
            self._report_losses()
            if not self._has_room() and self._segments.oldest() is not None:
                return True
            first = self.stored + 1
            last = self._ring.page_end(first)[0]
            self._segments.append(self.boot, first, last, self._ring.page(first, last))
        except OSError as error:
            self._failed()
            self._segments.close()
            self._make_room_after(error)
            return False
        self.stored = last
        self._waiting_since = self._clock.ticks()
        self._failures = 0
        return True

    def _has_room(self) -> bool:
        return self._segments.total_bytes() + PAGE_BYTES <= self._capacity_bytes

    def _make_room_after(self, error: OSError) -> None:
        """Take a failed write for a full flash: the newest data win.

        Where the error does not say so it is only seldom one, and old data go more slowly.
        """
        full = error.args[:1] == (_ENOSPC,)
        if not full and self._failures % _PROBE != 2:
            return
        if full:  # the volume is smaller than `capacity_bytes`
            size = self._segments.total_bytes() - _SPARE_BYTES
            self._capacity_bytes = min(self._capacity_bytes, max(size, self._least_bytes))
        try:
            self._drop_oldest()
        except OSError:
            self.write_errors += 1

    def _failed(self) -> None:
        self.write_errors += 1
        self._failures += 1
        self._failed_at = self._clock.ticks()

    def _pausing(self, now: int) -> bool:
        """True while a flash that failed is left alone."""
        if self._failed_at is not None and diff(now, self._failed_at) >= self._flush_ms:
            self._failed_at = None
        return self._failed_at is not None

    # -- deleting and losing --

    def _drop_passed(self) -> bool:
        """Delete the oldest segment once the cursor on flash has passed it; True when it did."""
        oldest = self._segments.oldest()
        if oldest is None or (oldest.boot, oldest.end) > self._kept_cursor:
            return False
        try:
            self._segments.drop_oldest()
        except OSError:
            self._failed()
            return False
        return True

    def _drop_oldest(self) -> None:
        """Delete the oldest segment, delivered or not. Raises OSError."""
        oldest = self._segments.oldest()
        if oldest is None:
            return
        if self._kept_cursor < (oldest.boot, oldest.last) <= self.cursor:
            self.write_cursor()  # else the next start takes it for lost
        self._segments.drop_oldest()
        self._losses.add(oldest.boot, oldest.first, oldest.last)

    def _report_losses(self) -> None:
        """Append gap records for all losses, when the ring is not itself about to overflow."""
        losses = self._losses
        if losses.unreported and self._ring.next - 1 - self._secured() <= RECORDS // 2:
            for payload in losses.payloads():
                self.append(records.GAP, payload)
            losses.reported(self.boot, self._ring.next - 1)
