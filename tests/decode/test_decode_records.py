"""Records and messages as the firmware writes them, and what becomes of damaged ones."""

from __future__ import annotations

import struct

import pytest

from gateway.telemetry import records as layout
from host_tools.decode.lines import line
from host_tools.decode.records import (
    ClockRecord,
    DecodeError,
    Event,
    Gap,
    NewerVersionError,
    Packed,
    Unknown,
    decode_message,
    decode_stream,
)

UTC_MS = 1_800_000_000_123  # needs more than 32 bits
TRIP = layout.encode_event(layout.TRIP, 4, 0, 3, 3700, 3650, "zu hoch: 3,7 V ä")


def record(kind: int, seq: int, payload: bytes, lane: int = layout.EVENTS) -> bytes:
    return layout.encode(kind, seq, 1000 + seq, UTC_MS, 2, payload, lane)


def message(
    first: int, *framed: bytes, boot: int = 7, count: int | None = None, lane: int = layout.EVENTS
) -> bytes:
    number = len(framed) if count is None else count
    return struct.pack(layout.BATCH, layout.VERSION, lane, boot, first, number) + b"".join(framed)


def test_events_gaps_and_kinds_of_the_future() -> None:
    found = decode_message(
        message(
            1,
            record(layout.EVENT, 1, TRIP),
            record(1, 2, bytes(46)),  # not used by any gateway
            record(layout.GAP, 3, struct.pack(layout.GAP_PAYLOAD, 6, 10, 20)),
            record(99, 4, b"xyz"),
        )
    )
    head = (UTC_MS, 2)
    assert found == [
        Event(7, 1, 1001, *head, layout.TRIP, 4, 0, 3, 3700, 3650, "zu hoch: 3,7 V ä"),
        Unknown(7, 2, 1002, *head, 1, bytes(46)),
        Gap(7, 3, 1003, *head, 6, 10, 20),
        Unknown(7, 4, 1004, *head, 99, b"xyz"),
    ]
    assert isinstance(found[0], Event) and found[0].name == "trip"
    assert found[0].key == (7, layout.EVENTS, 1)


def test_a_record_keeps_its_checksum() -> None:
    (found,) = decode_message(message(1, record(layout.EVENT, 1, TRIP)))
    assert found.checksum == int.from_bytes(record(layout.EVENT, 1, TRIP)[4:8], "little")


def test_a_whole_message_of_a_newer_format_is_told_from_junk() -> None:
    newer = struct.pack("<BBIIHIQ", 2, 0, 7, 1, 1, 0, 0) + record(layout.EVENT, 1, TRIP)
    with pytest.raises(NewerVersionError, match="version 2, known is 1"):
        decode_message(newer)
    for junk in (newer[:-1], b"\x02" + bytes(200), newer[:24]):
        with pytest.raises(DecodeError, match="version 2") as raised:
            decode_message(junk)
        assert not isinstance(raised.value, NewerVersionError)


def test_lanes_clock_records_and_what_is_read_with_others() -> None:
    clock = struct.pack(layout.CLOCK_PAYLOAD, 5000, UTC_MS & 0xFFFFFFFF, UTC_MS >> 32, 2, 0)
    gap = struct.pack(layout.GAP_PAYLOAD, 6, 10, 20)
    found = decode_message(
        message(
            3,
            record(layout.CLOCK, 3, clock, layout.MINUTE),
            record(layout.SET, 4, b"set", layout.MINUTE),
            record(layout.BLACK_BOX, 5, b"box", layout.MINUTE),
            record(layout.GAP, 6, gap, layout.MINUTE),
            lane=layout.MINUTE,
        )
    )
    head = (UTC_MS, 2)
    assert found == [
        ClockRecord(7, 3, 1003, *head, 5000, UTC_MS, 2, lane=layout.MINUTE),
        Packed(7, 4, 1004, *head, layout.SET, b"set", lane=layout.MINUTE),
        Packed(7, 5, 1005, *head, layout.BLACK_BOX, b"box", lane=layout.MINUTE),
        Gap(7, 6, 1006, *head, 6, 10, 20, lane=layout.MINUTE),
    ]
    assert [entry.key for entry in found] == [(7, layout.MINUTE, seq) for seq in range(3, 7)]


