"""From the text of a configuration to `Config`: every check, each problem with its setting's name.

Needed once, at start: only `gateway.config.load` imports it.
"""

from __future__ import annotations

import binascii
import json

from gateway.config import Config
from gateway.config.checks import check_address, check_integer, check_name, no_such
from gateway.config.curves import load_curves
from gateway.config.inputs import load_inputs
from gateway.config.limit_checks import load_limits
from gateway.config.racks import load_buses, load_racks
from gateway.config.settings import INTEGERS, SCHEMA, TEXTS
from gateway.config.together import check_together
from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PARTS = ("racks", "buses", "limits", "curves", "inputs")


def parse(text: str) -> Config:
    """What `gateway.config.load` promises."""
    try:
        tree = json.loads(text)
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise ConfigError("configuration: not a JSON object")
    problems: list[str] = []
    if tree.get("schema") != SCHEMA:
        raise ConfigError(
            "schema: this firmware needs %d, the file has %r; build it again"
            % (SCHEMA, tree.get("schema"))
        )
    loaded = _config(tree, problems)
    _unknown(tree, problems)
    if not problems:
        check_together(loaded, problems)
    if problems:
        raise ConfigError("; ".join(problems))
    loaded.crc = binascii.crc32(text.encode())
    return loaded


def _config(tree: dict[str, Any], problems: list[str]) -> Config:
    values = _scalars(tree, problems)
    buses = load_buses(tree.get("buses", []), problems)
    racks = load_racks(tree.get("racks"), [bus.name for bus in buses], problems)
    sample_ms = values["poll.hot_period_ms"]
    limits = load_limits(
        tree.get("limits"), sample_ms if isinstance(sample_ms, int) else 0, problems
    )
    curves = load_curves(tree.get("curves"), problems)
    inputs = load_inputs(tree.get("inputs", []), problems)
    return Config(values, buses, racks, limits, curves, inputs)


def _lookup(tree: dict[str, Any], name: str, default: object = None) -> object:
    """The entry with a dotted name; `default` only where it is absent: null is no value."""
    node: object = tree
    for part in name.split("."):
        if not isinstance(node, dict) or part not in node:
            return default
        node = node[part]
    return node


def _scalars(tree: dict[str, Any], problems: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, low, high, default, unit, _ in INTEGERS:
        values[name] = _lookup(tree, name, default)
        check_integer(name, values[name], low, high, unit, problems)
    for name, longest, standard, _ in TEXTS:
        text = values[name] = _lookup(tree, name, standard)
        if not isinstance(text, str) or len(text) > longest:
            problems.append("%s: needs text of at most %d characters" % (name, longest))
    for name in ("site", "gateway", "map"):
        check_name(name, values[name], problems)
    if values["uplink.host"] != "":
        check_address("uplink.host", values["uplink.host"], problems)
    if values["log_level"] not in ("debug", "info", "warning"):
        problems.append("log_level: needs debug, info or warning")
    return values


def _unknown(tree: dict[str, Any], problems: list[str]) -> None:
    names = [entry[0] for entry in INTEGERS] + [entry[0] for entry in TEXTS]
    sections = [name.split(".")[0] for name in names if "." in name]
    for key in tree:
        if key in sections:
            if not isinstance(tree[key], dict):
                problems.append("%s: needs an object" % key)
                continue
            for name in tree[key]:
                if key + "." + name not in names:
                    no_such("", key + "." + name, "setting", names, problems)
        elif key not in names and key not in _PARTS:
            no_such("", key, "setting", names + list(_PARTS), problems)
