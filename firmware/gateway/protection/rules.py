"""The rules table: which value each rule looks at, which way it acts, how it is released.

Names, permitted ranges and sides are declared in `gateway.config.RULES`; the order is the same.
"""

from __future__ import annotations

from gateway.config import RULES
from gateway.rack import data

CHARGE = 1
DISCHARGE = 2
BOTH = 3

AUTO = 0  # released by itself once the clear condition held for its clear delay
OPERATOR = 1  # latched at level 3; released on request once the clear condition holds

# fmt: off
# (rule, summary slot or -1 for the age of the data, factor on the value,
#  direction levels 1 and 2 act on, latch class of level 3)
TABLE = (
    ("cell_overvoltage",      data.CELL_MAX_MV,      1, CHARGE,    OPERATOR),
    ("cell_undervoltage",     data.CELL_MIN_MV,      1, DISCHARGE, OPERATOR),
    ("rack_overvoltage",      data.RACK_VOLTAGE_DV,  1, CHARGE,    OPERATOR),
    ("rack_undervoltage",     data.RACK_VOLTAGE_DV,  1, DISCHARGE, OPERATOR),
    ("charge_overcurrent",    data.RACK_CURRENT_DA,  1, CHARGE,    OPERATOR),
    ("discharge_overcurrent", data.RACK_CURRENT_DA, -1, DISCHARGE, OPERATOR),
    ("overtemperature",       data.TEMP_MAX_DC,      1, BOTH,      OPERATOR),
    ("undertemperature",      data.TEMP_MIN_DC,      1, CHARGE,    OPERATOR),
    ("comm_loss",             -1,                    1, BOTH,      AUTO),
)
# fmt: on

RULE_COUNT = len(TABLE)
LEVEL_COUNT = 3
COMM_LOSS = RULE_COUNT - 1
NO_RULE = 255
NAMES = tuple(row[0] for row in TABLE)

if tuple(rule[0] for rule in RULES) != NAMES:
    raise ImportError("rules and config.RULES disagree")


def name(rule: int) -> str:
    """Name of a rule number, "" for NO_RULE."""
    return NAMES[rule] if rule < RULE_COUNT else ""
