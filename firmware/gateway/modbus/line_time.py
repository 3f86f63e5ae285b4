"""How long characters and silences last on a serial line; whole microseconds, rounded up."""

from __future__ import annotations

from micropython import const

# Modbus over serial line V1.02, section 2.5.1.1: 3.5 characters of 11 bits between frames, and a
# fixed time above 19200 baud, where 3.5 characters are too short for a timer to see.
_SILENCE_BITS_X2 = const(77)
_SILENCE_FIXED_ABOVE = const(19200)
_SILENCE_FIXED_US = const(1750)


class LineTime:
    """Times of a line of 1200 .. 230400 baud whose characters have 10 or 11 bits."""

    def __init__(self, baud: int, char_bits: int) -> None:
        if not 1200 <= baud <= 230400 or char_bits not in (10, 11):
            raise ValueError("no line of %d baud with %d bits" % (baud, char_bits))
        # 1/64 us: exact to 10 us in a longest frame, and small integers even on a 32-bit port
        self._char_64 = -(-char_bits * 64_000_000 // baud)
        if baud > _SILENCE_FIXED_ABOVE:
            self.silence_us = _SILENCE_FIXED_US
        else:
            self.silence_us = -(-_SILENCE_BITS_X2 * 500_000 // baud)

    def wire_us(self, characters: int) -> int:
        """Time of 0 .. 1000 characters back to back; allocates nothing."""
        return (characters * self._char_64 + 63) >> 6
