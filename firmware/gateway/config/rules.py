"""The protection rules as data: what each looks at, what its levels do, within which bounds.

One row is one protection function. Its set points, clear points and delays come from the
configuration; side, direction, reaction and latch class cannot be configured away. The bounds keep
a configuration from being looser than the cell's data sheet (2.5-3.65 V, 2.0 V in the cold, 0 degC
and 60 degC for charging), 10 V below the 1500 V system class and published practice (65 degC for
discharging: the default is the data sheet's 60).

A level 1 may take its time (120 s): it only warns or derates. A level 2 waits ten times its default
at most (gas a second, an order that is not obeyed a minute) and never longer than a minute, for it
is what keeps level 3 rare; a level 3 no longer than
the rack BMS needs to act first. Where the time is in the value itself there is no delay.
"""

from __future__ import annotations

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# `const`, so that RULES holds numbers and stays in flash: of names it would be 3 kB of heap.
CHARGE = const(1)
DISCHARGE = const(2)
BOTH = const(3)

# What a level does.
NONE = const(0)  # this rule has no such level
WARN = const(1)
DERATE = const(2)  # the current of the direction is reduced
STOP = const(3)  # no current in the direction, the contactor stays closed
OPEN = const(4)  # no current, then open
AT_ONCE = const(5)  # open without waiting for the current to go

# How a level 3 ends.
AUTOMATIC = const(0)  # by itself, once it was clear for its clear delay
WAIT = const(1)  # the same, but only a few times; then a person has to look
OPERATOR = const(2)  # a person releases it, once it is clear
SERVICE = const(3)  # a person with the service key does

# What moves a rule's detectors.
SUMMARY = const(0)  # each fresh summary
CELLS = const(1)  # each whole scan of the cells
TEMPS = const(2)  # each whole scan of the temperatures
TIMER = const(3)  # time; the value is an age or a count kept by the gateway
SITE = const(4)  # the board's inputs; one detector for all racks

_DSO = const((DERATE, STOP, OPEN))
_DS = const((DERATE, STOP, NONE))
_O = const((NONE, NONE, OPEN))

