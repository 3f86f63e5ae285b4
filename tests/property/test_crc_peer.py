"""The CRC against an independent implementation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from gateway.modbus.crc16 import crc16


@given(data=st.binary(max_size=300))
def test_same_crc_as_pymodbus(data: bytes) -> None:
    # pymodbus gives the two bytes as they go over the wire, low byte first, read as big-endian
    crc = crc16(data, 0, len(data))
    assert (crc & 0xFF) << 8 | crc >> 8 == FramerRTU.compute_CRC(data)
