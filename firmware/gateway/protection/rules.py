"""Numbers of the rules that code speaks of by name; everything else about them is data.

See `gateway.config.rules` for the table: the number of a rule is its place there.
"""

from __future__ import annotations

from gateway.config.rules import BOTH, CHARGE, DISCHARGE, NAMES, RULES, SCOPE, SITE

RULE_COUNT = len(RULES)
RACK_RULES = len([row for row in RULES if row[SCOPE] != SITE])  # they come first
LEVEL_COUNT = 3
NO_RULE = 255
# What limits a current when no rule does, in `charge_by` and `discharge_by`: a curve, the BMS, the
# ramp after an earlier limit, the want of any data, or an order from outside.
BY_CURVE = 100  # and up, in the order of `gateway.config.curves.CURVES`
BY_BMS = 200
BY_RAMP = 201
BY_START = 202
BY_ORDER = 203

CELL_OVERVOLTAGE = NAMES.index("cell_overvoltage")
CELL_UNDERVOLTAGE = NAMES.index("cell_undervoltage")
DEEP_DISCHARGE = NAMES.index("deep_discharge")
RACK_OVERVOLTAGE = NAMES.index("rack_overvoltage")
RACK_UNDERVOLTAGE = NAMES.index("rack_undervoltage")
VOLTAGE_SUM = NAMES.index("voltage_sum")
CHARGE_OVERCURRENT = NAMES.index("charge_overcurrent")
DISCHARGE_OVERCURRENT = NAMES.index("discharge_overcurrent")
CHARGE_PEAK_BUDGET = NAMES.index("charge_peak_budget")
DISCHARGE_PEAK_BUDGET = NAMES.index("discharge_peak_budget")
CHARGE_PEAK_CURRENT = NAMES.index("charge_peak_current")
DISCHARGE_PEAK_CURRENT = NAMES.index("discharge_peak_current")
CHARGE_OVERTEMPERATURE = NAMES.index("charge_overtemperature")
CHARGE_UNDERTEMPERATURE = NAMES.index("charge_undertemperature")
COLD_CHARGING = NAMES.index("cold_charging")
DISCHARGE_OVERTEMPERATURE = NAMES.index("discharge_overtemperature")
DISCHARGE_UNDERTEMPERATURE = NAMES.index("discharge_undertemperature")
TEMP_SPREAD = NAMES.index("temp_spread")
TEMP_RISE = NAMES.index("temp_rise")
TEMP_RISE_HOT = NAMES.index("temp_rise_hot")
VOLTAGE_SPREAD = NAMES.index("voltage_spread")
VOLTAGE_RATE = NAMES.index("voltage_rate")
INSULATION = NAMES.index("insulation")
COMM_LOSS = NAMES.index("comm_loss")
HEARTBEAT_FROZEN = NAMES.index("heartbeat_frozen")
VALUES_FROZEN = NAMES.index("values_frozen")
IMPLAUSIBLE = NAMES.index("implausible")
BAD_CELLS = NAMES.index("bad_cells")
CONTACTOR_MISMATCH = NAMES.index("contactor_mismatch")
LIMIT_NOT_RESPECTED = NAMES.index("limit_not_respected")
STOP_NOT_RESPECTED = NAMES.index("stop_not_respected")
PRECHARGE = NAMES.index("precharge")
GAS = NAMES.index("gas")
SMOKE = NAMES.index("smoke")
ESTOP = NAMES.index("estop")
DOOR = NAMES.index("door")
LEAK = NAMES.index("leak")
COOLANT = NAMES.index("coolant")

__all__ = ("BOTH", "CHARGE", "DISCHARGE", "NAMES", "RULES")


def name(rule: int) -> str:
    """Name of a rule number, "" for NO_RULE."""
    return NAMES[rule] if rule < RULE_COUNT else ""
