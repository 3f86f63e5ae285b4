"""Which rules of a rack need their detectors stepped, as machine code on a device: mostly none.

Plain Python on CPython, with the same results. Nothing here looks at bounds: `engine` does. Words
are put together of two halves, because a 64-bit host does not extend the sign of what it loads.
"""

from __future__ import annotations

import micropython
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from micropython import ptr8, ptr32

# What is noted of a rule.
HELD = const(1)  # it had nothing to judge at the last step
BUSY = const(2)  # something is being counted
RUNNING = const(4)  # a value from a summary is past a set point and its delay not over
_ABSENT_BELOW = const(-0x3FFFFFFF)  # as `gateway.rack.data.ABSENT` is, and no value


@micropython.viper
def find_next(
    at: int, end: int, scope: ptr8, values: ptr32, sides: ptr8, lowest: ptr32, notes: ptr8
) -> int:
    """From place `at` on, the place in `scope` of the next rule that is not good or counts
    something; `end` when there is none. The rules before are noted as HELD when their value is
    ABSENT, and as not HELD when it is good: below `lowest`, turned by side.
    """
    while at < end:
        rule = int(scope[at])
        note = int(notes[rule])
        value = (((int(values[rule]) >> 16) & 0xFFFF) ^ 0x8000) - 0x8000
        value = (value << 16) | (int(values[rule]) & 0xFFFF)
        if value < _ABSENT_BELOW:
            notes[rule] = note | HELD
        else:
            if int(sides[rule]) & 2:  # -1
                value = 0 - value
            good = (((int(lowest[rule]) >> 16) & 0xFFFF) ^ 0x8000) - 0x8000
            good = (good << 16) | (int(lowest[rule]) & 0xFFFF)
            if value >= good or note & BUSY:
                return at
            if note & HELD:
                notes[rule] = note ^ HELD
        at += 1
    return at


@micropython.viper
def all_notes(count: int, scope: ptr8, notes: ptr8) -> int:
    """What is noted of any of these rules."""
    found = 0
    while count:
        count -= 1
        found |= int(notes[int(scope[count])])
    return found
