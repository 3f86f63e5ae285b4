"""Checks of single values in a configuration; each problem is told with the setting's name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_"


def check_integer(
    name: str, value: object, low: int, high: int, unit: str, problems: list[str]
) -> bool:
    """A whole number in low..high; False, and one problem more, when it is not."""
    if not isinstance(value, int) or isinstance(value, bool):
        problems.append("%s: needs a whole number, has %r" % (name, value))
        return False
    if not low <= value <= high:
        problems.append(("%s: %d is outside %d..%d %s" % (name, value, low, high, unit)).strip())
        return False
    return True


def check_name(name: str, value: object, problems: list[str]) -> None:
    """Names become MQTT topic levels and file names: plain characters only, and not empty."""
    if not isinstance(value, str) or not value or any(c not in _NAME_CHARACTERS for c in value):
        problems.append("%s: needs a name of letters a-z, digits and . - _" % name)


def check_address(name: str, value: object, problems: list[str]) -> None:
    """Addresses only: looking a name up would stop the whole loop for as long as DNS is away."""
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 4 or not all(_is_octet(part) for part in parts):
        problems.append("%s: needs an IPv4 address like 192.168.1.20, has %r" % (name, value))


def _is_octet(part: str) -> bool:
    """0..255 without leading zeros, which some resolvers take for octal."""
    if not 1 <= len(part) <= 3 or any(c not in "0123456789" for c in part):
        return False
    return int(part) <= 255 and (part == "0" or part[0] != "0")


def check_unique(table: str, what: str, values: list[Any], problems: list[str]) -> None:
    """No two entries of a list may have the same `what`."""
    if len(set(values)) != len(values):
        problems.append("%s: two of them have the same %s" % (table, what))


def check_entry(
    where: str, entry: object, keys: tuple[Any, ...], problems: list[str]
) -> dict[str, Any] | None:
    """The values of one table of a list, absent ones filled in; None when something is wrong."""
    before = len(problems)
    if not isinstance(entry, dict):
        problems.append("%s: needs an object" % where)
        return None
    values: dict[str, Any] = {}
    for key, low, high, default in keys:
        value = values[key] = entry.get(key, default)
        if value is None and key not in entry:
            problems.append("%s.%s: missing" % (where, key))
        elif low is not None:
            check_integer("%s.%s" % (where, key), value, low, high, "", problems)
        elif not isinstance(value, str):
            problems.append("%s.%s: needs text, has %r" % (where, key, value))
    for key in entry:
        if key not in values:
            problems.append("%s.%s: no such setting" % (where, key))
    return values if len(problems) == before else None
