"""Whatever bytes a rack sends: the link, the decoder and the configuration keep their promises."""

from __future__ import annotations

import json
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import config
from gateway.errors import ConfigError
from gateway.modbus import tcp_link
from gateway.modbus.pdu import read_request
from gateway.modbus.tcp_link import TcpLink
from gateway.rack.data import SUMMARY_FIELDS, VITAL, RackData
from gateway.rack.maps import generic_416s
from gateway.rack.register_map import RegisterMap


class Wire:
    """Hands over the given pieces, then nothing."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def connect(self, host: str, port: int) -> Wire:
        return self

    def connected(self) -> bool:
        return True

    def write(self, frame: bytearray) -> int:
        return len(frame)

    def readinto(self, buffer: bytearray | memoryview, count: int = -1) -> int | None:
        if not self.pieces:
            return None
        piece = self.pieces[0]
        size = min(len(piece), len(buffer), count if count >= 0 else len(buffer))
        buffer[:size] = piece[:size]
        self.pieces[0] = piece[size:]
        if not self.pieces[0]:
            self.pieces.pop(0)
        return size

    def close(self) -> None:
        pass


@settings(max_examples=500, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=6))
def test_garbage_never_becomes_an_answer_and_never_raises(pieces: list[bytes]) -> None:
    link = TcpLink(Wire(list(pieces)), "rack", 502, 1000, 50)
    link.step(0)
    link.step(0)
    request = read_request(1, 0, 4)
    link.send(request, 0)
    transaction = bytes(request.frame[:2])
    for now in range(100):
        event = link.step(now)
        if event in (tcp_link.REPLY, tcp_link.REFUSED):
            assert bytes(link.buffer[:4]) == transaction + b"\x00\x00"
            return
        if event != tcp_link.NOTHING:
            return
    raise AssertionError("neither answer nor failure")


@settings(max_examples=500, deadline=None)
@given(registers=st.lists(st.integers(0, 0xFFFF), min_size=25, max_size=25))
def test_summary_is_taken_whole_and_plausible_or_not_at_all(registers: list[int]) -> None:
    register_map = RegisterMap(generic_416s, 416, 208)
    registers[23:25] = [416, 208]
    data = RackData(0, "rack", 416, 208, 1100, 0)
    taken = register_map.decode_summary(data, bytearray(struct.pack(">25H", *registers)), 0, 10)
    low_high = {field[0]: (field[3], field[4]) for field in generic_416s.FIELDS}
    signed = {field[0] for field in generic_416s.FIELDS if field[2]}
    expected = [
        value - 0x10000 if name in signed and value >= 0x8000 else value
        for name, value in zip(SUMMARY_FIELDS, registers, strict=True)
    ]
    plausible = all(
        low_high[SUMMARY_FIELDS[slot]][0] <= expected[slot] <= low_high[SUMMARY_FIELDS[slot]][1]
        for slot in VITAL
    )
    assert taken == plausible
    assert list(data.summary) == (expected if plausible else [0] * 25)
    assert data.sequence == int(plausible)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
KEYS = ("schema", "site", "racks", "limits", "poll", "uplink", "cells_per_rack", "gateway")


@settings(max_examples=300, deadline=None)
@given(tree=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JSON, max_size=8))
def test_no_tree_but_a_configuration_is_accepted(tree: dict[str, object]) -> None:
    try:
        config.load(json.dumps(tree))
    except ConfigError as error:
        assert str(error)
        return
    raise AssertionError("accepted")
