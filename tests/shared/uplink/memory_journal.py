"""A journal in RAM with the same face as the one on flash; shared by unit and system tests."""

from __future__ import annotations

import asyncio
import struct

HEADER_FORMAT = "<BBIIH"  # version, 0, boot, first sequence, count
HEADER_BYTES = struct.calcsize(HEADER_FORMAT)
RECORD_FORMAT = "<II"  # boot, sequence: enough to recognise a record
RECORD_BYTES = 40


class MemoryJournal:
    def __init__(self) -> None:
        self.records = []  # (boot, sequence), oldest first
        self.cursor = (0, 0)
        self.appended = asyncio.Event()
        self.batch_boot = 0
        self.batch_last_seq = 0
        self.batch_length = 0
        self.released = []  # arguments of every `release`
        self.fail_reads = 0  # so many of the next reads fail

    def append(self, boot, first, count=1):
        for seq in range(first, first + count):
            self.records.append((boot, seq))
        self.appended.set()

    @property
    def backlog(self):
        return len([record for record in self.records if record > self.cursor])

    def read_batch(self, boot, seq, buf):
        if self.fail_reads:
            self.fail_reads -= 1
            raise OSError(5, "EIO")
        start = 0
        while start < len(self.records) and self.records[start] <= (boot, seq):
            start += 1
        most = (len(buf) - HEADER_BYTES) // RECORD_BYTES
        batch = []
        for record in self.records[start : start + most]:
            if record[0] != self.records[start][0]:
                break
            batch.append(record)
        if not batch:
            return 0
        struct.pack_into(HEADER_FORMAT, buf, 0, 1, 0, batch[0][0], batch[0][1], len(batch))
        offset = HEADER_BYTES
        for record in batch:
            struct.pack_into(RECORD_FORMAT, buf, offset, record[0], record[1])
            offset += RECORD_BYTES
        self.batch_boot, self.batch_last_seq = batch[-1]
        self.batch_length = offset
        return len(batch)

    def release(self, boot, last_seq):
        self.released.append((boot, last_seq))
        self.cursor = (boot, last_seq)


def parse_message(payload):
    """[(boot, sequence), ...] of a message; ValueError when it is not whole."""
    version, zero, boot, first, count = struct.unpack_from(HEADER_FORMAT, payload, 0)
    if (version, zero) != (1, 0) or len(payload) != HEADER_BYTES + count * RECORD_BYTES:
        raise ValueError("bad message")
    found = []
    for index in range(count):
        record = struct.unpack_from(RECORD_FORMAT, payload, HEADER_BYTES + index * RECORD_BYTES)
        if record != (boot, first + index):
            raise ValueError("record %r" % (record,))
        found.append(record)
    return found
