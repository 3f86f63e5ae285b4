"""The journal: every record in order, on flash until its delivery is acknowledged.

Records wait in a ring in RAM until a page of them is written. A record is *stored* once it is on
flash, *delivered* once `release` was called for it; its key is (boot, sequence). The uplink reads
through `read_batch`: recent records come from RAM, older ones from flash. A failing flash is
counted and tried again, and never raises out of here.
"""

from __future__ import annotations

import binascii
import struct

from gateway.clock import diff
from gateway.telemetry import records
from gateway.telemetry.segments import Segment, Segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Storage

_RING = 512  # records kept in RAM
_PAGE_BYTES = 4096
_CURSOR_FILE = "cursor"
_BOOT_FILE = "boot"
_CURSOR_RECORDS = 512  # acknowledged records between two writes of the cursor
_CURSOR_MS = 10000


class Journal:
    """Append, read after a key, release up to a key.

    `appended` is an event set on every append. `stored` is the last sequence number of this boot
    on flash; `backlog` counts records not yet released; `dropped` those lost to a full or dead
    flash.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        appended: Any,
        segment_bytes: int,
        capacity_bytes: int,
        flush_ms: int,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._segments = Segments(storage, segment_bytes)
        self._capacity_bytes = capacity_bytes
        self._flush_ms = flush_ms
        self._ring: list[bytes] = [b""] * _RING
        self._next = 1  # sequence number of the next record
        self._waiting_bytes = 0
        self._waiting_since = 0
        self._cursor_written = clock.ticks()
        self._unwritten_acks = 0
        self.appended = appended
        self.boot = 0
        self.stored = 0
        self.cursor = (0, 0)
        self.dropped = 0
        self.write_errors = 0
        self.batch_boot = 0
        self.batch_last_seq = 0
        self.batch_length = 0

    def open(self) -> None:
        """Find what earlier boots left and begin this one; a damaged flash starts empty."""
        try:
            self._segments.load()
        except OSError:
            self.write_errors += 1
        self.cursor = self._read_pair(_CURSOR_FILE)
        boots = [segment.boot for segment in self._segments.all]
        self.boot = max([self._read_pair(_BOOT_FILE)[0], self.cursor[0]] + boots) + 1
        self._write_pair(_BOOT_FILE, self.boot, 0)

    @property
    def corrupt(self) -> int:
        """Segments that could not be read to their end."""
        return self._segments.corrupt

    @property
    def backlog(self) -> int:
        """Records that no acknowledgement has released yet."""
        count = self._next - 1 - self.stored  # still in RAM only
        for segment in self._segments.all:
            first = segment.first
            if segment.boot < self.cursor[0]:
                continue
            if segment.boot == self.cursor[0]:
                first = max(first, self.cursor[1] + 1)
            count += max(0, segment.last - first + 1)
        if self.cursor[0] == self.boot and self.cursor[1] > self.stored:
            count -= self.cursor[1] - self.stored
        return count

    def append(self, kind: int, payload: bytes) -> int:
        """Take a record; returns its sequence number. It is on flash after at most `flush_ms`."""
        sequence = self._next
        clock = self._clock
        if sequence - self.stored > _RING:  # flash did not take them: the oldest is lost
            self.stored += 1
            self.dropped += 1
            self._waiting_bytes -= len(self._ring[self.stored % _RING])
        record = records.encode(
            kind, sequence, clock.uptime_ms(), clock.utc_ms(), clock.utc_quality, payload
        )
        self._ring[sequence % _RING] = record
        if self._waiting_bytes == 0:
            self._waiting_since = clock.ticks()
        self._waiting_bytes += len(record)
        self._next = sequence + 1
        self.appended.set()
        return sequence

    def step(self, now: int) -> None:
        """Write what is due: a full page, or records that waited long enough; then the cursor."""
        if self._waiting_bytes and (
            self._waiting_bytes >= _PAGE_BYTES or diff(now, self._waiting_since) >= self._flush_ms
        ):
            self.flush()
        overdue = self._unwritten_acks and diff(now, self._cursor_written) >= _CURSOR_MS
        if overdue or self._unwritten_acks >= _CURSOR_RECORDS:
            self.write_cursor()

    def flush(self) -> None:
        """Write every waiting record to flash now."""
        while self._waiting_bytes and self._write_page():
            pass

    def _write_page(self) -> bool:
        """Write the oldest waiting records, a page of them at most; False when that failed."""
        first = last = self.stored + 1
        page = bytearray(self._ring[first % _RING])
        while last + 1 < self._next and len(page) < _PAGE_BYTES:
            last += 1
            page.extend(self._ring[last % _RING])
        try:
            self._make_room(len(page))
            self._segments.append(self.boot, first, last, page)
        except OSError:
            self.write_errors += 1
            self._waiting_since = self._clock.ticks()
            self._abandon_segment()
            return False
        self.stored = last
        self._waiting_bytes -= len(page)
        return True

    def close(self) -> None:
        """Write records and cursor, close the files."""
        self.flush()
        self.write_cursor()
        self._abandon_segment()

    def read_batch(self, boot: int, seq: int, buf: memoryview) -> int:
        """Fill `buf` with one message of records that follow (boot, seq); returns their count.

        The message is the batch header and whole records of one boot without a hole;
        `batch_boot`, `batch_last_seq` and `batch_length` describe it.
        """
        start = records.BATCH_BYTES
        if boot == self.boot and self._in_ring(seq + 1):
            first, last, end = self._read_ring(seq + 1, buf, start)
            batch_boot = boot
        else:
            batch_boot, first, last, end = self._read_flash(boot, seq, buf, start)
        if last < first:
            return 0
        count = last - first + 1
        struct.pack_into(records.BATCH, buf, 0, records.VERSION, 0, batch_boot, first, count)
        self.batch_boot = batch_boot
        self.batch_last_seq = last
        self.batch_length = end
        return count

    def release(self, boot: int, last_seq: int) -> None:
        """Everything up to (boot, last_seq) was acknowledged; never moves backwards."""
        if (boot, last_seq) <= self.cursor:
            return
        known = self.cursor[1] if boot == self.cursor[0] else 0
        self._unwritten_acks += last_seq - known
        self.cursor = (boot, last_seq)

    def write_cursor(self) -> None:
        """Keep the cursor on flash, then delete the segments it has passed."""
        self._write_pair(_CURSOR_FILE, self.cursor[0], self.cursor[1])
        self._cursor_written = self._clock.ticks()
        self._unwritten_acks = 0
        try:
            while len(self._segments.all) > 1 and self._passed(self._segments.all[0]):
                if self._segments.drop_oldest() is None:
                    break
        except OSError:
            self.write_errors += 1

    def _passed(self, segment: Segment) -> bool:
        return (segment.boot, segment.last) <= self.cursor

    def _in_ring(self, sequence: int) -> bool:
        return self._next - _RING <= sequence and sequence >= 1

    def _read_ring(self, first: int, buffer: memoryview, start: int) -> tuple[int, int, int]:
        sequence, offset = first, start
        while sequence < self._next:
            record = self._ring[sequence % _RING]
            if offset + len(record) > len(buffer):
                break
            buffer[offset : offset + len(record)] = record
            offset += len(record)
            sequence += 1
        return first, sequence - 1, offset

    def _read_flash(
        self, boot: int, after: int, buffer: memoryview, start: int
    ) -> tuple[int, int, int, int]:
        try:
            found = self._segments.read(boot, after, buffer, start)
        except OSError:
            self.write_errors += 1
            return boot, 1, 0, start
        if found[2] < found[1] and boot < self.boot and self._in_ring(1):
            return (self.boot,) + self._read_ring(1, buffer, start)  # earlier boots are through
        return found

    def _make_room(self, size: int) -> None:
        """Drop the oldest segments above the capacity and leave a gap record for what was lost."""
        while self._segments.total_bytes() + size > self._capacity_bytes:
            segment = self._segments.drop_oldest()
            if segment is None:
                return
            first = segment.first
            if segment.boot == self.cursor[0]:
                first = max(first, self.cursor[1] + 1)
            if segment.boot < self.cursor[0] or segment.last < first:
                continue  # all of it was delivered
            self.dropped += segment.last - first + 1
            payload = struct.pack(records.GAP_PAYLOAD, segment.boot, first, segment.last)
            self.append(records.GAP, payload)

    def _abandon_segment(self) -> None:
        try:
            self._segments.close()
        except OSError:
            self.write_errors += 1

    def _read_pair(self, name: str) -> tuple[int, int]:
        try:
            with self._storage.open(name, "rb") as file:
                content = file.read()
        except OSError:
            return 0, 0
        if len(content) != 12 or struct.unpack("<I", content[8:])[0] != binascii.crc32(
            content[:8]
        ):
            return 0, 0
        return struct.unpack("<II", content[:8])

    def _write_pair(self, name: str, first: int, second: int) -> None:
        body = struct.pack("<II", first, second)
        try:
            with self._storage.open(name, "wb") as file:
                file.write(body + struct.pack("<I", binascii.crc32(body)))
        except OSError:
            self.write_errors += 1
