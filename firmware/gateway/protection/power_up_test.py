"""Known answers at start: does this interpreter compute what protection rests on.

A wrong answer means a broken image, memory or processor. The gateway then stays in safe mode.
"""

from __future__ import annotations

import binascii
import struct
from array import array

from gateway import clock
from gateway.config.limits import Limit
from gateway.protection import rules
from gateway.protection.curves import Curve
from gateway.protection.detector import Detectors
from gateway.protection.latches import BY_OPERATOR, RELEASED, STILL_HOLDS, Latches
from gateway.protection.thresholds import Thresholds

_CRC_TEXT = b"123456789"
_CRC = 0xCBF43926  # check value of CRC-32/ISO-HDLC


def problem() -> str:
    """What is wrong, "" when every answer is right. Takes a millisecond or so; allocates."""
    for name, answer in _TESTS:
        if not answer():
            return "self-test: %s gives a wrong answer" % name
    return ""


def _arithmetic() -> bool:
    values = array("i", [-(1 << 31), (1 << 31) - 1, -7])
    return (
        values[0] == -2147483648
        and values[1] == 2147483647
        and values[2] // 2 == -4
        and struct.pack("<HhI", 1, -2, 3) == b"\x01\x00\xfe\xff\x03\x00\x00\x00"
    )


def _ticks() -> bool:
    return (
        clock.diff(5, clock.TICKS_MASK - 4) == 10
        and clock.diff(clock.TICKS_MASK - 4, 5) == -10
        and clock.add(clock.TICKS_MASK, 1) == 0
    )


def _checksum() -> bool:
    return binascii.crc32(_CRC_TEXT) == _CRC


def _detector() -> bool:
    """3650 mV for 1 s trips at the third sample and not before; 3649 mV never does."""
    limit = Limit(3650, 3450, 1000, 1000)
    bank = Detectors(Thresholds([(limit, 1), (limit, 1)]))
    trips = []
    for _ in range(3):
        bank.step(0, 3650, 3650, 3450, 500, 500)
        bank.step(1, 3649, 3650, 3450, 500, 500)
        trips.append((bank.is_active(0), bank.is_active(1)))
    return trips == [(False, False), (False, False), (True, False)]


def _latch() -> bool:
    levels = bytearray(rules.RACK_RULES)
    latches = Latches(0, rules.RACK_RULES)
    latches.trip(rules.CELL_OVERVOLTAGE)
    levels[rules.CELL_OVERVOLTAGE] = 3
    held = latches.reset(levels, BY_OPERATOR, True) == STILL_HOLDS and latches.any_held
    levels[rules.CELL_OVERVOLTAGE] = 0
    return held and latches.reset(levels, BY_OPERATOR, True) == RELEASED and not latches.any_held


def _curve() -> bool:
    curve = Curve(((3450, 1000), (3600, 20), (3650, 0)))
    return [curve.pm(value) for value in (3449, 3525, 3650, 4000)] == [1000, 510, 0, 0]


_TESTS = (
    ("integer arithmetic", _arithmetic),
    ("the tick counter's wrap", _ticks),
    ("CRC-32", _checksum),
    ("a detector", _detector),
    ("a latch", _latch),
    ("a derating curve", _curve),
)
