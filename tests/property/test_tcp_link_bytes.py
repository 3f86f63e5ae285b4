"""The TCP link against a strict parser on streams that hypothesis makes up and shrinks."""

from __future__ import annotations

import random

import tcp_fuzz
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.modbus import pdu
from gateway.modbus.link import IDLE, LOST, NOTHING, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink

TIMEOUT_MS = 50
TRANSACTION = 1  # of the first request on a link

# frames that are nearly right: header fields and function from where the mistakes are
nearly = st.builds(
    lambda number, protocol, size, body: (
        number.to_bytes(2, "big")
        + protocol.to_bytes(2, "big")
        + (len(body) + size).to_bytes(2, "big")
        + body
    ),
    st.sampled_from((0, 1, 2, 0xFFF9, 0xFFF8, 0x7777)),
    st.sampled_from((0, 0, 0, 1, 256)),
    st.sampled_from((0, 0, 0, 1, 250)),
    st.builds(
        lambda unit, function, count, data: bytes([unit, function, count]) + data,
        st.sampled_from((1, 1, 2)),
        st.sampled_from((3, 3, 0x83, 4)),
        st.sampled_from((8, 8, 2, 11)),
        st.binary(max_size=9) | st.binary(min_size=8, max_size=8),
    ),
)


def fresh_link(wire: tcp_fuzz.Wire) -> TcpLink:
    link = TcpLink(wire, "rack", 502, 1000, random)
    while link.state != IDLE:
        link.step(0)
    return link


@settings(max_examples=1000, deadline=None)
@given(
    stream=st.lists(st.binary(min_size=1, max_size=300) | nearly, max_size=6).map(b"".join),
    piece=st.integers(1, 300),
)
def test_link_and_strict_parser_agree(stream: bytes, piece: int) -> None:
    wire = tcp_fuzz.Wire()
    link = fresh_link(wire)
    request = pdu.read_request(pdu.TCP, 1, 3, 0, 4, ReplyTime(TIMEOUT_MS, TIMEOUT_MS))
    link.send(request, 0)
    wire.waiting = stream
    wire.piece = piece
    event, now = NOTHING, 0
    while event == NOTHING:
        event = link.step(now)
        now += wire.at == len(stream)
        assert now <= TIMEOUT_MS + 1, "neither answer nor failure"
    expected, _, data = tcp_fuzz.verdict(stream, TRANSACTION, bytes(request.frame))
    assert event == (expected or TIMED_OUT)
    if event == REPLY:
        assert bytes(link.buffer[9:17]) == data
    elif event == REFUSED:
        assert link.exception_code == data[0]
    elif event == LOST:
        assert link.reason


@settings(max_examples=300, deadline=None)
@given(data=st.binary(min_size=8, max_size=8), cuts=st.sets(st.integers(1, 33)))
def test_a_good_answer_behind_a_late_one_is_found_however_it_is_cut(
    data: bytes, cuts: set[int]
) -> None:
    wire = tcp_fuzz.Wire()
    link = fresh_link(wire)
    wire.piece = 300
    time = ReplyTime(TIMEOUT_MS, TIMEOUT_MS)
    request = pdu.read_request(pdu.TCP, 1, 3, 0, 4, time)
    link.send(request, 0)
    late = bytes(request.head) + b"\xff" * 8
    assert link.step(TIMEOUT_MS) == TIMED_OUT
    link.send(request, TIMEOUT_MS)
    stream = late + bytes(request.head) + data
    edges = [0, *sorted(cuts), len(stream)]
    event = NOTHING
    for start, stop in zip(edges, edges[1:], strict=False):
        wire.waiting += stream[start:stop]
        for _ in range(4):
            event = event or link.step(TIMEOUT_MS)
    assert event == REPLY
    assert bytes(link.buffer[9:17]) == data
    assert link.late == 1
