"""Whether a site's relays and inputs are there on a board; the board itself refuses the same."""

from __future__ import annotations

from gateway.config import Config
from host_tools.deploy.boards import BoardKind
from host_tools.errors import UserError

_ROLES = ("site", "ventilation", "suppression")


def check(config: Config, kind: BoardKind, where: str) -> None:
    """UserError names each relay and input of the configuration that the board does not have."""
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
    if found:
        raise UserError(f"{where}: {'; '.join(found)}")
