"""What an RTU exchange takes on the wire: the bound no client can beat."""

from __future__ import annotations

FIXED_SILENCE_US = 1750  # t3.5 above 19200 baud, Modbus over serial line 1.02
_FAST_BAUD = 19200
REQUEST_BYTES = 8  # reading registers
REPLY_OVERHEAD_BYTES = 5  # unit, function, byte count, CRC


def characters_us(count: int, baud: int, bits: int = 10) -> float:
    """Microseconds of `count` characters; 8N1 has 10 bits."""
    return count * bits * 1e6 / baud


def silence_us(baud: int) -> float:
    """t3.5, the silence that separates two frames; the specification counts 11 bits each."""
    return FIXED_SILENCE_US if baud > _FAST_BAUD else characters_us(7, baud, 11) / 2


def read_us(registers: int, baud: int, latency_us: float, bits: int = 10) -> float:
    """A whole read until the next request may begin.

    Request, the silence by which the slave knows its end, its latency, answer, silence again.
    """
    reply_bytes = REPLY_OVERHEAD_BYTES + 2 * registers
    wire_us = characters_us(REQUEST_BYTES + reply_bytes, baud, bits)
    return wire_us + 2 * silence_us(baud) + latency_us
