"""The device's configuration: what it may say, and the one way to load it.

The same code checks on the laptop and on the device. `load` collects every problem, each with the
name of its setting, so that one look is enough to mend a file. Unknown names are refused: a
misspelt limit must not silently leave a default in force.
"""

from __future__ import annotations

import binascii
import json

from gateway.config.checks import check_address, check_integer, check_name, no_such
from gateway.config.curves import load_curves
from gateway.config.inputs import load_inputs
from gateway.config.limits import load_limits
from gateway.config.racks import load_buses, load_racks
from gateway.config.settings import INTEGERS, SCHEMA, TEXTS
from gateway.config.together import check_together
from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.config.curves import Points
    from gateway.config.inputs import InputSettings
    from gateway.config.limits import Limits
    from gateway.config.racks import BusSettings, RackSettings

_PARTS = ("racks", "buses", "limits", "curves", "inputs")


class Config:
    """A configuration that passed every check.

    `crc` is the CRC-32 of the text it came from; 0 for one that was put together in parts.
    """

    def __init__(
        self, values: dict[str, object], problems: list[str], tree: dict[str, Any]
    ) -> None:
        self._values = values
        self.crc = 0
        self.buses: list[BusSettings] = load_buses(tree.get("buses", []), problems)
        self.racks: list[RackSettings] = load_racks(
            tree.get("racks"), [bus.name for bus in self.buses], problems
        )
        sample_ms = values["poll.hot_period_ms"]
        self.limits: Limits = load_limits(
            tree.get("limits"), sample_ms if isinstance(sample_ms, int) else 0, problems
        )
        self.curves: dict[str, Points] = load_curves(tree.get("curves"), problems)
        self.inputs: list[InputSettings] = load_inputs(tree.get("inputs", []), problems)

    def integer(self, name: str) -> int:
        """Value of a setting in INTEGERS."""
        return self._values[name]  # type: ignore[return-value]

    def text(self, name: str) -> str:
        """Value of a setting in TEXTS."""
        return self._values[name]  # type: ignore[return-value]


def load(text: str) -> Config:
    """Parse and check a device configuration; ConfigError lists what is wrong."""
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
    loaded = Config(_scalars(tree, problems), problems, tree)
    _unknown(tree, problems)
    if not problems:
        check_together(loaded, problems)
    if problems:
        raise ConfigError("; ".join(problems))
    loaded.crc = binascii.crc32(text.encode())
    return loaded


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
