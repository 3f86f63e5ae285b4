"""Whether a board has the relays and inputs that a configuration numbers."""

from __future__ import annotations

from gateway.config import Config
from host_tools.deploy.boards import BoardKind
from host_tools.errors import UserError

_SITE_RELAYS = ("site", "ventilation", "suppression")


def check(config: Config, board: BoardKind, where: str) -> None:
    """UserError that lists every relay and input that `board` does not have.

    The gateway looks again at its start, and stays in safe mode.
    """
    relays = [(f"racks: {rack.name}: trip_relay", rack.trip_relay) for rack in config.racks]
    for role in _SITE_RELAYS:
        name = f"outputs.{role}_relay"
        relays.append((name, config.integer(name)))
    inputs = [(f"inputs: {entry.name}: number", entry.number) for entry in config.inputs]
    problems = [
        f"{name} {number}, but {board.name} has {what} 0..{count - 1}"
        for what, count, used in (
            ("relays", board.relays, relays),
            ("inputs", board.inputs, inputs),
        )
        for name, number in used
        if number >= count
    ]
    if problems:
        raise UserError(f"{where}: {'; '.join(problems)}")
