"""Blocks of the uplink and chunks of set records; what is missing is named and left out."""

from __future__ import annotations

import struct

import pytest
from block_bench import BOOT, MadeUpRacks, block_message, set_payload, time_of

from gateway.telemetry import records as layout
from host_tools.decode.blocks import Block, Frame, decode_block, decode_sets
from host_tools.decode.records import DecodeError, NewerVersionError, Packed

INSTANTS = 5


def expected_frame(racks: MadeUpRacks, rack: int, instant: int, scanned: bool = True) -> Frame:
    sample = dict(zip(layout.SAMPLE_FIELDS, racks.sample(rack, instant), strict=True))
    if not scanned:
        return Frame(*time_of(instant), sample, None, None, None)
    cells, temps = racks.cells_mv(rack, instant), racks.temps_dc(rack, instant)
    return Frame(*time_of(instant), sample, list(cells), list(temps), 1200)


def record(seq: int, instant: int, payload: bytes, boot: int = BOOT) -> Packed:
    return Packed(boot, seq, *time_of(instant), layout.SET, payload, lane=layout.FINE)


def chunk(racks: MadeUpRacks, first: int, boot: int = BOOT) -> list[Packed]:
    """Two records per instant: one with racks 0 and 1, one with rack 2."""
    found: list[Packed] = []
    for instant in range(INSTANTS):
        for members in ((0, 1), (2,)):
            sections = [racks.section(rack, instant) for rack in members]
            payload = set_payload(first, instant, sections)
            found.append(record(first + len(found), instant, payload, boot))
    return found


def test_a_block_gives_every_frame_of_its_rack() -> None:
    racks = MadeUpRacks()
    scanned = (True, False, True, True)
    sections = [racks.section(2, instant, each) for instant, each in enumerate(scanned)]
    block = decode_block(block_message(2, sections, lane=layout.MINUTE, first=90, last=97))
    frames = [expected_frame(racks, 2, instant, each) for instant, each in enumerate(scanned)]
    assert block == Block(layout.VERSION, layout.MINUTE, BOOT, 90, 97, 2, frames)


def test_a_live_message_is_a_block_of_one_frame() -> None:
    racks = MadeUpRacks()
    block = decode_block(block_message(0, [racks.section(0, 0)], first=0, last=0))
    assert (block.first, block.last, block.frames) == (0, 0, [expected_frame(racks, 0, 0)])


def test_a_frame_has_one_checksum_wherever_it_comes_from() -> None:
    racks = MadeUpRacks()
    records = chunk(racks, first=1)
    (from_flash, *_) = decode_sets(records, [])
    again = MadeUpRacks()
    sections = [again.section(0, instant) for instant in range(INSTANTS)]
    whole = decode_block(block_message(0, sections)).frames
    part = decode_block(block_message(0, sections[:3])).frames
    checksums = [frame.checksum for frame in whole]
    assert len(set(checksums)) == INSTANTS
    assert [frame.checksum for frame in from_flash.frames] == checksums
    assert [frame.checksum for frame in part] == checksums[:3]
    # another beginning shows in all that follows from it
    wild = bytearray(sections[0])
    wild[layout.SECTION_BYTES - 1] ^= 1  # age of the cells
    changed = decode_block(block_message(0, [bytes(wild), *sections[1:]])).frames
    assert not {frame.checksum for frame in changed} & set(checksums)


def test_a_whole_block_of_a_newer_format_is_told_from_junk() -> None:
    message = block_message(0, [MadeUpRacks().section(0, 0)])
    with pytest.raises(NewerVersionError, match="version 9, known is 1"):
        decode_block(with_field(message, 0, 9))
    with pytest.raises(DecodeError, match="version 9") as raised:
        decode_block(b"\x09" + message[1:])
    assert not isinstance(raised.value, NewerVersionError)


def with_field(message: bytes, at: int, value: int) -> bytes:
    """One byte changed and a new checksum."""
    import zlib

    body = bytearray(message[:-4])
    body[at] = value
    return bytes(body) + struct.pack("<I", zlib.crc32(body))


