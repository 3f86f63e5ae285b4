"""Where the next good record begins among bytes of which some are damaged."""

from __future__ import annotations

from gateway.telemetry import records

_MARK = bytes([records.MAGIC])


def length_of(buffer: bytes | memoryview, start: int) -> int:
    """Length of the record at `start`, header included, as its header tells."""
    return records.HEADER_BYTES + (buffer[start + 2] | buffer[start + 3] << 8)


def may_begin(buffer: bytes | memoryview, start: int, lane: int) -> bool:
    """The header at `start`, which is all there, is one of a record of that lane."""
    return (
        buffer[start] == records.MAGIC
        and buffer[start + records.LANE_AT] == lane
        and length_of(buffer, start) <= records.LARGEST_RECORD
    )


def can_be(count: int, length: int) -> bool:
    """So many whole records, good or not, can take `length` bytes."""
    return count * records.HEADER_BYTES <= length <= count * records.LARGEST_RECORD


def first_good(buffer: memoryview, start: int, end: int, lane: int) -> tuple[int, int]:
    """(place, length) of the first good record of that lane at `start` or behind.

    Length 0: one may begin at `place`, but there is not all of it before `end`. The byte 0xB5
    inside a payload begins no record: lane, length or checksum are wrong there.
    """
    length = records.check(buffer, start, end)
    if length and may_begin(buffer, start, lane):
        return start, length
    piece = bytes(buffer[start:end])
    at = piece.find(_MARK)
    while at >= 0:
        room = len(piece) - at
        if room < records.HEADER_BYTES:
            return start + at, 0
        if may_begin(piece, at, lane):
            length = length_of(piece, at)
            if length > room:
                return start + at, 0
            if records.check(piece, at, len(piece)):
                return start + at, length
        at = piece.find(_MARK, at + 1)
    return end, 0


def is_torn(rest: memoryview, unread: int, lane: int, number: int) -> bool:
    """The last `unread` bytes of a file begin record `number`; `rest` is the first of them.

    `rest` is less than a header only when there are fewer, or more than the largest record.
    """
    if not unread or not len(rest) or rest[0] != records.MAGIC:
        return False
    if min(unread, len(rest)) < records.HEADER_BYTES:
        return unread < records.HEADER_BYTES
    if records.sequence_of(rest, 0) != number or not may_begin(rest, 0, lane):
        return False
    return unread < length_of(rest, 0)
