"""`gatewayctl scan`: who answers on a line, with which map, and the lines for the site file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import Progress

from host_tools.errors import UserError
from host_tools.maps.model import RegisterMap
from host_tools.maps.register_map import load, map_names
from host_tools.probe.line import FRAMES, MODBUS_PORT, Line, Where
from host_tools.probe.recognise import Match, Unit, best
from host_tools.toolchain.progress import say

BAUDS = (9600, 19200, 115200, 57600, 38400)  # the usual ones first
_PLACES = 3  # registers that a unit is asked for before it counts as absent
NOTHING = 1
__all__ = ["MODBUS_PORT", "main", "numbers", "serial_lines", "tcp_lines"]


@dataclass(frozen=True)
class Found:
    """A unit that answers at `where`; `match` is None for one that no map fits."""

    where: Where
    unit: int
    match: Match | None


def main(
    lines: Sequence[Where],
    units: Sequence[int],
    maps: Sequence[str],
    timeout_s: float,
    as_json: bool,
) -> int:
    """0: somebody answered. 1: nobody did, and what to check."""
    loaded = [load(name.replace("_", "-")) for name in maps or map_names()]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scan", total=len(lines) * len(units))
        found: list[Found] = []
        for where in lines:
            bar.update(task, description=str(where))
            try:
                for unit in _scan(where, units, loaded, timeout_s):
                    if unit is not None:
                        found.append(unit)
                    bar.advance(task)
            except UserError as error:
                if where.serial or len(lines) == 1:
                    raise
                say(str(error))  # of several hosts the others may be there
            if found and where.serial:
                break  # all units of a line have its speed
    if as_json:
        print(json.dumps([_plain(each) for each in found]))
    else:
        print("\n".join(report(found, lines)))
    return 0 if found else NOTHING


def _scan(
    where: Where, units: Sequence[int], maps: Sequence[RegisterMap], timeout_s: float
) -> Iterator[Found | None]:
    with Line(where, timeout_s) as line:
        for number in units:
            if not _is_there(line, number, maps):
                yield None
                continue
            yield Found(where, number, best(Unit(line, number), maps))


def _is_there(line: Line, unit: int, maps: Sequence[RegisterMap]) -> bool:
    """Any answer will do, an exception as well; some units are silent about foreign registers."""
    places = [(3, 0)]
    for each in maps:
        first = each.in_poll("summary")[0]
        if (first.function, first.address) not in places:
            places.append((first.function, first.address))
    return any(line.read(unit, *place).alive for place in places[:_PLACES])


def report(found: Sequence[Found], lines: Sequence[Where]) -> list[str]:
    """What was found, and the part of a site file that says so."""
    if not found:
        what = (
            "A and B, the bus's own supply, termination" if lines[0].serial else "address, cable"
        )
        return [f"nobody answers: check {what}, and that nobody else asks on this line"]
    told = []
    for each in found:
        if each.match is None:
            text = "answers, but fits no map: gatewayctl probe reads its registers"
        else:
            sure = "" if each.match.certain else f", {each.match.score * 100:.0f} % fits"
            text = f"{each.match.register_map.name}{sure}: {', '.join(each.match.values)}"
        told.append(f"{each.where} unit {each.unit}: {text}")
    return [*told, "", *proposal(found)]


def proposal(found: Sequence[Found]) -> list[str]:
    """TOML for a site file; names and relays are to be checked by whoever knows the cabinet."""
    known = [each for each in found if each.match is not None]
    maps = {each.match.register_map.name for each in known if each.match}
    told = ["# proposed for the site file; check names and trip_relay against the wiring"]
    if len(maps) == 1:
        told.append(f'map = "{maps.pop()}"')
    elif maps:
        told.append(f"# one site speaks one map, here are: {', '.join(sorted(maps))}")
    serial = [each.where for each in known if each.where.serial]
    if serial:
        told += [
            "",
            "[[buses]]",
            'name = "rs485-1"',
            "uart = 1  # as the page of the board in boards/ counts it",
        ]
        told += [f"baud = {serial[0].baud}", f'frame = "{serial[0].frame}"']
    for index, each in enumerate(known):
        told += ["", "[[racks]]", f'name = "rack{index + 1:02d}"']
        if each.where.serial:
            told.append('bus = "rs485-1"')
        else:
            told += [f'host = "{each.where.host}"', f"port = {each.where.port}"]
        told += [f"unit = {each.unit}", f"trip_relay = {index}"]
    return told


def _plain(found: Found) -> dict[str, object]:
    plain: dict[str, object] = {"where": str(found.where), "unit": found.unit, "map": None}
    if found.match is not None:
        plain |= {
            "map": found.match.register_map.name,
            "score": round(found.match.score, 3),
            "certain": found.match.certain,
            "values": list(found.match.values),
        }
    return plain


def serial_lines(port: str, bauds: str, frames: str) -> list[Where]:
    """Every combination that is to be tried; "" stands for the usual ones."""
    rates = numbers(bauds, "--baud", 1200, 230400) if bauds else list(BAUDS)
    kinds = frames.upper().split(",") if frames else list(FRAMES)
    for kind in kinds:
        if kind not in FRAMES:
            raise UserError(f"--frame {kind}: there are: {', '.join(FRAMES)}")
    return [Where(serial=port, baud=baud, frame=kind) for baud in rates for kind in kinds]


def tcp_lines(addresses: str, port: int) -> list[Where]:
    """One or several hosts, a comma in between, each with or without a port of its own."""
    found = []
    for address in addresses.split(","):
        host, colon, own = address.strip().partition(":")
        if not host or (colon and not own.isdigit()):
            raise UserError(f"--tcp {address}: needs HOST or HOST:PORT")
        found.append(replace(Where(), host=host, port=int(own) if colon else port))
    return found


def numbers(text: str, option: str, low: int, high: int) -> list[int]:
    """Of "1-16,20"; UserError for what is no such list."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise UserError(f"{option} {text}: needs numbers, as in 1-16,20")
        found += range(int(first), int(last if dash else first) + 1)
    if not found or min(found) < low or max(found) > high:
        raise UserError(f"{option} {text}: must be within {low}..{high}")
    return found