def test_a_block_that_contradicts_itself_is_refused_with_a_reason() -> None:
    racks = MadeUpRacks()
    sections = [racks.section(1, instant) for instant in range(3)]
    good = block_message(1, sections)
    for bad, reason in (
        (good[:-1], "checksum"),
        (b"", "0 bytes"),
        (with_field(good, 0, 9), "version 9"),
        (with_field(good, 1, 3), "no such lane"),
        (with_field(good, 2, 2), "section of rack02"),
        (with_field(good, 4, 4), "ends after 3 of 4"),
        (with_field(good, 4, 2), "bytes behind 2 frames"),
        (with_field(good, layout.BLOCK_BYTES + layout.BLOCK_TIME_BYTES + 1, 2), "flags 0x2"),
        (with_field(good, layout.BLOCK_BYTES + layout.BLOCK_TIME_BYTES + 1, 0), "a key section"),
        (with_field(good, layout.BLOCK_BYTES + layout.BLOCK_TIME_BYTES + 6, 0), "cut off"),
        (block_message(1, sections[1:]), "a key section"),
        (block_message(1, sections, first=5, last=4), "no such lane or range"),
    ):
        with pytest.raises(DecodeError, match=reason):
            decode_block(bad)


def test_chunks_of_set_records_become_blocks() -> None:
    racks = MadeUpRacks()
    problems: list[str] = []
    records = chunk(racks, 1) + chunk(racks, 11) + chunk(racks, 1, boot=8)
    blocks = list(decode_sets(records, problems))
    assert problems == []
    assert [(block.boot, block.first, block.rack) for block in blocks] == [
        (boot, first, rack) for boot, first in ((7, 1), (7, 11), (8, 1)) for rack in range(3)
    ]
    for block in blocks:
        frames = [expected_frame(racks, block.rack, instant) for instant in range(INSTANTS)]
        assert (block.frames, block.lane) == (frames, layout.FINE)
        assert block.last == block.first + 2 * INSTANTS - (1 if block.rack == 2 else 2)


def test_without_the_head_of_a_chunk_only_racks_with_a_key_are_decoded() -> None:
    racks = MadeUpRacks()
    problems: list[str] = []
    blocks = list(decode_sets(chunk(racks, 1)[1:], problems))
    assert [block.rack for block in blocks] == [2]
    assert blocks[0].frames == [expected_frame(racks, 2, each) for each in range(INSTANTS)]
    assert problems[0] == "boot 7, lane 2, record 2: records 1 to 1 of its chunk are missing"
    assert problems[1] == "boot 7, lane 2, record 3: rack01, rack02: need what is missing"


def test_behind_a_hole_nothing_of_the_chunk_is_guessed() -> None:
    racks = MadeUpRacks()
    records = chunk(racks, 1)
    problems: list[str] = []
    blocks = list(decode_sets(records[:4] + records[5:] + chunk(racks, 11), problems))
    assert [len(block.frames) for block in blocks] == [2, 2, 2] + 3 * [INSTANTS]
    assert problems[0] == "boot 7, lane 2, record 6: records 5 to 5 of its chunk are missing"


def test_a_bad_record_ends_its_chunk_and_no_other() -> None:
    racks = MadeUpRacks()
    records = chunk(racks, 1)
    cut = records[4].payload[:-1]
    records[4] = record(5, 2, cut)
    records[7] = record(8, 3, b"short")
    problems: list[str] = []
    blocks = list(decode_sets(records + chunk(racks, 11), problems))
    # rack 0 stands before the cut in its record
    assert [len(block.frames) for block in blocks] == [3, 2, 2] + 3 * [INSTANTS]
    assert "record 5: rack02: its section is cut off" in problems[0]
    assert any("record 8: is no set of samples" in problem for problem in problems)


def test_a_chunk_that_a_power_cut_ended_is_decoded_as_far_as_it_goes() -> None:
    racks = MadeUpRacks()
    problems: list[str] = []
    blocks = list(decode_sets(chunk(racks, 1)[:3], problems))
    assert [len(block.frames) for block in blocks] == [2, 2, 1]
    assert problems == []
    assert list(decode_sets([], problems)) == []
