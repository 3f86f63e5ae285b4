"""The newest records in RAM: waiting for flash, and at hand for the uplink afterwards."""

from __future__ import annotations

from gateway.telemetry import records
from gateway.telemetry.segment_reader import TOO_LARGE

RECORDS = 512
PAGE_BYTES = 4096


class Ring:
    """Records `oldest` .. `next` - 1 of this boot."""

    def __init__(self) -> None:
        self._records: list[bytes] = [b""] * RECORDS
        self.next = 1  # sequence number of the next record

    @property
    def oldest(self) -> int:
        """Sequence number of the oldest record that is still here."""
        return max(1, self.next - RECORDS)

    def put(self, record: bytes) -> None:
        """Take the next record; the oldest goes when the ring is full."""
        self._records[self.next % RECORDS] = record
        self.next += 1

    def read(self, first: int, buffer: memoryview) -> tuple[int, int]:
        """Copy records from `first` on behind a batch header; count (or TOO_LARGE), end offset."""
        sequence, offset = first, records.BATCH_BYTES
        while sequence < self.next:
            record = self._records[sequence % RECORDS]
            if offset + len(record) > len(buffer):
                break
            buffer[offset : offset + len(record)] = record
            offset += len(record)
            sequence += 1
        return sequence - first or TOO_LARGE, offset

    def page_end(self, first: int) -> tuple[int, bool]:
        """Last record of a page that begins with `first`, and whether the page is full.

        A page is PAGE_BYTES at most, or a single record.
        """
        last, size = first - 1, 0
        while last + 1 < self.next:
            size += len(self._records[(last + 1) % RECORDS])
            if size > PAGE_BYTES:
                return max(last, first), True
            last += 1
        return last, size == PAGE_BYTES

    def page(self, first: int, last: int) -> bytearray:
        """These records one behind the other."""
        page = bytearray()
        for sequence in range(first, last + 1):
            page.extend(self._records[sequence % RECORDS])
        return page
