"""Engineering units for people: text from raw integers. Never used in decisions."""

from __future__ import annotations

_TENTH = "0.1 "


def text(value: int, unit: str) -> str:
    """`value` with its unit, if any, and no float: (14901, "0.1 V") -> "1490.1 V"."""
    if not unit:
        return "%d" % value
    if not unit.startswith(_TENTH):
        return "%d %s" % (value, unit)
    sign = "-" if value < 0 else ""
    value = abs(value)
    return "%s%d.%d %s" % (sign, value // 10, value % 10, unit[len(_TENTH) :])
