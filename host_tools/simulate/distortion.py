"""What faults make of the readings of a rack: each quantity that can be driven, and where.

`forced` maps a quantity to the fault that drives it. Quantities and their units:

| quantity | unit | what is driven |
| --- | --- | --- |
| cell_mv, temp_dc | mV, 0.1 degC | one cell, one sensor |
| apart_dc | 0.1 degC | one sensor, that far above the mean of the others |
| cells_mv | mV | the mean of all cells; each keeps its distance to the others |
| hottest_dc, coldest_dc | 0.1 degC | the hottest, the coldest sensor; all others go along |
| sum_mv | mV per cell | the rack's own voltage, beside the sum of its cells |
| insulation_per_cell | Ohm | the insulation resistance, by the number of cells |
| void_cells | cells | so many without a value in the scan; the summary does not show it |
| a field of the summary | its own | what is told, nothing else; 65535 is no value in a plain map |
| load, load_limit, load_c | see `RackUnit` | the current |
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.rack.data import SUMMARY_FIELDS
from host_tools.simulate.cell_model import Integers
from host_tools.simulate.forced_reading import ForcedReading

Forced = Mapping[str, ForcedReading]
VOID = 0xFFFF
_FIRST_VOID, _VOID_STEP = 41, 60  # in different modules


def cells(forced: Forced, measured: Integers, now_ms: int) -> Integers:
    """Cell voltages in mV."""
    if every := forced.get("cells_mv"):
        mean = float(measured.mean())
        measured = measured + round(every.value(mean, now_ms) - mean)
    if one := forced.get("cell_mv"):
        measured[one.index] = round(one.value(float(measured[one.index]), now_ms))
    return measured


def temps(forced: Forced, measured: Integers, now_ms: int) -> Integers:
    """Temperatures in 0.1 degC."""
    for quantity, live in (("hottest_dc", measured.max()), ("coldest_dc", measured.min())):
        if every := forced.get(quantity):
            measured = measured + round(every.value(float(live), now_ms) - float(live))
    if apart := forced.get("apart_dc"):
        mean = float(measured.mean())
        now_apart = float(measured[apart.index]) - mean
        measured[apart.index] = round(mean + apart.value(now_apart, now_ms))
    if one := forced.get("temp_dc"):
        measured[one.index] = round(one.value(float(measured[one.index]), now_ms))
    return measured


def summary(forced: Forced, values: dict[str, int], now_ms: int) -> None:
    """What the summary tells of cells and rack that are what they are."""
    if beside := forced.get("sum_mv"):
        values["rack_voltage_dv"] += round(beside.value(0.0, now_ms) * values["cell_count"] / 100)
    if leak := forced.get("insulation_per_cell"):
        values["insulation_kohm"] = round(leak.target * values["cell_count"] / 1000)
    for name in SUMMARY_FIELDS:
        if told := forced.get(name):
            values[name] = round(told.value(values[name], now_ms))


def scan(forced: Forced, measured: Integers) -> Integers:
    """The cells as the scan has them."""
    if void := forced.get("void_cells"):
        measured = measured.copy()
        for number in range(round(void.target)):
            measured[_FIRST_VOID + number * _VOID_STEP] = VOID
    return measured
