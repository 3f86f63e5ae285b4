"""One journal file as records, over what is damaged: those that the gateway itself finds in it."""

from __future__ import annotations

import struct

from gateway.telemetry import records as layout
from gateway.telemetry.segment_search import can_be
from host_tools.decode.records import DecodeError, Record, decode_one

_MARK = bytes([layout.MAGIC])


def decode_file(data: bytes, boot: int, lane: int, first: int) -> tuple[list[Record], bool]:
    """All good records of a file whose first one is number `first`; whether it has damage.

    Behind damage it goes on with the first good record that can stand there: one of this lane,
    before which the missing ones have room and fill it. A last record that is not all there, as a
    power cut leaves it, was never stored and is no damage.
    """
    found: list[Record] = []
    expected, begin = first, 0  # number and place of the next record
    at, damaged = 0, False
    while at >= 0:
        record, length = _record_at(data, at, boot)
        number = expected if record is None else record.seq
        searching = at > begin
        fits = can_be(number - expected, at - begin) if searching else number == expected
        if record is not None and record.lane == lane and fits:
            found.append(record)
            damaged = damaged or searching
            at += length
            expected, begin = number + 1, at
        else:
            at = data.find(_MARK, at + 1)
    return found, damaged or not _ends_torn(data[begin:], expected)


def _record_at(data: bytes, at: int, boot: int) -> tuple[Record | None, int]:
    try:
        record, length = decode_one(data, at, boot)
    except (DecodeError, struct.error):
        return None, 0
    return (record, length) if length <= layout.LARGEST_RECORD else (None, 0)


def _ends_torn(rest: bytes, seq: int) -> bool:
    """`rest` is nothing, or the beginning of record `seq`: pages end anywhere."""
    if len(rest) < layout.HEADER_BYTES:
        return not rest or rest[0] == layout.MAGIC
    magic, _, size, _, number, *_ = struct.unpack_from(layout.HEADER, rest)
    return bool(magic == layout.MAGIC and number == seq and layout.HEADER_BYTES + size > len(rest))