# fmt: off
# ruff: noqa: E501
# (name, side: 1 = too high, -1 = too low, unit, lowest and highest permitted set point, smallest
#  distance from set to clear, longest delays of levels 2 and 3 in ms, direction that levels 1 and 2
#  act on, what the levels do, how level 3 ends, what moves it)
RULES: tuple[tuple[Any, ...], ...] = (
    ("cell_overvoltage",           1, "mV",           3300,   3650,  10, (20000,  5000), CHARGE,    _DSO, OPERATOR,  SUMMARY),
    ("cell_undervoltage",         -1, "mV",           2500,   3200,  10, (20000,  5000), DISCHARGE, _DSO, OPERATOR,  SUMMARY),
    ("deep_discharge",            -1, "mV",           1800,   2000,  10, (    0, 10000), BOTH,      _O,   SERVICE,   SUMMARY),
    ("rack_overvoltage",           1, "0.1 V",        1000,  14900,  20, (20000,  5000), CHARGE,    _DSO, OPERATOR,  SUMMARY),
    ("rack_undervoltage",         -1, "0.1 V",         500,  14000,  20, (20000,  5000), DISCHARGE, _DSO, OPERATOR,  SUMMARY),
    ("voltage_sum",                1, "0.1 V",          10,    200,   5, (50000,     0), BOTH,      _DS,  AUTOMATIC, SUMMARY),
    ("charge_overcurrent",         1, "0.1 A",          10,  20000,   5, (60000, 15000), CHARGE,    _DSO, WAIT,      SUMMARY),
    ("discharge_overcurrent",      1, "0.1 A",          10,  20000,   5, (60000, 15000), DISCHARGE, _DSO, WAIT,      SUMMARY),
    ("charge_peak_budget",         1, "0.1 %",         100,   1000,  50, ( 2000,     0), CHARGE,    _DS,  AUTOMATIC, SUMMARY),
    ("discharge_peak_budget",      1, "0.1 %",         100,   1000,  50, ( 2000,     0), DISCHARGE, _DS,  AUTOMATIC, SUMMARY),
    ("charge_peak_current",        1, "0.1 A",          10,  30000,   5, (    0,  1000), CHARGE,    _O,   OPERATOR,  SUMMARY),
    ("discharge_peak_current",     1, "0.1 A",          10,  30000,   5, (    0,  1000), DISCHARGE, _O,   OPERATOR,  SUMMARY),
    ("charge_overtemperature",     1, "0.1 degC",      200,    600,  10, (50000, 10000), CHARGE,    _DSO, OPERATOR,  SUMMARY),
    ("charge_undertemperature",   -1, "0.1 degC",        0,    150,  10, (50000,     0), CHARGE,    _DS,  AUTOMATIC, SUMMARY),
    ("cold_charging",              1, "0.1 %",          10,    100,   5, (    0, 15000), CHARGE,    _O,   OPERATOR,  SUMMARY),
    ("discharge_overtemperature",  1, "0.1 degC",      200,    650,  10, (50000, 10000), DISCHARGE, _DSO, OPERATOR,  SUMMARY),
    ("discharge_undertemperature",-1, "0.1 degC",     -300,    150,  10, (50000, 10000), DISCHARGE, _DSO, OPERATOR,  SUMMARY),
    ("temp_spread",                1, "0.1 degC",       10,    200,   5, (60000,     0), BOTH,      _DS,  AUTOMATIC, SUMMARY),
    ("temp_rise",                  1, "0.1 degC/min",    5,    100,   2, (60000, 30000), BOTH,      (DERATE, STOP, AT_ONCE), OPERATOR, TEMPS),
    ("temp_rise_hot",              1, "0.1 degC/min",    5,     50,   2, (    0, 30000), BOTH,      (NONE, NONE, AT_ONCE), OPERATOR, TEMPS),
    ("voltage_spread",             1, "mV",             20,    500,   5, (60000, 10000), BOTH,      _DSO, OPERATOR,  SUMMARY),
    ("voltage_rate",               1, "mV/s",           10,    100,   5, (    0,  5000), BOTH,      (WARN, NONE, OPEN), OPERATOR, SUMMARY),
    ("insulation",                -1, "kOhm",           50,  20000,  10, (50000, 10000), BOTH,      (DERATE, DERATE, OPEN), OPERATOR, SUMMARY),
    ("comm_loss",                  1, "ms",            300,  10000, 100, (    0,     0), BOTH,      _DSO, AUTOMATIC, TIMER),
    ("heartbeat_frozen",           1, "ms",           1000,  30000, 100, (    0,     0), BOTH,      _DSO, AUTOMATIC, TIMER),
    ("values_frozen",              1, "ms",           5000, 120000, 100, (    0,     0), BOTH,      _DSO, AUTOMATIC, TIMER),
    ("implausible",                1, "ms",            100,  10000,  50, (    0,     0), BOTH,      _DSO, SERVICE,   TIMER),
    ("bad_cells",                  1, "",                1,      2,   1, (10000, 10000), BOTH,      _DSO, SERVICE,   CELLS),
    ("contactor_mismatch",         1, "ms",            500,  10000, 100, (    0,     0), BOTH,      (NONE, STOP, OPEN), SERVICE, TIMER),
    ("limit_not_respected",        1, "0.1 %",        1010,   1500,  10, (60000, 15000), BOTH,      (WARN, STOP, OPEN), OPERATOR, SUMMARY),
    ("stop_not_respected",         1, "0.1 %",          20,    200,   5, (    0, 60000), BOTH,      _O,   OPERATOR,  SUMMARY),
    ("precharge",                  1, "",                1,      5,   1, (    0,     0), BOTH,      (WARN, NONE, OPEN), OPERATOR, TIMER),
    ("gas",                        1, "",                1,      3,   1, ( 1000,  1000), BOTH,      (WARN, STOP, AT_ONCE), SERVICE, SITE),
    ("smoke",                      1, "",                1,      3,   1, (60000,  1000), BOTH,      (WARN, STOP, AT_ONCE), SERVICE, SITE),
    ("estop",                      1, "",                1,      1,   1, (    0,   200), BOTH,      (NONE, NONE, AT_ONCE), OPERATOR, SITE),
    ("door",                       1, "",                1,      1,   1, (    0,     0), BOTH,      (WARN, NONE, NONE), AUTOMATIC, SITE),
    ("leak",                       1, "",                1,      1,   1, (10000,     0), BOTH,      (NONE, STOP, NONE), AUTOMATIC, SITE),
    ("coolant",                    1, "",                1,      2,   1, (60000,     0), BOTH,      _DS,  AUTOMATIC, SITE),
)
# Points of another row's levels under another condition: (name, row, lowest and highest set point).
# cell_undervoltage: at and below -5 degC; from there to 0 degC on a straight line to its own.
VARIANTS = (("cell_undervoltage_cold", "cell_undervoltage", 2000, 3200),)
# fmt: on
NAMES: tuple[str, ...] = tuple([row[0] for row in RULES])
LEVELS = ("l1", "l2", "l3")

# Columns of RULES.
NAME = const(0)
SIDE = const(1)
UNIT = const(2)
LOWEST = const(3)
HIGHEST = const(4)
GAP = const(5)
LONGEST_MS = const(6)  # of level 2, of level 3
DIRECTION = const(7)
REACTIONS = const(8)
LATCH = const(9)
SCOPE = const(10)
