"""What may be wrong with the data of a rack: each fault spoils what passes between it and us.

A fault of a value strikes the register of the summary that shows the danger; all other registers,
the scan of the cells and sensors among them, stay what they are, and live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from host_tools.maps.register_map import load
from host_tools.simulate.exchange import Exchange
from host_tools.simulate.rack_slave import address_of

_MAP = "generic-416s"
_READS = (3, 4)
_WORD = 0x10000
_PARTNERS = {
    "cell_max_mv": "cell_min_mv",
    "cell_min_mv": "cell_max_mv",
    "temp_max_dc": "temp_min_dc",
}
_VOID = {"s16": 0x8000, "u16": 0xFFFF}
_LATE_MS = 700  # beyond every deadline


@dataclass(frozen=True)
class Target:
    """The value that a fault strikes: a `field` of the summary, and how far off it may be.

    With `hides` the danger stays just below its trip, with `harmless` it looks like nothing at
    all; both in the field's unit, with the sign of the harmless side.
    """

    field: str
    hides: int
    harmless: int


@dataclass
class Memory:
    """What one fault remembers while it lasts."""

    values: dict[int, int] = field(default_factory=dict)
    answers: dict[bytes, bytes] = field(default_factory=dict)
    count: int = 0


Registers = dict[int, int]  # raw words by address
Answers = list[tuple[float, bytes]]  # each with the ms after which it comes
Spoil = Callable[[Registers, Target, Memory, int], None]  # with the ms since the fault began
Send = Callable[[Exchange, Memory], Answers]


@cache
def address(name: str) -> int:
    """Register of a field of the summary, or of the identity."""
    return int(next(item for item in load(_MAP).items if item.name == name).address)


def _void(name: str) -> int:
    kind = next(item for item in load(_MAP).items if item.name == name).kind
    return _VOID[kind]


def _signed(raw: int) -> int:
    return raw - _WORD if raw >= _WORD // 2 else raw


def _shift(registers: Registers, target: Target, by: int) -> None:
    at = address(target.field)
    if at in registers:
        registers[at] = (_signed(registers[at]) + by) % _WORD


def stuck(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The value stands still where it was; everything else lives."""
    at = address(target.field)
    if at in registers:
        registers[at] = memory.values.setdefault(at, registers[at])


def offset(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The value is too harmless by what just hides the trip."""
    _shift(registers, target, target.hides)


def large_offset(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The value is too harmless by what makes the danger look like nothing."""
    _shift(registers, target, target.harmless)


def drift(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The value drifts away to the harmless side: in a minute by a large offset."""
    _shift(registers, target, target.harmless * age_ms // 60_000)


def jump(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """Every second reading is the harmless one from before."""
    at = address(target.field)
    if at in registers:
        memory.count += 1
        before = memory.values.setdefault(at, registers[at])
        if memory.count % 2:
            registers[at] = before


def swap(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """Highest and lowest are exchanged; where there is no such pair, voltage and current are."""
    partner = _PARTNERS.get(target.field)
    pair = (target.field, partner) if partner else ("rack_voltage_dv", "rack_current_da")
    first, second = (address(name) for name in pair)
    if first in registers and second in registers:
        registers[first], registers[second] = registers[second], registers[first]


def absent(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The value is "not available"."""
    if address(target.field) in registers:
        registers[address(target.field)] = _void(target.field)


def byte_order(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """Every register comes with its bytes exchanged."""
    for at, raw in registers.items():
        registers[at] = raw >> 8 | (raw & 0xFF) << 8


def wrong_count(registers: Registers, target: Target, memory: Memory, age_ms: int) -> None:
    """The BMS answers for a rack with another number of cells."""
    for name in ("cell_count", "identity_cell_count"):
        if address(name) in registers:
            registers[address(name)] //= 2


def frozen(exchange: Exchange, memory: Memory) -> Answers:
    """Every read is answered with what it was answered the first time."""
    if exchange.request[0] in _READS:
        exchange.pdu = memory.answers.setdefault(exchange.request, exchange.pdu)
        exchange.build()
    return [(0, exchange.frame)]


def no_answer(exchange: Exchange, memory: Memory) -> Answers:
    """The rack obeys, and nothing comes back."""
    return []


def late(exchange: Exchange, memory: Memory) -> Answers:
    """Every answer comes when nobody waits for it any more."""
    return [(_LATE_MS, exchange.frame)]


def duplicate(exchange: Exchange, memory: Memory) -> Answers:
    """Every answer comes twice."""
    return [(0, exchange.frame), (1, exchange.frame)]


def repeated(exchange: Exchange, memory: Memory) -> Answers:
    """Every read is answered with the whole frame of the read before, transaction and all."""
    key = exchange.request[:1]
    before = memory.answers.get(key, exchange.frame)
    memory.answers[key] = exchange.frame
    return [(0, before)]


def frozen_values(exchange: Exchange, memory: Memory) -> Answers:
    """As frozen, but the heartbeat goes on."""
    live = exchange.pdu
    frames = frozen(exchange, memory)
    first = address_of(exchange.request)
    at = 2 + 2 * (address("heartbeat") - first)
    if exchange.request[0] in _READS and 2 <= at < len(live):
        exchange.pdu = exchange.pdu[:at] + live[at : at + 2] + exchange.pdu[at + 2 :]
        exchange.build()
        frames = [(0, exchange.frame)]
    return frames


SPOILS: dict[str, Spoil] = {
    each.__name__: each
    for each in (
        stuck, offset, large_offset, drift, jump, swap, absent, byte_order, wrong_count,
    )
}  # fmt: skip
SENDS: dict[str, Send] = {
    each.__name__: each for each in (frozen, frozen_values, no_answer, late, duplicate, repeated)
}
NAMES = (*SPOILS, *SENDS)


def middle(name: str, target: Target, begin_ms: int) -> Callable[[Exchange, int], Answers]:
    """A middle for `VirtualSite` in which this fault lasts from now on."""
    memory = Memory()

    def pass_on(exchange: Exchange, now_ms: int) -> Answers:
        if name in SENDS:
            return SENDS[name](exchange, memory)
        if exchange.request[0] in _READS and exchange.pdu[0] == exchange.request[0]:
            first = address_of(exchange.request)
            data = exchange.pdu[2:]
            registers = {
                first + index: int.from_bytes(data[2 * index : 2 * index + 2], "big")
                for index in range(len(data) // 2)
            }
            SPOILS[name](registers, target, memory, now_ms - begin_ms)
            exchange.pdu = exchange.pdu[:2] + b"".join(
                raw.to_bytes(2, "big") for raw in registers.values()
            )
            exchange.build()
        return [(0, exchange.frame)]

    return pass_on
