"""One row of a map's CSV file to one object; ValueError says which rule a row breaks."""

from __future__ import annotations

from fractions import Fraction

from host_tools.maps.model import Bit, Command, EnumValue, Item, Span
from host_tools.maps.vocabulary import (
    ALARMS,
    ARRAYS,
    HEARTBEATS,
    MEANINGS,
    POLLS,
    READ_FUNCTIONS,
    SEVERITIES,
    TYPES,
    UNITS,
    WRITE_FUNCTIONS,
)

COLUMNS = (
    "row", "name", "address", "type", "bits", "unit", "scale", "range", "absent", "poll", "value",
    "means", "options", "note",
)  # fmt: skip
Row = dict[str, str]

OPTIONS = {
    "item": {
        *("group", "function", "scale_by", "offset", "zero", "base", "module", "clamp", "expect"),
        *("optional", "fixed", "default", "length", "repeat", "repeat_step", "shared"),
    },
    "array": {
        "function",
        "offset",
        "scale_by",
        "zero",
        "step",
        "per",
        "module_step",
        "join",
        "first",
        "every",
    },
    "write": {"function", "fixed", "default"},
    "hole": {"function"},
    "barrier": {"function"},
    "bit": {"inverted"},
    "open_contactor": {"to", "retry_ms", "tries", "reads", "when"},
    "heartbeat": {"to", "kind", "period_ms"},
    "charge_limit": {"to", "no_limit", "clamp"},
    "discharge_limit": {"to", "no_limit", "clamp"},
    "other": {"to", "retry_ms", "tries", "reads", "when"},
}


class Context:
    """What the properties of a map say about its rows."""

    def __init__(self, base: int, read: int, write: tuple[int, ...]) -> None:
        self.base = base
        self.read = read
        self.write = write

    def address(self, text: str) -> int:
        """Zero-based address of one as printed in the map, hex or decimal."""
        address = number(text, "address") - self.base
        if not 0 <= address <= 0xFFFF:
            raise ValueError(f"address {text} is outside 0..0xFFFF")
        return address


def number(text: str, what: str) -> int:
    """A whole number, hex or decimal."""
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{what} {text!r} is no whole number") from None


def span(text: str, what: str, separator: str = "..") -> tuple[int, int]:
    """`low..high`, or one number for both."""
    low, found, high = text.partition(separator)
    pair = number(low, what), number(high if found else low, what)
    if pair[0] > pair[1]:
        raise ValueError(f"{what} {text!r}: the lowest comes first")
    return pair


def options_of(row: Row, allowed: str) -> dict[str, str]:
    """The options of a row, `name=value` or `name` alone, divided by semicolons."""
    found = {}
    for part in filter(None, (each.strip() for each in row["options"].split(";"))):
        name, _, value = part.partition("=")
        if name.strip() not in OPTIONS[allowed]:
            known = ", ".join(sorted(OPTIONS[allowed]))
            raise ValueError(f"option {name.strip()!r} is none of: {known}")
        found[name.strip()] = value.strip()
    return found


def items_of(row: Row, line: int, context: Context) -> list[Item]:
    """The item of an `item`, `array` or `write` row; several when it repeats."""
    options = options_of(row, row["row"])
    repeat = number(options.get("repeat", "1"), "repeat")
    if ("repeat" in options) != ("*" in row["name"] and "repeat_step" in options):
        raise ValueError("repeat= needs repeat_step= and a * in the name")
    step = number(options.get("repeat_step", "0"), "repeat_step")
    found = []
    for index in range(repeat):
        number_text = str(index + 1)
        expanded = {**row, "name": row["name"].replace("*", number_text)}
        own = {key: value.replace("*", number_text) for key, value in options.items()}
        found.append(_item(expanded, line, context, own, index * step))
    return found


def _item(row: Row, line: int, context: Context, options: dict[str, str], shift: int) -> Item:
    kind, high_first = _type(row["type"])
    unit = _one_of(row["unit"], "unit", UNITS)
    functions = _functions(options, row["row"], context)
    low_high = span(row["range"], "range") if row["range"] else (None, None)
    item = Item(
        row=row["row"],
        line=line,
        name=row["name"],
        function=context.read if row["row"] == "write" else functions[0],
        address=context.address(row["address"]) + shift,
        kind=kind,
        high_first=high_first,
        length=number(options.get("length", "0"), "length"),
        bits=_bits(row["bits"]),
        unit=unit,
        scale=_fraction(row["scale"] or "1", "scale"),
        offset=_fraction(options.get("offset", "0"), "offset"),
        scale_by=options.get("scale_by", ""),
        low=low_high[0],
        high=low_high[1],
        absent=tuple(number(each, "absent") for each in row["absent"].split()),
        poll=_poll(row),
        group=options.get("group", ""),
        optional=options.get("optional", ""),
        fixed="fixed" in options,
        shared="shared" in options,
        zero="zero" in options,
        base=number(options.get("base", "0"), "base"),
        module=_module(options.get("module", "")),
        clamp=span(options["clamp"], "clamp") if "clamp" in options else None,
        expect=_expect(options.get("expect", "")),
        default=number(options.get("default", "0"), "default"),
        step=number(options.get("step", "0"), "step") or TYPES[kind][0],
        per=number(options.get("per", "0"), "per"),
        module_step=number(options.get("module_step", "0"), "module_step"),
        join="join" in options,
        first=number(options.get("first", "0"), "first"),
        every=number(options.get("every", "1"), "every"),
        write_functions=functions if row["row"] == "write" else (),
        note=row["note"],
    )
    _check_item(item)
    return item


