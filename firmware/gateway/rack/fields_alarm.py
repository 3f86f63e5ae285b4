"""Words of alarm bits, each vendor with an order of its own, to the gateway's own alarm words."""

from __future__ import annotations

from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any


def add_alarms(alarm: Any, buffer: bytearray, start: int, staging: array[int]) -> None:
    """Add the bits of one source word to the summary; allocates nothing.

    `alarm` is (bytes of the lower word, bit of a coil or -1, bytes of the upper word, raw values
    "not available", ops), see `fields_bind`. A slot that no source supplies stays ABSENT.
    """
    high_at, low_at, bit, upper_high_at, upper_low_at, absent, ops = alarm
    word = buffer[start + high_at] << 8 | buffer[start + low_at]
    if bit >= 0:
        word = word >> bit & 1
    upper = 0
    if upper_high_at >= 0:
        upper = buffer[start + upper_high_at] << 8 | buffer[start + upper_low_at]
    for index in range(0, len(absent), 2):
        if word == absent[index + 1] and upper == absent[index]:
            return
    for half, inverted, used, shift, slot in ops:
        bits = ((upper if half else word) ^ inverted) & used
        bits = bits << shift if shift >= 0 else bits >> -shift
        before = staging[slot]
        staging[slot] = bits if before == ABSENT else before | bits
