"""What makes a register map wrong. Each rule yields (line of the CSV file, what is wrong)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from gateway.rack import threshold_names
from host_tools.maps import lint_places
from host_tools.maps.generate import limit_range
from host_tools.maps.model import Command, Item, RegisterMap
from host_tools.maps.vocabulary import (
    MEANINGS,
    MUST_COVER,
    SUFFIXES,
    SUMMARY_FIELDS,
    VITAL,
    WIDE,
)

Problem = tuple[int, str]
TOP = (1 << 30) - 1  # what a value of the gateway may be at most


def problems(loaded: RegisterMap) -> Iterator[Problem]:
    """All problems of a map, in the order of the rules."""
    for rule in (
        _names, _units, _names_of_values, _ranges, _coverage, _special_fields, _scale_registers,
        _summary, _identity, _thresholds, *lint_places.RULES, _started, _commands,
    ):  # fmt: skip
        yield from rule(loaded)


def _names(loaded: RegisterMap) -> Iterator[Problem]:
    for rows in (loaded.items, loaded.writes):
        seen: dict[str, int] = {}
        for item in rows:
            if item.name in seen:
                yield item.line, f"{item.name} stands in line {seen[item.name]} too"
            seen[item.name] = item.line


def _units(loaded: RegisterMap) -> Iterator[Problem]:
    for item in loaded.items + loaded.arrays + loaded.writes:
        end = item.name.rsplit("_", 1)[-1]
        if item.measures and not item.suffix:
            yield item.line, f"{item.name}: its unit {item.unit} needs a name that ends in a unit"
        elif item.suffix and SUFFIXES[item.suffix][0] != item.measures:
            yield item.line, f"{item.name}: unit {item.unit} cannot become _{end}"
        elif item.row != "write" and item.addend.denominator != 1:
            yield item.line, f"{item.name}: the offset is no whole number of _{end}"
        if item.scale == 0:
            yield item.line, f"{item.name}: scale 0"


def _names_of_values(loaded: RegisterMap) -> Iterator[Problem]:
    for item in loaded.items + loaded.writes:
        if (item.unit == "enum") != bool(item.enum):
            yield item.line, f"{item.name}: unit enum and enum rows belong together"
        if (item.unit == "bits") != bool(item.bit_names):
            yield item.line, f"{item.name}: unit bits and bit rows belong together"
        if item.name in MEANINGS and item.unit != "enum":
            yield item.line, f"{item.name} must be an enum"
        low, high = item.raw_range
        for value in item.enum:
            if not low <= value.raw <= high:
                yield value.line, f"value {value.raw} is outside {low}..{high}"
        for bit in item.bit_names:
            if not 0 <= bit.number < 16 * item.words:
                yield bit.line, f"there is no bit {bit.number} in {item.kind}"
            if bit.severity and not item.is_alarm:
                yield bit.line, "only a word of the summary can raise an alarm"


def engineering_range(item: Item, power: int = 0) -> tuple[Fraction, Fraction]:
    """What the raw range of an item is in gateway units; `power` stands in its scale register."""
    factor = item.factor * Fraction(10) ** power
    ends = sorted(raw * factor + item.addend for raw in item.raw_range)
    return ends[0], ends[1]


def _power(loaded: RegisterMap, item: Item) -> int:
    return loaded.item(item.scale_by).default if item.scale_by else 0


def _ranges(loaded: RegisterMap) -> Iterator[Problem]:
    for item in loaded.items + loaded.arrays:
        if item.name in VITAL and item.low is None and item.unit != "enum":
            yield item.line, f"{item.name} protects the rack: it needs a plausible range"
        if item.low is None or item.high is None or item.kind in WIDE or item.scale_by:
            continue
        low, high = engineering_range(item)
        if item.high < low or item.low > high or not -TOP < item.low <= item.high < TOP:
            yield (
                item.line,
                f"{item.name}: range {item.low}..{item.high} impossible in {item.kind}",
            )
        elif item.low < 0 <= low:
            yield item.line, f"{item.name}: negative range impossible in {item.kind}"


def _coverage(loaded: RegisterMap) -> Iterator[Problem]:
    """Refuses what would wrap or be cut on a product: 0.01 V in 16 bits ends at 655 V."""
    for item in loaded.items + loaded.arrays:
        if item.name not in MUST_COVER or item.unit in ("enum", "bits"):
            continue
        if item.scale_by and item.scale_by not in {each.name for each in loaded.items}:
            continue  # another rule names it
        wanted = MUST_COVER[item.name]
        low, high = engineering_range(item, _power(loaded, item))
        if item.name.endswith("_limit_da") and item.clamp:
            low = min(low, Fraction(0))
        if low > wanted[0] or high < wanted[1]:
            yield (
                item.line,
                (
                    f"{item.name}: {item.kind} x scale reaches {float(low):g}..{float(high):g},"
                    f" a product needs {wanted[0]}..{wanted[1]}"
                ),
            )
        elif item.low is not None and item.high is not None:
            yield from _excluded(item, item.low, item.high, wanted)


def _excluded(item: Item, low: int, high: int, wanted: tuple[int, int]) -> Iterator[Problem]:
    if low > wanted[0] or high < wanted[1]:
        products = f"what products have, {wanted[0]}..{wanted[1]}"
        yield item.line, f"{item.name}: plausible {low}..{high} excludes {products}"


def _special_fields(loaded: RegisterMap) -> Iterator[Problem]:
    for item in loaded.items + loaded.arrays:
        if item.poll == "summary" and item.kind in WIDE:
            yield item.line, f"type {item.kind} is for details only"
        if item.row == "array" and item.kind not in ("u16", "s16", "u32", "s32"):
            yield item.line, f"an array of {item.kind}"
        if item.absent and item.bits and item.bits[0] >= 16:
            yield item.line, "absent= and bits of the upper word do not go together"
        if item.bits and item.bits[1] > 30:
            yield item.line, "a bit range of more than 30 bits"
        if item.module and (item.kind != "u16" or item.unit != "index" or not item.bits):
            yield item.line, "module= needs unit index, type u16 and the bits of the lower part"


def _scale_registers(loaded: RegisterMap) -> Iterator[Problem]:
    known = {item.name: item for item in loaded.items}
    for item in loaded.items + loaded.arrays:
        if not item.scale_by:
            continue
        source = known.get(item.scale_by)
        if source is None or source.unit != "power of ten" or source.kind != "s16":
            yield item.line, f"scale_by={item.scale_by} is no s16 with unit `power of ten`"
        elif source.poll in ("details", "once"):
            continue  # remembered from its own read
        elif source.poll != item.poll or not item.group or source.group != item.group:
            yield item.line, f"{item.name} and {item.scale_by} must be in one group"


def _summary(loaded: RegisterMap) -> Iterator[Problem]:
    supplied = set(loaded.derived)
    for item in loaded.in_poll("summary"):
        if item.is_alarm or item.unit == "power of ten":
            continue
        if item.name not in SUMMARY_FIELDS:
            yield item.line, f"{item.name} is no field of the summary"
        if item.name in loaded.derived:
            yield item.line, f"{item.name} is read and derived"
        if item.name in VITAL and item.optional:
            yield item.line, f"{item.name} protects the rack and cannot be optional"
        supplied.add(item.name)
    for name in VITAL:
        if name not in supplied:
            yield 1, f"no register for {name}"


def _identity(loaded: RegisterMap) -> Iterator[Problem]:
    for item in loaded.items:
        if item.expect and item.poll != "once":
            yield item.line, "expect= is for poll once"
        if item.poll == "once" and item.optional:
            yield item.line, "what identifies the device cannot be optional: poll details"


def _thresholds(loaded: RegisterMap) -> Iterator[Problem]:
    """The gateway compares them with its own limits, so it must know what they are."""
    for item in loaded.in_poll("request"):
        if threshold_names.split(item.name) is None:
            yield item.line, f"{item.name} is not like level2_cell_over_set_mv"


def _started(loaded: RegisterMap) -> Iterator[Problem]:
    try:
        started = loaded.started
        if started:
            loaded.item(started[0])
    except KeyError:
        yield 1, f"started: {loaded.meta['started']!r} names no enum of the summary and its values"
        return
    for item in loaded.items + loaded.arrays:
        if item.zero and (not started or item.offset or item.base):
            yield item.line, "zero= needs the property started, and no offset"


def _commands(loaded: RegisterMap) -> Iterator[Problem]:
    writes = {item.name: item for item in loaded.writes}
    for command in loaded.commands:
        target = writes.get(command.to)
        if target is None:
            yield command.line, f"to={command.to} names no write row"
        elif command.name in ("charge_limit", "discharge_limit"):
            yield from _limits(command, target)
        elif not command.values:
            yield command.line, f"{command.name} needs its value"
        elif command.name == "heartbeat" and not int(command.options.get("period_ms", "0")):
            yield command.line, "a heartbeat needs period_ms="
        elif command.name == "open_contactor":
            meanings = [each.means for each in target.enum if each.raw in command.values[:1]]
            if target.name != "contactor_command" or meanings != ["open"]:
                yield command.line, "open_contactor must write what means `open`"
        yield from _conditions(command)


def _limits(command: Command, target: Item) -> Iterator[Problem]:
    if target.words != 1 or target.suffix != "da" or "no_limit" not in command.options:
        yield command.line, "a limit needs one register in _da and no_limit="
        return
    low, high = limit_range(command, target)
    lowest, highest = target.raw_range
    no_limit = int(command.options["no_limit"], 0) & 0xFFFF
    meant = no_limit - 0x10000 if low < 0 and no_limit >= 0x8000 else no_limit
    if low < lowest or high > highest:
        yield command.line, f"clamp= goes beyond {target.kind}, {lowest}..{highest}"
    if not low <= 0 <= high or low <= meant <= high:
        yield command.line, "clamp= must hold 0 and not what means `no limit`"
    if target.addend:
        yield target.line, "a limit with an offset: 0 A would not be 0"
    reaches = low if target.factor < 0 else high
    if not reaches:
        yield command.line, "clamp= leaves nothing but 0 A"


def _conditions(command: Command) -> Iterator[Problem]:
    for option in ("reads", "when"):
        if option not in command.options:
            continue
        name, _, words = command.options[option].partition("=")
        if name not in MEANINGS or any(word not in MEANINGS[name] for word in words.split("|")):
            text = command.options[option]
            yield command.line, f"{option}={text} is not like contactor_state=open"
