"""Raw registers to the value that a map gives them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction

from host_tools.maps.model import Item, RegisterMap
from host_tools.maps.vocabulary import TYPES

# For a person, by the end of a name: how many of the gateway's units make one, and its name.
_SHOWN = {
    "dv": (10, "V"), "mv": (1, "mV"), "da": (10, "A"), "dc": (10, "degC"), "pm": (10, "%"),
    "kohm": (1, "kOhm"), "wh": (1, "Wh"), "ah": (1, "Ah"),
}  # fmt: skip

# Registers of an item by its name, None when the device does not have them.
Fetch = Callable[[Item], Sequence[int] | None]


def raw_of(item: Item, words: Sequence[int]) -> int | float | str:
    """The number, or text, that stands on the registers; nothing scaled."""
    if item.kind == "text":
        return (
            b"".join(word.to_bytes(2, "big") for word in words)
            .rstrip(b"\0 ")
            .decode("ascii", "replace")
        )
    ordered = words if item.high_first else words[::-1]
    number = 0
    for word in ordered:
        number = number << 16 | word
    if item.kind == "f32":
        return float(struct.unpack(">f", number.to_bytes(4, "big"))[0])
    if item.kind == "digits":
        return int(f"{number:x}") if all(c in "0123456789" for c in f"{number:x}") else -1
    size = 16 * len(words)
    if item.bits:
        low, size = item.bits
        number = number >> low & (1 << size) - 1
    if TYPES[item.kind][1] < 0 and number >> size - 1:
        number -= 1 << size
    return number


def value_of(item: Item, words: Sequence[int], scale: int = 0) -> int | float | str | None:
    """In the unit of the name; None for what the device marks as not there.

    `scale` is the power of ten that another register of the device gives.
    """
    raw = raw_of(item, words)
    if isinstance(raw, str) or raw in item.absent:
        return None if raw in item.absent else raw
    if item.unit in ("enum", "bits", "digits") or not isinstance(raw, int):
        return raw
    value = raw * item.factor * Fraction(10) ** scale + item.addend
    return int(value) if value.denominator == 1 else float(value)


def text_of(item: Item, words: Sequence[int], scale: int = 0) -> str:
    """For a person: value, unit, and the map's word for it."""
    value = value_of(item, words, scale)
    if value is None:
        return "not supplied"
    raw = raw_of(item, words)
    if item.enum:
        names = [each.name or each.means for each in item.enum if each.raw == raw]
        return f"{raw} ({names[0] if names else 'not in the map'})"
    if item.bit_names and isinstance(raw, int):
        on = [bit.name for bit in item.bit_names if (raw >> bit.number & 1) != bit.inverted]
        return f"0x{raw:04X} ({', '.join(on) or 'none'})"
    per_unit, unit = _SHOWN.get(item.suffix, (1, item.suffix))
    if isinstance(value, int) and per_unit > 1:
        return f"{value / per_unit:.1f} {unit}"
    shown = f"{value / per_unit:g}" if isinstance(value, float) else f"{value}"
    return f"{shown} {unit}".rstrip()


def plausible(item: Item, words: Sequence[int], scale: int = 0) -> bool:
    """Whether the map expects such a value; always for one that the map does not limit."""
    value = value_of(item, words, scale)
    if value is None:
        return True
    raw = raw_of(item, words)
    if item.enum:
        return any(each.raw == raw for each in item.enum)
    limits = item.low is not None and item.high is not None
    if limits and isinstance(value, int | float):
        assert item.low is not None and item.high is not None
        return item.low <= value <= item.high
    return True


def expected(item: Item, words: Sequence[int]) -> bool | None:
    """Whether an identity register holds what the map says; None when it does not say."""
    ranges = [each for each in item.expect if not isinstance(each, str)]
    raw = raw_of(item, words)
    if not ranges or not isinstance(raw, int):
        return None
    return any(low <= raw <= high for low, high in ranges)


def scale_of(item: Item, register_map: RegisterMap, fetch: Fetch) -> int:
    """The power of ten for `item`, 0 when its map has no register for it."""
    if not item.scale_by:
        return 0
    other = register_map.item(item.scale_by)
    words = fetch(other)
    raw = raw_of(other, words) if words else other.default
    return raw if isinstance(raw, int) and abs(raw) < 10 else 0
