"""What a site cannot do although its configuration is good: told, not refused."""

from __future__ import annotations

from gateway.config import Config
from gateway.config.rules import LATCH, NAME, RULES, SERVICE
from gateway.southbound import map_table

_WATCHED = (
    ("the emergency stop", {"estop"}),
    ("smoke", {"smoke"}),
    ("gas", {"gas_low", "gas_high"}),
)
_LOOPS = ("gas_low", "smoke", "door", "leak", "coolant")


def notices(config: Config) -> list[str]:
    """What register map, relays and inputs of this site leave out, each in one line."""
    return _map(config.text("map")) + _relays(config) + _inputs(config)


def _map(name: str) -> list[str]:
    table = map_table(name)
    missing = []
    if not table.OPEN_CONTACTOR:
        missing.append("command the contactor open: level 3 drops the relay only")
    if not table.CHARGE_LIMIT or not table.DISCHARGE_LIMIT:
        missing.append(
            "tell the BMS a lower current: level 1 is reported only, and a level 2 whose current"
            " does not stop opens after the delay of stop_not_respected"
        )
    return [f"map {name} cannot {what}" for what in missing]


def _relays(config: Config) -> list[str]:
    lines = []
    if config.integer("outputs.site_relay") < 0:
        lines.append(
            "outputs.site_relay is not set: when a contactor does not open, all that is left is"
            " to grant 0 A and to say so"
        )
    roles = {each.role for each in config.inputs}
    if roles & {"gas_low", "gas_high"} and config.integer("outputs.ventilation_relay") < 0:
        lines.append(
            "outputs.ventilation_relay is not set: gas is detected, but no fan starts with it"
        )
    return lines


def _inputs(config: Config) -> list[str]:
    roles = {each.role for each in config.inputs}
    lines = []
    if "reset" not in roles:
        lines.append(
            "inputs: none has the role reset: a command from upstream is the only way to release"
            " a trip, and nothing releases those of the site (gas, smoke, estop)"
        )
    if "service_key" not in roles:
        rules = ", ".join(row[NAME] for row in RULES if row[LATCH] == SERVICE)
        lines.append(
            f"inputs: none has the role service_key: nobody can release a trip of {rules},"
            " nor a flash that was formatted"
        )
    absent = [name for name, those in _WATCHED if not roles & those]
    if absent:
        lines.append(f"inputs: nobody watches {', '.join(absent)}")
    lines += [
        f"inputs: {each.name}: {each.role} alarms when its loop closes: a broken wire never does"
        for each in config.inputs
        if each.on_level and each.role in _LOOPS
    ]
    return lines
