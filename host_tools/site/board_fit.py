"""Whether a site fits a board: its relays and inputs, which the board itself refuses too, racks
and records, which it has no room for.
"""

from __future__ import annotations

import ast
import json

from gateway.config import Config
from gateway.telemetry.rewind import Rewind
from host_tools.deploy.boards import BoardKind
from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT

_ROLES = ("site", "ventilation", "suppression")
# Heap of the gateway's objects, measured on the emulated 32-bit board with racks of 416 cells.
_GATEWAY_BYTES = 90_000
_RACK_BYTES = 17_000
_CODER_BYTES = 2000  # of a rack's rewind, and 4 more for each cell and sensor
_CONSOLE_SOCKETS = 2  # the one that listens, and somebody who asks
_SHORTEST_REWIND_S = 10  # what a box takes to collect the time behind a trip


def check(config: Config, kind: BoardKind, where: str) -> None:
    """UserError names each relay and input of the configuration that the board does not have, and
    what of it the board has no room for.
    """
    relays = [(f"racks: {rack.name}: trip_relay", rack.trip_relay) for rack in config.racks]
    for role in _ROLES:
        name = f"outputs.{role}_relay"
        relays.append((name, config.integer(name)))
    found = [
        f"{name} {number}, but {kind.name} has relays 0..{kind.relays - 1}"
        for name, number in relays
        if number >= kind.relays
    ]
    found += [
        f"inputs: {each.name}: number {each.number}, but {kind.name} has inputs"
        f" 0..{kind.inputs - 1}"
        for each in config.inputs
        if each.number >= kind.inputs
    ]
    found += _too_much(config, kind)
    if found:
        raise UserError(f"{where}: {'; '.join(found)}")


def budget(kind: BoardKind) -> dict[str, int]:
    """budget.json of a board, {} where nothing is short.

    `racks` of 416 cells and 208 sensors that it carries with its settings.json, `heap_bytes` at
    the prompt, `program_bytes` of it that the program takes, `record_bytes` of flash for records,
    `sockets` that its image can have open at a time.
    """
    path = ROOT / "boards" / kind.name / "budget.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def heap_bytes(kind: BoardKind, racks: int, cells: int, temps: int, rewind_s: int) -> int:
    """What a gateway with so many racks takes on this board, garbage included; an estimate."""
    rewind = Rewind(racks, cells, temps, rewind_s)
    coders = racks * (_CODER_BYTES + 4 * (cells + temps)) if rewind_s else 0
    gateway = _GATEWAY_BYTES + racks * _RACK_BYTES + rewind.ram_bytes + coders
    return budget(kind)["program_bytes"] + gateway + _garbage_bytes(kind)


def _garbage_bytes(kind: BoardKind) -> int:
    """Between two collections; the board's own word."""
    source = (ROOT / "boards" / kind.name / "board.py").read_text()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_GC_BYTES":
            return int(ast.literal_eval(node.value))
    raise UserError(f"boards/{kind.name}/board.py: no _GC_BYTES")


def _too_much(config: Config, kind: BoardKind) -> list[str]:
    limits = budget(kind)
    if not limits:
        return []
    found = []
    records = config.integer("telemetry.capacity_bytes")
    if records > limits["record_bytes"]:
        found.append(
            f"telemetry.capacity_bytes {records}, but {kind.name} has room for"
            f" {limits['record_bytes']}: see its settings.json"
        )
    racks = len(config.racks)
    if racks > limits["racks"]:
        found.append(f"{racks} racks, but {kind.name} carries {limits['racks']}: its memory")
    rewind_s = config.integer("telemetry.rewind_s")
    if config.integer("telemetry.aftermath_s"):
        rewind_s = max(rewind_s, _SHORTEST_REWIND_S)
    cells, temps = config.integer("cells_per_rack"), config.integer("temps_per_rack")
    needed = heap_bytes(kind, racks, cells, temps, rewind_s)
    if needed > limits["heap_bytes"]:
        found.append(
            f"{racks} racks with telemetry.rewind_s {rewind_s} need about {needed // 1000} kB of"
            f" memory, but {kind.name} has {limits['heap_bytes'] // 1000}"
        )
    return found + _too_many_sockets(config, kind)


def _too_many_sockets(config: Config, kind: BoardKind) -> list[str]:
    """Racks would be the first to be connected; broker, time and console would be left out."""
    there_are = budget(kind).get("sockets")
    to_racks = len({(rack.host, rack.port) for rack in config.racks if rack.host})
    servers = sum(bool(config.text(name)) for name in ("uplink.host", "time.ntp_host"))
    needed = to_racks + servers + _CONSOLE_SOCKETS
    if there_are is None or needed <= there_are:
        return []
    return [
        f"{to_racks} connections to racks, {servers} to servers and {_CONSOLE_SOCKETS} for the"
        f" console need {needed} sockets, but {kind.name} has {there_are}: put racks behind one"
        " address, or on RS-485"
    ]
