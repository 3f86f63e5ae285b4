"""What the observer makes of messages; the broker side of it is in tests/system."""

from __future__ import annotations

import struct

from gateway.telemetry import records as layout
from host_tools.decode.records import Record
from host_tools.run.observer import Delivered


def framed(seq: int, kind: int = layout.SAMPLE, value: int = 0) -> bytes:
    payload = struct.pack(layout.SAMPLE_PAYLOAD, 0, 1, 0, 255, 5, 1, value, *[0] * 17)
    if kind != layout.SAMPLE:
        payload = layout.encode_event(layout.BOOT, 255, 255, 0, value, 0, "")
    return layout.encode(kind, seq, 100 * seq, 1_800_000_000_000 + seq, 1, payload)


def message(first: int, *records: bytes, boot: int = 1) -> bytes:
    return struct.pack(layout.BATCH, 1, 0, boot, first, len(records)) + b"".join(records)


def test_records_are_kept_by_boot_and_number() -> None:
    delivered = Delivered()
    delivered.take(message(1, framed(1), framed(2)), 50)
    delivered.take(message(1, framed(1), boot=2), 60)
    assert set(delivered.records) == {(1, 1), (1, 2), (2, 1)}
    assert delivered.arrivals == [(50, 1_800_000_000_002), (60, 1_800_000_000_001)]
    assert delivered.duplicates == 0 and delivered.errors == []


def test_samples_that_come_again_are_duplicates_events_are_not_counted() -> None:
    delivered = Delivered()
    batch = message(1, framed(1, layout.EVENT), framed(2), framed(3))
    delivered.take(batch, 50)
    delivered.take(batch, 60)
    assert len(delivered.records) == 3
    assert delivered.duplicates == 2
    assert delivered.errors == []


def test_the_same_key_with_another_content_is_an_error() -> None:
    delivered = Delivered()
    delivered.take(message(1, framed(1, value=5)), 50)
    delivered.take(message(1, framed(1, value=6)), 60)
    assert delivered.errors == ["(1, 1) came twice with different content"]


def test_a_damaged_message_is_an_error_and_delivers_nothing() -> None:
    delivered = Delivered()
    bad = bytearray(message(1, framed(1)))
    bad[-1] ^= 1
    delivered.take(bytes(bad), 50)
    assert delivered.records == {} and delivered.arrivals == []
    assert delivered.errors == ["message 1: boot 1, records from 1: bad record after 0 of 1"]


def test_of_a_frame_of_cells_its_number_is_kept() -> None:
    cells = struct.pack(layout.CELLS_PAYLOAD, 0, 0, 2, 1, 5) + struct.pack("<2Hh", 3300, 3301, 231)
    delivered = Delivered()
    frame = layout.encode(layout.CELLS, 1, 100, 1_800_000_000_000, 1, cells)
    for now_ms in (50, 60):
        delivered.take(message(1, frame), now_ms)
    assert delivered.records == {(1, 1): Record(1, 1, 100, 1_800_000_000_000, 1)}
    assert delivered.duplicates == 0 and delivered.errors == []
