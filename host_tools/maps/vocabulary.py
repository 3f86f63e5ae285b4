"""The words that a register map may use, and the numbers the gateway has for them."""

from __future__ import annotations

from fractions import Fraction

from gateway.rack import data as rack_data
from gateway.rack import fields

SUMMARY_FIELDS = rack_data.SUMMARY_FIELDS
VITAL = tuple(SUMMARY_FIELDS[slot] for slot in rack_data.VITAL)
ROWS = (
    "meta", "item", "array", "derived", "enum", "bit", "hole", "barrier", "write", "command",
)  # fmt: skip
POLLS = ("summary", "cells", "temps", "details", "once", "request")
ARRAYS = {"cell_mv": 0, "temp_dc": 1}  # name of an array row: what the firmware fills from it
DERIVED = ("cell_mean_mv", "cell_count", "temp_count")

# type: (registers, lowest, highest raw value); the sign is part of the type, there is no default.
TYPES = {
    "u16": (1, 0, 0xFFFF),
    "s16": (1, -0x8000, 0x7FFF),
    "u32": (2, 0, 0xFFFFFFFF),
    "s32": (2, -0x80000000, 0x7FFFFFFF),
    "u64": (4, 0, 0xFFFFFFFFFFFFFFFF),
    "f32": (2, -(10**38), 10**38),
    "digits": (1, 0, 9999),
    "text": (0, 0, 0),
    "bit": (1, 0, 1),
}
KINDS = {
    "u16": fields.U16, "s16": fields.S16, "u32": fields.U32, "s32": fields.S32, "u64": fields.U64,
    "f32": fields.F32, "digits": fields.DIGITS, "text": fields.TEXT, "bit": fields.BIT,
}  # fmt: skip
WIDE = ("u64", "f32", "text")  # may allocate: not in the summary

# unit of a map: (what it measures, factor to the base unit)
UNITS = {
    "V": ("voltage", Fraction(1)), "mV": ("voltage", Fraction(1, 1000)),
    "A": ("current", Fraction(1)), "mA": ("current", Fraction(1, 1000)),
    "degC": ("temperature", Fraction(1)), "K": ("temperature", Fraction(1)),
    "%": ("share", Fraction(1)),
    "kOhm": ("resistance", Fraction(1000)), "Ohm": ("resistance", Fraction(1)),
    "Wh": ("energy", Fraction(1)), "kWh": ("energy", Fraction(1000)),
    "Ah": ("charge", Fraction(1)), "s": ("time", Fraction(1)),
    "count": ("", Fraction(1)), "index": ("", Fraction(1)), "enum": ("", Fraction(1)),
    "bits": ("", Fraction(1)), "digits": ("", Fraction(1)), "text": ("", Fraction(1)),
    "power of ten": ("", Fraction(1)),
}  # fmt: skip
# end of a name: (what it measures, units of the gateway per base unit)
SUFFIXES = {
    "dv": ("voltage", Fraction(10)), "mv": ("voltage", Fraction(1000)),
    "da": ("current", Fraction(10)), "dc": ("temperature", Fraction(10)),
    "pm": ("share", Fraction(10)), "kohm": ("resistance", Fraction(1, 1000)),
    "wh": ("energy", Fraction(1)), "ah": ("charge", Fraction(1)), "s": ("time", Fraction(1)),
}  # fmt: skip

# Names of enum values that the gateway understands, and the numbers it has for them.
MEANINGS: dict[str, dict[str, int]] = {
    "state": {"standby": 0, "discharge": 1, "charge": 2, "fault": 3, "unknown": 4},
    "contactor_state": {"open": 0, "closed": 1, "precharging": 2, "unknown": 3},
    "contactor_command": {"open": 0, "close": 1},
}
ALARMS = (
    "cell_over_voltage", "cell_under_voltage", "rack_over_voltage", "rack_under_voltage",
    "charge_over_current", "discharge_over_current", "over_temperature", "under_temperature",
    "communication", "insulation", "soc_low", "cell_imbalance", "temperature_spread",
    "internal_communication", "hardware", "other",
)  # fmt: skip
SEVERITIES = {"warn": "alarm_warn_bits", "stop": "alarm_stop_bits", "trip": "alarm_trip_bits"}

HEARTBEATS = {"constant": 0, "counter": 1, "toggle": 2}
READ_FUNCTIONS = (1, 2, 3, 4)
WRITE_FUNCTIONS = (5, 6, 15, 16)
READ_LIMIT = 125  # registers in one answer, Modbus application protocol 1.1b3, 6.3

# What a summary value must be able to say on every product, in the unit of its name: racks of up
# to 1500 V that carry 280 A and more for short, between -40 and 85 degC.
MUST_COVER = {
    "rack_voltage_dv": (1000, 15000),
    "rack_current_da": (-6000, 6000),
    "soc_pm": (0, 1000),
    "soh_pm": (0, 1000),
    "cell_max_mv": (1000, 4500),
    "cell_min_mv": (1000, 4000),
    "cell_mean_mv": (1000, 4000),
    "temp_max_dc": (-400, 850),
    "temp_min_dc": (-400, 850),
    "temp_mean_dc": (-400, 850),
    "charge_limit_da": (0, 6000),
    "discharge_limit_da": (0, 6000),
    "cell_mv": (1000, 4500),
    "temp_dc": (-400, 850),
}


def slot_of(name: str) -> int:
    """Number of a summary field."""
    return SUMMARY_FIELDS.index(name)
