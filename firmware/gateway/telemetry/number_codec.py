"""Numbers of any size in as few bytes as they need, 7 bits in each."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableSequence


def write_number(out: MutableSequence[int] | memoryview, at: int, number: int) -> int:
    """Write `number` >= 0 to out[at:], 7 bits per byte, lowest first, bit 7: more; the end.

    Allocates nothing.
    """
    while number > 0x7F:
        out[at] = number & 0x7F | 0x80
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


def write_signed(out: MutableSequence[int] | memoryview, at: int, number: int) -> int:
    """Write 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... to out[at:]; the end.

    Allocates nothing, for numbers in +-2^30 not on a 32-bit board either.
    """
    sign = 0
    if number < 0:
        number = -1 - number
        sign = 1
    first = (number & 0x3F) << 1 | sign
    number >>= 6
    if not number:
        out[at] = first
        return at + 1
    out[at] = first | 0x80
    return write_number(out, at + 1, number)
