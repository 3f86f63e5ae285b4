"""What the observer makes of messages; the broker side of it is in tests/system."""

from __future__ import annotations

import json
import struct
import zlib
from array import array

from gateway.telemetry import records as layout
from gateway.telemetry.sections import SetEncoder
from host_tools.run.delivered import Delivered

UTC_MS = 1_800_000_000_000


def framed(seq: int, value: int = 0) -> bytes:
    payload = layout.encode_event(layout.BOOT, 255, 255, 0, value, 0, "")
    return layout.encode(layout.EVENT, seq, 100 * seq, UTC_MS + seq, 1, payload)


def message(first: int, *records: bytes, boot: int = 1) -> bytes:
    return struct.pack(layout.BATCH, 1, 0, boot, first, len(records)) + b"".join(records)


def summary(rack: int, number: int) -> array[int]:
    values = array("i", [0] * len(layout.SAMPLE_FIELDS))
    values[layout.SAMPLE_FIELDS.index("rack")] = rack
    values[layout.SAMPLE_FIELDS.index("quality")] = 1
    values[layout.SAMPLE_FIELDS.index("summary_number")] = number
    return values


def block(rack: int, first: int, last: int, frames: int = 2) -> bytes:
    encoder = SetEncoder(1, 4, 2)
    parts = [struct.pack(layout.BLOCK, 1, layout.FINE, rack, 0, frames, 7, first, last)]
    buffer = bytearray(encoder.largest)
    for number in range(frames):
        end = encoder.encode(
            0,
            summary(rack, 10 + number),
            array("H", [3300, 3301, 3302, 3303 + number]),
            None,
            0,
            number == 0,
            buffer,
            0,
        )
        buffer[0] = rack
        parts.append(struct.pack(layout.BLOCK_TIME, 1000 * number, UTC_MS & 0xFFFFFFFF, 419, 1))
        parts.append(bytes(buffer[:end]))
    body = b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body))


def test_records_are_kept_by_boot_lane_and_number() -> None:
    delivered = Delivered(2)
    delivered.take_log(message(1, framed(1), framed(2)), 50)
    delivered.take_log(message(1, framed(1), boot=2), 60)
    assert delivered.keys() == {(1, 0, 1), (1, 0, 2), (2, 0, 1)}
    assert delivered.arrivals == [(50, UTC_MS + 2), (60, UTC_MS + 1)]
    assert delivered.duplicates == 0 and delivered.errors == []


def test_what_comes_again_is_a_duplicate() -> None:
    delivered = Delivered(2)
    batch = message(1, framed(1), framed(2))
    for _ in range(2):
        delivered.take_log(batch, 50)
        delivered.take_block(block(0, 1, 3))
    assert len(delivered.records) == 2 and len(delivered.samples) == 2
    assert delivered.duplicates == 3
    assert delivered.errors == []


def test_the_same_key_with_another_content_is_an_error() -> None:
    delivered = Delivered(2)
    delivered.take_log(message(1, framed(1, value=5)), 50)
    delivered.take_log(message(1, framed(1, value=6)), 60)
    assert delivered.errors == ["(1, 0, 1) came twice with different content"]


def test_a_damaged_message_is_an_error_and_delivers_nothing() -> None:
    delivered = Delivered(2)
    bad = bytearray(message(1, framed(1)))
    bad[-1] ^= 1
    delivered.take_log(bytes(bad), 50)
    delivered.take_block(block(0, 1, 3)[:-1])
    assert delivered.keys() == set() and delivered.arrivals == [] and delivered.samples == []
    assert delivered.errors == [
        "message 1: boot 1, lane 0, records from 1: bad record after 0 of 1",
        "message 2: block: checksum",
    ]


def test_records_of_a_chunk_have_arrived_when_the_last_rack_has() -> None:
    delivered = Delivered(2)
    delivered.take_block(block(1, 5, 7))
    assert delivered.keys() == set()
    delivered.take_block(block(0, 5, 7))
    assert delivered.keys() == {(7, layout.FINE, number) for number in (5, 6, 7)}
    assert [sample.summary_number for sample in delivered.samples] == [10, 11, 10, 11]
    assert {sample.rack for sample in delivered.samples} == {0, 1}


def test_live_summaries_become_samples() -> None:
    delivered = Delivered(2)
    told = dict.fromkeys(layout.SAMPLE_FIELDS, 5) | {"temp_min_dc": None, "soc_pm": None}
    told |= {"boot": 3, "uptime_ms": 1234, "utc_ms": UTC_MS, "clock": 1}
    delivered.take_live(json.dumps(told).encode(), 70)
    assert delivered.arrivals == [(70, UTC_MS)]
    (sample,) = delivered.samples
    assert (sample.boot, sample.uptime_ms, sample.rack, sample.cell_max_mv) == (3, 1234, 5, 5)
    assert (sample.temp_min_dc, sample.soc_pm) == (layout.NO_SIGNED, layout.NO_UNSIGNED)
    delivered.take_live(b'{"boot":3}', 80)
    assert len(delivered.samples) == 1 and "is not understood" in delivered.errors[0]
