"""Which register map a unit speaks: identity registers, and whether its values make sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from host_tools.maps.model import Item, RegisterMap
from host_tools.probe import decode
from host_tools.probe.line import Line

_SHOWN = ("rack_voltage_dv", "rack_current_da", "soc_pm", "cell_max_mv", "cell_min_mv")
_LEAST = 0.8  # of the summary that must be there and make sense
_GIVE_UP = 4  # registers in a row that are not there


@dataclass(frozen=True)
class Match:
    """`score` 0 to 1; `certain` when registers that identify the map hold what they must."""

    register_map: RegisterMap
    score: float
    certain: bool
    values: tuple[str, ...]


class Unit:
    """One unit of a line, its registers read once each."""

    def __init__(self, line: Line, number: int) -> None:
        self._line = line
        self.number = number
        self._known: dict[tuple[int, int, int], Sequence[int] | None] = {}

    def fetch(self, item: Item) -> Sequence[int] | None:
        """Raw registers of `item`, None when they are refused or nothing comes."""
        key = (item.function, item.address, item.words)
        if key not in self._known:
            reply = self._line.read(self.number, *key)
            self._known[key] = reply.values or None
        return self._known[key]


def match(unit: Unit, register_map: RegisterMap) -> Match:
    """How well `unit` fits; few requests when it does not."""
    certain = False
    for item in register_map.in_poll("once"):
        if not item.expect:
            continue
        words = unit.fetch(item)
        fits = words is not None and decode.expected(item, words)
        if fits is False:
            return Match(register_map, 0.0, False, ())
        certain = certain or fits is True
    items = register_map.in_poll("summary")
    good = missing = 0
    for item in items:
        words = unit.fetch(item)
        missing = 0 if words else missing + 1
        if missing == _GIVE_UP:
            break
        if words and decode.plausible(
            item, words, decode.scale_of(item, register_map, unit.fetch)
        ):
            good += 1
    return Match(register_map, good / len(items), certain, tuple(_values(unit, register_map)))


def best(unit: Unit, maps: Sequence[RegisterMap]) -> Match | None:
    """The map that fits best, None when none does."""
    found = [match(unit, each) for each in maps]
    found = [each for each in found if each.score >= _LEAST]
    return max(found, key=lambda each: (each.certain, each.score), default=None)


def _values(unit: Unit, register_map: RegisterMap) -> list[str]:
    found = []
    for item in register_map.in_poll("summary"):
        words = unit.fetch(item) if item.name in _SHOWN else None
        if words:
            scale = decode.scale_of(item, register_map, unit.fetch)
            found.append(f"{item.name} {decode.value_of(item, words, scale)}")
    return found
