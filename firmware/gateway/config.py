"""Declared settings: what may stand in the device's configuration, in which unit and range.

The same code checks on the laptop and on the device. `load` collects every problem, each with the
name of its setting, so that one look is enough to mend a file. Unknown names are refused: a
misspelt limit must not silently leave a default in force.
"""

from __future__ import annotations

import json

from gateway.config_checks import check_address, check_integer, check_name
from gateway.config_racks import load_buses, load_racks
from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.config_racks import BusSettings, RackSettings

SCHEMA = 1
LEVELS = ("l1", "l2", "l3")

# fmt: off
# (name, lowest, highest, default, unit, meaning); default None = must be given.
INTEGERS = (
    ("schema",                      SCHEMA, SCHEMA, None, "",  "version of this format"),
    ("cells_per_rack",                   1,   1024, None, "",  "cells in series"),
    ("temps_per_rack",                   1,   1024, None, "",  "temperature sensors of a rack"),
    ("charge_current_da",               10,  20000, None, "0.1 A", "continuous, per rack"),
    ("discharge_current_da",            10,  20000, None, "0.1 A", "continuous, per rack"),
    ("derate_l1_pm",                     0,   1000,  500, "0.1 %", "current left at level 1"),
    ("poll.summary_period_ms",         100,   4000,  500, "ms", "each rack's summary"),
    ("poll.scan_period_ms",           1000, 600000, 4000, "ms", "every cell voltage"),
    ("poll.temp_period_ms",           1000, 600000, 4000, "ms", "every temperature"),
    ("poll.detail_period_ms",        10000, 3600000, 60000, "ms", "counters and fault words"),
    ("poll.hot_period_ms",              20,   1000,  100, "ms", "summary of a rack in trouble"),
    ("poll.latency_ms",                  0,   1000,   10, "ms", "usual answer over TCP"),
    ("poll.reply_timeout_ms",           20,   5000,  200, "ms", "longest wait for a TCP answer"),
    ("poll.connect_timeout_ms",        100,  10000, 1000, "ms", "opening a TCP connection"),
    ("outputs.arm_delay_ms",             0, 600000, 10000, "ms", "no relay closes after boot"),
    ("telemetry.flush_ms",             100,  60000, 2000, "ms", "longest time in RAM"),
    ("telemetry.segment_bytes",       8192, 262144, 65536, "B", "journal file"),
    ("telemetry.capacity_bytes",     65536, 2000000000, 8388608, "B", "oldest dropped above"),
    ("telemetry.cell_period_ms",      1000, 3600000, 10000, "ms", "record of every cell"),
    ("uplink.port",                      1,  65535, 1883, "",  "broker"),
    ("uplink.keep_alive_s",              2,   3600,   15, "s", "MQTT keep alive"),
    ("uplink.window",                    1,     32,    8, "messages", "not yet acknowledged"),
    ("uplink.batch_bytes",            2048,  65536, 4096, "B", "largest message"),
    ("uplink.linger_ms",                 0,  10000,  200, "ms", "wait to fill a message"),
    ("uplink.reconnect_base_ms",        50,  60000,  500, "ms", "full jitter from 0 to this"),
    ("uplink.reconnect_cap_ms",        100, 600000, 30000, "ms", "longest pause"),
    ("inputs.reset",                     0,     31,    0, "",  "push-button that releases trips"),
    ("watchdog_ms",                    500,   5000, 3000, "ms", "hardware watchdog"),
)
# Texts: name, longest, default, meaning.
TEXTS = (
    ("site",              64, None, "product or site name; used in topics"),
    ("gateway",           32, None, "identity of this device; used in topics"),
    ("map",               32, None, "register map of the rack BMS"),
    ("uplink.host",       15, "",   "IPv4 address of the broker; empty = no uplink"),
    ("uplink.user",      128, "",   "empty = none"),
    ("uplink.password",  128, "",   ""),
    ("log_level",          8, "info", "debug, info or warning"),
)
# (rule, side: 1 = too high, -1 = too low, lowest and highest permitted `set`, unit, longest
#  delay of level 3 in ms). The bounds are the cells' data sheet (2.0-3.65 V, one 1500 V class)
# and the sensors' range; the delays leave the rack BMS one second to act first, and no more.
RULES = (
    ("cell_overvoltage",       1,  3300,  3650, "mV",        5000),
    ("cell_undervoltage",     -1,  2000,  3200, "mV",        5000),
    ("rack_overvoltage",       1,  1000, 14950, "0.1 V",     5000),
    ("rack_undervoltage",     -1,   500, 14000, "0.1 V",     5000),
    ("charge_overcurrent",     1,    10, 20000, "0.1 A",    15000),
    ("discharge_overcurrent",  1,    10, 20000, "0.1 A",    15000),
    ("overtemperature",        1,   200,   650, "0.1 degC", 10000),
    ("undertemperature",      -1,  -350,   150, "0.1 degC", 10000),
    ("comm_loss",              1,   300, 10000, "ms",           0),
)
# fmt: on
RULE_NAMES = tuple(rule[0] for rule in RULES)
_LEVEL_KEYS = ("set", "clear", "delay_ms", "clear_delay_ms")
_OVERCURRENT = (
    ("charge_overcurrent", "charge_current_da"),
    ("discharge_overcurrent", "discharge_current_da"),
)
_DELAY_MS = (0, 3600000)
_HIGHEST_CELL_CDV = 365  # 0.01 V: 3.65 V, no string of cells may be above it
_RECORD_BYTES = 64  # message and record headers around a cell frame, rounded up


class Limit:
    """Set point, clear point (unit of its rule) and times of one level of one rule."""

    def __init__(self, set_point: int, clear_point: int, delay_ms: int, clear_ms: int) -> None:
        self.set_point = set_point
        self.clear_point = clear_point
        self.delay_ms = delay_ms
        self.clear_ms = clear_ms