@pytest.mark.parametrize(
    ("code", "rack", "text", "words"),
    [
        (layout.ESCALATION, 0, "it did not open", "rack01 escalation: it did not open"),
        (layout.OPENING_PROVEN, 1, "", "rack02 opening proven"),
        (layout.SITE_OUTPUT, 255, "site relay energised", "site output: site relay energised"),
        (layout.PROOF_TEST, 2, "relay: passed", "rack03 proof test: relay: passed"),
        (layout.PROOF_DUE, 255, "rack rack01", "proof tests due: rack rack01"),
        (layout.BMS_THRESHOLD, 11, "a is 1, looser than 2", "rack12 bms threshold: a is 1, loo"),
        (layout.CONFIG, 255, "config.json is no longer", "configuration: config.json is no"),
        (layout.CONFIG_IN_FORCE, 1, "north", "rack02 configuration in force: north"),
        (layout.STALL, 255, "the protecting loop stood", "site   stall: the protecting loop"),
    ],
)
def test_events_of_every_code_are_named_in_lines(code, rack, text, words) -> None:
    payload = layout.encode_event(code, rack, 255, 0, 1, 2, text)
    (found,) = decode_message(message(1, record(layout.EVENT, 1, payload)))
    assert words in line(found)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (10, "boot 6, records 10..20 dropped"),
        (0, "whatever has not come up to record 20 of boot 6 is lost"),
    ],
)
def test_a_gap_says_what_is_lost_as_far_as_it_knows(first: int, words: str) -> None:
    gap = struct.pack(layout.GAP_PAYLOAD, 6, first, 20)
    (found,) = decode_message(message(1, record(layout.GAP, 1, gap)))
    assert words in line(found)


def test_every_code_of_the_firmware_has_a_name_of_its_own() -> None:
    for code, name in ((layout.TRIP, "trip"), (layout.CLOCK_SET, "clock set")):
        assert layout.EVENT_NAMES[code] == name
    assert len(set(layout.EVENT_NAMES)) == len(layout.EVENT_NAMES)


def test_any_changed_byte_is_noticed() -> None:
    good = message(1, record(layout.EVENT, 1, TRIP), record(layout.GAP, 2, bytes(12)))
    decode_message(good)
    boot = range(2, 6)  # the only bytes that nothing protects
    for position in range(len(good)):
        if position in boot:
            continue
        bad = bytearray(good)
        bad[position] ^= 0x10
        with pytest.raises(DecodeError):
            decode_message(bytes(bad))


@pytest.mark.parametrize("cut", [0, 5, 11, 12, 40, -1])
def test_a_message_that_is_cut_is_refused(cut: int) -> None:
    good = message(1, record(layout.EVENT, 1, TRIP))
    with pytest.raises(DecodeError):
        decode_message(good[:cut])


@pytest.mark.parametrize(
    "bad",
    [
        message(1, record(layout.GAP, 1, bytes(12)), record(layout.GAP, 3, bytes(12))),  # a hole
        message(2, record(layout.GAP, 1, bytes(12))),  # another first number than said
        message(1, record(layout.GAP, 1, bytes(12)), count=2),
        message(1, record(layout.GAP, 1, bytes(12))) + b"\0",
        message(1, record(layout.EVENT, 1, bytes(7))),  # good checksum, wrong size
        message(1, record(layout.GAP, 1, bytes(12), layout.FINE)),  # of another lane
    ],
)
def test_a_message_must_hold_what_its_header_says(bad: bytes) -> None:
    with pytest.raises(DecodeError, match="boot 7"):
        decode_message(bad)


def test_a_stream_ends_at_the_first_bad_frame() -> None:
    first, second = (record(layout.GAP, seq, bytes(12)) for seq in (5, 6))
    torn = first + second[:-1]
    found, end = decode_stream(torn, 3)
    assert [entry.key for entry in found] == [(3, layout.EVENTS, 5)]
    assert end == len(first)
    assert decode_stream(b"", 3) == ([], 0)
    assert decode_stream(b"\xff" * 64, 3) == ([], 0)
