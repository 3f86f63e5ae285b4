"""Bytes that nobody wrote: an error with a name or a decoded result, and little memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from functools import cache

import pytest
from block_bench import BOOT, UTC_MS, MadeUpRacks, block_message, set_payload
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telemetry import records as layout
from host_tools.decode.blocks import LARGEST_MESSAGE, Block, decode_block, decode_sets
from host_tools.decode.cell_codec import CellChain
from host_tools.decode.records import DecodeError, Packed
from host_tools.decode.summary_codec import SummaryChain

CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4)
CUT = st.one_of(st.none(), st.integers(0, 1 << 16))


@cache
def good_message() -> bytes:
    """A block of a few frames."""
    racks = MadeUpRacks()
    return block_message(1, [racks.section(1, instant, instant != 2) for instant in range(4)])


@cache
def good_sets() -> tuple[bytes, ...]:
    """Payloads of the set records of one chunk, several racks in each."""
    racks = MadeUpRacks()
    return tuple(
        set_payload(5, instant, [racks.section(rack, instant) for rack in range(racks.racks)])
        for instant in range(4)
    )


def spoilt(good: bytes, changes: list[tuple[int, int]], cut: int | None) -> bytes:
    """`good` with some bytes replaced, and its end cut off."""
    bad = bytearray(good)
    for at, byte in changes:
        bad[at % len(bad)] = byte
    return bytes(bad if cut is None else bad[: cut % len(bad)])


def sealed(message: bytes) -> bytes:
    """With a checksum that fits, as somebody would send it who means harm."""
    body = message[:-4]
    return body + struct.pack("<I", zlib.crc32(body))


def packed(payloads: list[bytes]) -> list[Packed]:
    """Set records with these payloads, numbered as in `good_sets`."""
    return [
        Packed(BOOT, 5 + number, 1000, UTC_MS, 2, layout.SET, payload, lane=layout.FINE)
        for number, payload in enumerate(payloads)
    ]


@settings(max_examples=500)
@given(CHANGES, CUT)
def test_a_block_with_changed_bytes(changes: list[tuple[int, int]], cut: int | None) -> None:
    try:
        found = decode_block(sealed(spoilt(good_message(), changes, cut)))
    except DecodeError:
        return
    assert isinstance(found, Block)
    assert len(found.frames) <= 4


@given(CHANGES, CUT)
def test_the_checksum_notices_changed_bytes(
    changes: list[tuple[int, int]], cut: int | None
) -> None:
    bad = spoilt(good_message(), changes, cut)
    if bad != good_message():
        with pytest.raises(DecodeError):
            decode_block(bad)


@settings(max_examples=300)
@given(st.integers(0, 3), CHANGES, CUT)
def test_sets_with_changed_bytes(
    which: int, changes: list[tuple[int, int]], cut: int | None
) -> None:
    payloads = list(good_sets())
    payloads[which] = spoilt(payloads[which], changes, cut)
    problems: list[str] = []
    blocks = list(decode_sets(packed(payloads), problems))
    if payloads == list(good_sets()):
        assert not problems
    # whatever went wrong later, what stood before it is there and right
    before = list(decode_sets(packed(payloads[:which]), []))
    for block in before:
        assert any(
            (each.first, each.rack) == (block.first, block.rack)
            and each.frames[: len(block.frames)] == block.frames
            for each in blocks
        )


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_anything_at_all(data: bytes) -> None:
    for decode in (
        decode_block,
        lambda each: CellChain().decode(each, 0, len(each)),
        lambda each: SummaryChain().decode(each, 0, len(each)),
    ):
        try:
            decode(data)
        except DecodeError:
            continue
    list(decode_sets(packed([data]), []))


@given(st.binary(max_size=200), st.lists(st.binary(max_size=60), max_size=5), st.booleans())
def test_cell_frames_behind_a_key_frame(head: bytes, frames: list[bytes], signed: bool) -> None:
    chain = CellChain(signed)
    values: list[int] = []
    for data in (b"\x80" + head, *frames):
        try:
            values, end = chain.decode(data, 0, len(data))
        except DecodeError:
            continue
        assert 0 < end <= len(data)
        assert len(values) <= 8 * len(data) or not data[0] & 0x80
        low = -0x8000 if signed else 0
        assert low <= min(values) and max(values) <= low + 0xFFFF


def test_a_message_that_claims_much_costs_little() -> None:
    """The highest counts that the fields hold, with nothing behind them."""
    head = struct.pack(layout.BLOCK, 1, 1, 0, 0, 0xFFFF, BOOT, 1, 2)
    time = bytes(layout.BLOCK_TIME_BYTES)
    section = struct.pack(layout.SECTION, 0, layout.KEY, 0xFFFF, 0xFFFF, 255, 0)
    huge_frame = b"\x80\x80\x20" + bytes(5000)
    for body in (head, head + time, head + time + section, head + huge_frame):
        tracemalloc.start()
        with pytest.raises(DecodeError):
            decode_block(sealed(body + bytes(4)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 200_000
    with pytest.raises(DecodeError):
        decode_block(bytes(LARGEST_MESSAGE + 1))