class Config:
    """A configuration that passed every check."""

    def __init__(
        self,
        values: dict[str, object],
        buses: list[BusSettings],
        racks: list[RackSettings],
        limits: dict[str, tuple[Limit, ...]],
    ) -> None:
        self._values = values
        self.buses = buses
        self.racks = racks
        self.limits = limits

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
    values = _scalars(tree, problems)
    buses = load_buses(tree.get("buses", []), problems)
    racks = load_racks(tree.get("racks"), [bus.name for bus in buses], problems)
    limits = _limits(tree.get("limits"), problems)
    _unknown(tree, problems)
    if not problems:
        _cross_checks(values, buses, limits, problems)
    if problems:
        raise ConfigError("; ".join(problems))
    return Config(values, buses, racks, limits)


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


def _limits(tree: object, problems: list[str]) -> dict[str, tuple[Limit, ...]]:
    limits: dict[str, tuple[Limit, ...]] = {}
    if not isinstance(tree, dict):
        problems.append("limits: missing")
        return limits
    for rule, side, low, high, unit, longest_ms in RULES:
        levels = []
        for level in LEVELS:
            name = "limits.%s.%s" % (rule, level)
            limit = _limit(name, _lookup(tree, rule + "." + level), problems)
            if limit is None:
                continue
            check_integer(name + ".set", limit.set_point, low, high, unit, problems)
            if (limit.set_point - limit.clear_point) * side <= 0:
                problems.append("%s: clear must lie on the safe side of set" % name)
            levels.append(limit)
        if len(levels) == len(LEVELS):
            if levels[2].delay_ms > longest_ms:
                problems.append("limits.%s.l3.delay_ms: above %d ms" % (rule, longest_ms))
            _check_order(rule, side, levels, problems)
            limits[rule] = tuple(levels)
    for rule in tree:
        if rule not in RULE_NAMES:
            problems.append("limits.%s: no such rule" % rule)
    return limits


def _limit(name: str, entry: object, problems: list[str]) -> Limit | None:
    if not isinstance(entry, dict) or sorted(entry) != sorted(_LEVEL_KEYS):
        problems.append("%s: needs exactly %s" % (name, ", ".join(_LEVEL_KEYS)))
        return None
    good = True
    for key in _LEVEL_KEYS:
        low, high = _DELAY_MS if key.endswith("_ms") else (-20000, 20000)
        good = check_integer("%s.%s" % (name, key), entry[key], low, high, "", problems) and good
    return Limit(*[entry[key] for key in _LEVEL_KEYS]) if good else None


def _check_order(rule: str, side: int, levels: list[Limit], problems: list[str]) -> None:
    for index in (1, 2):
        if (levels[index].set_point - levels[index - 1].set_point) * side <= 0:
            problems.append(
                "limits.%s: %s must be set beyond %s" % (rule, LEVELS[index], LEVELS[index - 1])
            )


def _unknown(tree: dict[str, Any], problems: list[str]) -> None:
    known = (
        ["racks", "buses", "limits"]
        + [entry[0] for entry in INTEGERS]
        + [entry[0] for entry in TEXTS]
    )
    sections = [name.split(".")[0] for name in known if "." in name]
    for key in tree:
        if key in sections:
            if not isinstance(tree[key], dict):
                problems.append("%s: needs an object" % key)
                continue
            for name in tree[key]:
                if key + "." + name not in known:
                    problems.append("%s.%s: no such setting" % (key, name))
        elif key not in known:
            problems.append("%s: no such setting" % key)


def _cross_checks(
    values: dict[str, object],
    buses: list[BusSettings],
    limits: dict[str, tuple[Limit, ...]],
    problems: list[str],
) -> None:
    """Checks over several settings: current rules against the rating, poll against its answer."""
    if values["uplink.password"] and not values["uplink.user"]:
        problems.append("uplink.password: needs uplink.user too")
    for rule, rating in _OVERCURRENT:
        highest = values[rating] * 13 // 10  # type: ignore[operator]
        if limits[rule][2].set_point > highest:
            problems.append("limits.%s.l3.set: above 1.3 x %s" % (rule, rating))
    period_ms = values["poll.summary_period_ms"]
    if values["poll.reply_timeout_ms"] >= period_ms:  # type: ignore[operator]
        problems.append("poll.reply_timeout_ms: must be below poll.summary_period_ms")
    if limits["comm_loss"][0].set_point < 2 * period_ms:  # type: ignore[operator]
        problems.append("limits.comm_loss.l1.set: below two summary periods")
    # A summary may have to wait for two other requests, and then takes its own time.
    longest_ms = max([bus.reply_timeout_ms for bus in buses] + [values["poll.reply_timeout_ms"]])  # type: ignore[type-var]
    oldest_ms = period_ms + 3 * longest_ms  # type: ignore[operator]
    for level, limit in zip(LEVELS, limits["comm_loss"]):
        if limit.clear_point < oldest_ms:
            problems.append(
                "limits.comm_loss.%s.clear: below %d ms, data of a good rack are older"
                % (level, oldest_ms)
            )
    cells = values["cells_per_rack"]
    highest_dv = cells * _HIGHEST_CELL_CDV // 10  # type: ignore[operator]
    if limits["rack_overvoltage"][2].set_point > highest_dv:
        problems.append("limits.rack_overvoltage.l3.set: above 3.65 V per cell")
    frame_bytes = 2 * cells + 2 * values["temps_per_rack"] + _RECORD_BYTES  # type: ignore[operator]
    if values["uplink.batch_bytes"] < frame_bytes:  # type: ignore[operator]
        problems.append("uplink.batch_bytes: %d needed for one cell frame" % frame_bytes)
