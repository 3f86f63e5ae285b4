"""At any speed, whatever a unit sends: 3.5 characters of silence before each request."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from serial_wire import SerialWire, registers_of

from gateway.modbus import pdu
from gateway.modbus.link import GARBLED, REFUSED, REPLY, TIMED_OUT
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink

BAUD = st.sampled_from([1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400])
# what one request is answered by: microseconds after its end and bytes; None is the good answer
PARTS = st.lists(
    st.tuples(st.integers(-5_000, 400_000), st.none() | st.binary(min_size=1, max_size=40)),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(
    baud=BAUD,
    char_bits=st.sampled_from([10, 11]),
    script=st.lists(PARTS, min_size=2, max_size=8),
    count=st.integers(1, 20),
    echo=st.booleans(),
    reading_us=st.sampled_from([0, 0, 0, 700]),
)
def test_silence_before_each_request(
    baud: int,
    char_bits: int,
    script: list[list[tuple[int, bytes | None]]],
    count: int,
    echo: bool,
    reading_us: int,
) -> None:
    def unit(wire: SerialWire, frame: bytes, end_us: int) -> None:
        for delay_us, data in script[len(wire.sent) - 1]:
            wire.put(end_us + delay_us, registers_of(frame) if data is None else data)

    wire = SerialWire(unit, baud, char_bits)
    wire.echo = echo
    wire.reading_us = reading_us
    link = RtuLink(wire, wire.micros)
    request = pdu.read_request(pdu.RTU, 7, 3, 0x0100, count, ReplyTime(20, 100))
    for _ in script:
        assert wire.ask(link, request) in (REPLY, REFUSED, TIMED_OUT, GARBLED)
    silence_us = 1750 if baud > 19200 else 3.5 * 11e6 / baud
    assert len(wire.sent) == len(script)
    assert min(silence for _, _, _, silence in wire.sent) >= silence_us
