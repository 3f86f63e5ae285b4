"""A lane in RAM with the same face as the journal's sources; shared by unit and system tests."""

from __future__ import annotations

import struct

from gateway.telemetry.records import EVENTS

HEADER_FORMAT = "<BBIIH"  # version, lane, boot, first sequence, count
HEADER_BYTES = struct.calcsize(HEADER_FORMAT)
RECORD_FORMAT = "<II"  # boot, sequence: enough to recognise a record
RECORD_BYTES = 40


class MemorySource:
    """`slow`: so many calls of `next` give 0 and `busy` before each message."""

    def __init__(self, appended, lane=EVENTS, topic="log", slow=0, record_bytes=RECORD_BYTES):
        self._appended = appended
        self.lane = lane
        self.topic = topic
        self.slow = slow
        self._record_bytes = record_bytes
        self.records = []  # (boot, sequence), oldest first
        self.cursor = (0, 0)
        self._sent = (0, 0)
        self._position = 0  # in `records`, behind `_sent`
        self._kept = 0  # records behind the cursor
        self._calls = 0
        self._buffer = None
        self.mark = None
        self.busy = False
        self.appended_bytes = 0
        self.released = []  # arguments of every `release`
        self.fail_reads = 0  # so many of the next reads fail
        self.paused = False  # the flash is left alone for a while

    def append(self, boot, first, count=1):
        for seq in range(first, first + count):
            self.records.append((boot, seq))
        self.appended_bytes += count * self._record_bytes
        self._appended.set()

    @property
    def backlog(self):
        return len(self.records) - self._kept

    def restart(self):
        self._sent = self.cursor
        self._position = self._kept
        self.busy = False
        self._calls = 0

    def next(self, buffer):
        if self.fail_reads:
            self.fail_reads -= 1
            raise OSError(5, "EIO")
        if self.paused or self._position >= len(self.records):
            return 0
        if self._calls < self.slow:
            if self._calls == 0:
                self._buffer = buffer
                buffer[0] = 99
            self._calls += 1
            self.busy = True
            return 0
        if self.slow and (buffer is not self._buffer or buffer[0] != 99):
            raise AssertionError("the half-built message was touched")
        self._calls = 0
        self.busy = False
        return self._build(buffer)

    def _build(self, buffer):
        first = self.records[self._position]
        most = (len(buffer) - HEADER_BYTES) // self._record_bytes
        count = 0
        offset = HEADER_BYTES
        while count < most and self._position < len(self.records):
            record = self.records[self._position]
            if record[0] != first[0]:
                break
            struct.pack_into(RECORD_FORMAT, buffer, offset, record[0], record[1])
            offset += self._record_bytes
            count += 1
            self._position += 1
        struct.pack_into(HEADER_FORMAT, buffer, 0, 1, self.lane, first[0], first[1], count)
        self.mark = self.records[self._position - 1]
        return offset

    def release(self, mark):
        self.released.append(mark)
        while self._kept < len(self.records) and self.records[self._kept] <= mark:
            self._kept += 1
        self.cursor = mark


def parse_message(payload, record_bytes=RECORD_BYTES):
    """[(boot, sequence), ...] of a message; ValueError when it is not whole."""
    version, lane, boot, first, count = struct.unpack_from(HEADER_FORMAT, payload, 0)
    if version != 1 or lane > 2 or len(payload) != HEADER_BYTES + count * record_bytes:
        raise ValueError("bad message")
    found = []
    for index in range(count):
        record = struct.unpack_from(RECORD_FORMAT, payload, HEADER_BYTES + index * record_bytes)
        if record != (boot, first + index):
            raise ValueError("record %r" % (record,))
        found.append(record)
    return found
