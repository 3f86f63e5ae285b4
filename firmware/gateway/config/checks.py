"""Checks of single values in a configuration; each problem is told with the setting's name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LEAST_ALIKE = 3  # characters
_MOST_NEAR = 4
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_"


def check_integer(
    name: str, value: object, low: int, high: int, unit: str, problems: list[str]
) -> bool:
    """A whole number in low..high; False, and one problem more, when it is not."""
    if not isinstance(value, int) or isinstance(value, bool):
        what = "0 or 1" if (low, high) == (0, 1) else "a whole number"
        problems.append("%s: needs %s, has %r" % (name, what, value))
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


def check_unique(
    table: str, what: str, entries: list[Any], value: Callable[[Any], Any], problems: list[str]
) -> None:
    """No two named entries of a list may have the same `value`, called `what`."""
    first: dict[Any, Any] = {}
    for entry in entries:
        key = value(entry)
        other = first.get(key)
        if other is None:
            first[key] = entry
            continue
        number = " %d" % key if isinstance(key, int) else ""
        problems.append(
            "%s: %s and %s have the same %s%s" % (table, other.name, entry.name, what, number)
        )


def no_such(where: str, name: str, kind: str, known: list[str], problems: list[str]) -> None:
    """One problem more: a name that is not `known`, and those that it may have meant."""
    near = _nearest(name, known)
    tail = "; near: " + ", ".join(near) if near else ""
    problems.append("%s%s: no such %s%s" % (where, name, kind, tail))


def _nearest(name: str, known: list[str]) -> list[str]:
    """Those that begin most like a name, or that it is a part of."""
    most = _LEAST_ALIKE
    near: list[str] = []
    for each in known:
        length = 0
        while length < min(len(each), len(name)) and each[length] == name[length]:
            length += 1
        if name in each:
            length = len(name)
        if length > most:
            most, near = length, []
        if length == most:
            near.append(each)
    return near[:_MOST_NEAR]


def entry_name(table: str, index: int, entry: object) -> str:
    """How a problem calls an entry of a list: by its own name too, if it has one."""
    where = "%s[%d]" % (table, index)
    name = entry.get("name") if isinstance(entry, dict) else None
    return "%s: %s" % (name, where) if isinstance(name, str) else where


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
