"""`gatewayctl probe`: one value of one unit, read or written, with the map's words for it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from host_tools.confirm import confirm
from host_tools.errors import UserError
from host_tools.maps.model import Item, RegisterMap
from host_tools.maps.register_map import load
from host_tools.probe import decode
from host_tools.probe.line import Line, Where
from host_tools.probe.recognise import Unit

REFUSED = 1
_CODES = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take this value",
    4: "it failed",
    6: "it is busy",
    10: "the gateway in between has no path",
    11: "the unit behind the gateway in between does not answer",
}


def read(
    where: Where, unit: int, what: Sequence[str], map_name: str, timeout_s: float, as_json: bool
) -> int:
    """Values by their names in the map, or registers as FUNCTION:ADDRESS[:COUNT]; 1 = refused."""
    register_map = load(map_name.replace("_", "-")) if map_name else None
    asked: list[tuple[str, Item | tuple[int, int, int]]] = []
    for name in what:
        item = _find(register_map, name)
        asked.append((name, item if item is not None else _place(name, (1, 2, 3, 4))))
    worst = 0
    found: dict[str, object] = {}
    with Line(where, timeout_s) as line:
        for name, place in asked:
            if isinstance(place, tuple):
                worst |= _read_raw(line, unit, name, place, found)
            elif register_map is not None:
                worst |= _read_item(line, unit, register_map, place, found)
    if as_json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()))
    return worst


def write(
    where: Where,
    unit: int,
    name: str,
    value: int,
    map_name: str,
    timeout_s: float,
    *,
    yes: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """One register, after a question; `value` is raw. 1 = refused."""
    register_map = load(map_name.replace("_", "-")) if map_name else None
    item = _written(register_map, name)
    if item is not None:
        function, address = item.write_functions[0], item.address
        if item.low is not None and item.high is not None and not item.low <= value <= item.high:
            raise UserError(f"{name}: {value} is outside {item.low}..{item.high} of the map")
    else:
        function, address, _ = _place(name, (5, 6, 15, 16))
    if not 0 <= value <= 0xFFFF:
        raise UserError(f"{name}: {value} is outside 0..65535")
    note = f" ({item.note})" if item is not None and item.note else ""
    what = (
        f"This writes {value} (0x{value:04X}) to {name}{note} of unit {unit} at {where}, by"
        f" function {function} at address {address}."
    )
    if dry_run:
        print(json.dumps({name: "dry run"}) if as_json else f"dry run, nothing is sent: {what}")
        return 0
    if not yes:
        confirm(f"{what} It can open contactors or move limits.")
    with Line(where, timeout_s) as line:
        reply = line.write(unit, function, address, value)
    told = f"written {value}" if reply.values else f"not written: {_why(reply.code)}"
    if not (reply.values or reply.code):
        told = "no answer: nobody knows whether it was written; read it, check unit, baud, parity"
    print(json.dumps({name: told}) if as_json else f"{name}: {told}")
    return 0 if reply.values else REFUSED


def _find(register_map: RegisterMap | None, name: str) -> Item | None:
    if register_map is None or name[:1].isdigit():
        return None
    for item in (*register_map.items, *register_map.writes):
        if item.name == name:
            return item
    names = ", ".join(item.name for item in register_map.in_poll("summary"))
    raise UserError(f"{register_map.name}: no {name!r}; of its summary there are: {names}")


def _written(register_map: RegisterMap | None, name: str) -> Item | None:
    if register_map is None or name[:1].isdigit():
        return None
    for item in register_map.writes:
        if item.name == name:
            return item
    names = ", ".join(item.name for item in register_map.writes) or "none"
    raise UserError(f"{register_map.name}: {name!r} is not written; those that are: {names}")


def _read_item(
    line: Line, unit: int, register_map: RegisterMap, item: Item, found: dict[str, object]
) -> int:
    reply = line.read(unit, item.function, item.address, item.words)
    if not reply.values:
        found[item.name] = _why(reply.code)
        return REFUSED
    scale = decode.scale_of(item, register_map, Unit(line, unit).fetch)
    words = " ".join(f"{word:04X}" for word in reply.values)
    found[item.name] = f"{decode.text_of(item, reply.values, scale)}  [{words}]"
    return 0


def _read_raw(
    line: Line, unit: int, text: str, place: tuple[int, int, int], found: dict[str, object]
) -> int:
    reply = line.read(unit, *place)
    if not reply.values:
        found[text] = _why(reply.code)
        return REFUSED
    found[text] = " ".join(f"{word} (0x{word:04X})" for word in reply.values)
    return 0


def _place(text: str, functions: Sequence[int]) -> tuple[int, int, int]:
    """(function, address, count) of FUNCTION:ADDRESS[:COUNT], hex with 0x."""
    try:
        numbers = [int(part, 0) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) == 2:
        numbers.append(1)
    if len(numbers) != 3 or numbers[0] not in functions:
        allowed = ", ".join(map(str, functions))
        raise UserError(
            f"{text}: needs FUNCTION:ADDRESS[:COUNT] with function {allowed}, or --map and a name"
        )
    function, address, count = numbers
    if not (0 <= address <= 0xFFFF and 1 <= count <= 125):
        raise UserError(f"{text}: address 0..0xFFFF, at most 125 registers")
    return function, address, count


def _why(code: int) -> str:
    if not code:
        return "no answer: check unit, baud and parity (gatewayctl scan finds them)"
    return f"refused, exception {code}: {_CODES.get(code, 'of its own')}"