def _check_item(item: Item) -> None:
    if not item.name:
        raise ValueError("a name is missing")
    if item.row == "array" and item.name not in ARRAYS:
        raise ValueError(f"array {item.name!r} is none of: {', '.join(ARRAYS)}")
    if item.kind == "text" and not item.length:
        raise ValueError("a text needs length= in registers")
    if (item.function in (1, 2)) != (item.kind == "bit"):
        raise ValueError("functions 1 and 2 read type bit, and only they do")
    if item.bits and item.bits[0] + item.bits[1] > 16 * item.words:
        raise ValueError(f"bits {item.bits[0]}.. do not fit type {item.kind}")


def _type(text: str) -> tuple[str, bool]:
    kind, _, order = text.partition(" ")
    if kind not in TYPES:
        raise ValueError(f"type {text!r}: sign and size must be given: {', '.join(TYPES)}")
    if TYPES[kind][0] > 1 and order not in ("high", "low"):
        raise ValueError(f"type {text!r}: say which word comes first, `{kind} high` or `low`")
    if TYPES[kind][0] <= 1 and order:
        raise ValueError(f"type {text!r}: one register has no word order")
    return kind, order != "low"


def _functions(options: dict[str, str], row: str, context: Context) -> tuple[int, ...]:
    allowed = WRITE_FUNCTIONS if row == "write" else READ_FUNCTIONS
    if "function" not in options:
        return context.write if row == "write" else (context.read,)
    functions = tuple(number(each, "function") for each in options["function"].split())
    if not functions or any(each not in allowed for each in functions):
        raise ValueError(f"function {options['function']!r} is none of {allowed}")
    return functions


def _poll(row: Row) -> str:
    if row["row"] == "write":
        return ""
    return _one_of(row["poll"], "poll", POLLS)


def _one_of(text: str, what: str, allowed: object) -> str:
    if text not in allowed:  # type: ignore[operator]
        raise ValueError(f"{what} {text!r} is none of: {', '.join(allowed)}")  # type: ignore
    return text


def _fraction(text: str, what: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{what} {text!r} is no number") from None


def _bits(text: str) -> tuple[int, int] | None:
    """`3` or `0-11` to (lowest bit, width)."""
    if not text:
        return None
    low, high = span(text, "bits", "-")
    return low, high - low + 1


def _module(text: str) -> tuple[int, int, int, int] | None:
    """`bits 10-15 from 0 of 52`: (lowest bit, width, number of the first module, its size)."""
    if not text:
        return None
    words = text.split()
    if len(words) != 6 or (words[0], words[2], words[4]) != ("bits", "from", "of"):
        raise ValueError(f"module {text!r} is not like `bits 10-15 from 0 of 52`")
    bits = _bits(words[1])
    assert bits is not None
    return (*bits, number(words[3], "module"), number(words[5], "module"))


def _expect(text: str) -> tuple[tuple[int, int] | str, ...]:
    return tuple(
        each if each in ("cells", "temps") else span(each, "expect")
        for each in filter(None, (part.strip() for part in text.split("|")))
    )


def enum_of(row: Row, line: int) -> EnumValue:
    """The value of an `enum` row."""
    known = MEANINGS.get(row["name"], {})
    if known:
        _one_of(row["means"], "means", known)
    elif row["means"]:
        raise ValueError(f"means {row['means']!r}: the gateway knows no values of {row['name']}")
    if not row["note"]:
        raise ValueError("an enum value without a name (column note)")
    return EnumValue(number(row["value"], "value"), row["means"], row["note"], line)


def bit_of(row: Row, line: int) -> Bit:
    """The bit of a `bit` row: means is `severity alarm`, `ignore` or, for details, nothing."""
    severity, _, alarm = row["means"].partition(" ")
    ignored = row["means"] == "ignore"
    if row["means"] and not ignored:
        _one_of(severity, "severity", SEVERITIES)
        _one_of(alarm, "alarm", ALARMS)
    if not row["note"]:
        raise ValueError("a bit without a name (column note)")
    inverted = "inverted" in options_of(row, "bit")
    severity = "" if ignored else severity
    bit = number(row["bits"], "bits")
    return Bit(bit, severity, alarm, ignored, inverted, row["note"], line)


def span_of(row: Row, line: int, context: Context) -> Span:
    """The registers of a `hole` or `barrier` row; column value is their count."""
    options = options_of(row, row["row"])
    function = _functions(options, row["row"], context)[0]
    count = number(row["value"] or "0", "value")
    if row["row"] == "hole" and count < 1:
        raise ValueError("a hole needs its count of registers in column value")
    return Span(line, function, context.address(row["address"]), count, row["note"])


def command_of(row: Row, line: int) -> Command:
    """The command of a `command` row."""
    options = options_of(row, row["name"] if row["name"] in OPTIONS else "other")
    values = tuple(number(each, "value") for each in row["value"].split())
    if "to" not in options:
        raise ValueError("a command needs to=name of a write row")
    if row["name"] == "heartbeat":
        _one_of(options.get("kind", ""), "kind", HEARTBEATS)
    return Command(line, row["name"], options["to"], values, options, row["note"])
