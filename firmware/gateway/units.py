"""Engineering units as integers, for people: text from raw values. Never used in decisions."""

from __future__ import annotations


def tenths(value: int) -> str:
    """0.1-units as decimal text without a float: -5 -> "-0.5"."""
    sign = "-" if value < 0 else ""
    value = abs(value)
    return "%s%d.%d" % (sign, value // 10, value % 10)


def thousandths(value: int) -> str:
    """0.001-units as decimal text without a float: 3301 -> "3.301"."""
    sign = "-" if value < 0 else ""
    value = abs(value)
    return "%s%d.%03d" % (sign, value // 1000, value % 1000)
