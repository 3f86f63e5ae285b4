"""Default protection limits of a product, in device units.

Voltages per cell and delays: proposed set for a second line behind the rack BMS, from published
LFP settings (levels warn and derate / stop / trip). The trip level of the rack keeps 10 V below
the system class, because 416 cells at 3.65 V exceed 1500 V. Currents are multiples of the printed
continuous rack current: converters can exceed it, so a power limit does not protect the rack.
"""

from __future__ import annotations

from host_tools.site.products import Product

Limits = dict[str, dict[str, dict[str, int]]]
Row = tuple[int, int, int, int]
Rows = tuple[Row, ...]

CLASS_MARGIN_V = 10.0
_OVERCURRENT_FACTORS = (1.05, 1.15, 1.25)
_CELL_TO_DV = 10  # one volt is ten 0.1 V

# rule: (set, clear, delay in ms, clear delay in ms) for each level
_FIXED: dict[str, Rows] = {
    "cell_overvoltage": (
        (3500, 3450, 5000, 5000), (3600, 3500, 2000, 5000), (3650, 3450, 1000, 5000)),
    "cell_undervoltage": (
        (2900, 3000, 5000, 5000), (2800, 3000, 2000, 5000), (2500, 2800, 1000, 5000)),
    "overtemperature": (
        (500, 470, 10000, 10000), (550, 500, 5000, 10000), (600, 470, 2000, 10000)),
    "undertemperature": (
        (50, 80, 10000, 10000), (0, 50, 5000, 10000), (-300, -250, 5000, 10000)),
}  # fmt: skip
# Age of the last good summary; the time is in the age itself, so the delays are zero.
_COMM_LOSS_MS = ((1500, 1200, 0, 5000), (3000, 1200, 0, 5000), (10000, 1200, 0, 60000))
# Volts per cell: (set, clear); the over-voltage trip is capped by the system class.
_RACK_OVER_V = ((3.50, 3.45), (3.55, 3.50), (3.60, 3.45))
_RACK_UNDER_V = ((2.90, 3.00), (2.80, 2.90), (2.70, 2.80))
_VOLTAGE_TIMES_MS = ((5000, 5000), (2000, 5000), (1000, 5000))
_CURRENT_TIMES_MS = ((10000, 10000), (10000, 10000), (10000, 60000))


def default_limits(product: Product) -> Limits:
    """All rules and levels of `product`; keys as the device's configuration wants them."""
    cells = product.cells_per_rack
    highest_dv = round((product.system_class_v - CLASS_MARGIN_V) * 10)
    over = tuple(
        (min(_dv(high, cells), highest_dv), _dv(low, cells)) for high, low in _RACK_OVER_V
    )
    under = tuple((_dv(low, cells), _dv(high, cells)) for low, high in _RACK_UNDER_V)
    rows = dict(_FIXED)
    rows["rack_overvoltage"] = _with_times(over, _VOLTAGE_TIMES_MS)
    rows["rack_undervoltage"] = _with_times(under, _VOLTAGE_TIMES_MS)
    rows["charge_overcurrent"] = _overcurrent(product.charge_current_a)
    rows["discharge_overcurrent"] = _overcurrent(product.discharge_current_a)
    rows["comm_loss"] = _COMM_LOSS_MS
    return {
        rule: {
            f"l{number}": dict(
                zip(("set", "clear", "delay_ms", "clear_delay_ms"), row, strict=True)
            )
            for number, row in enumerate(levels, start=1)
        }
        for rule, levels in rows.items()
    }


def _dv(cell_v: float, cells: int) -> int:
    return round(cell_v * cells * _CELL_TO_DV)


def _with_times(points: tuple[tuple[int, int], ...], times: tuple[tuple[int, int], ...]) -> Rows:
    return tuple((*point, *time) for point, time in zip(points, times, strict=True))


def _overcurrent(rated_a: float) -> Rows:
    points = tuple(
        (round(rated_a * factor * 10), round(rated_a * 10)) for factor in _OVERCURRENT_FACTORS
    )
    return _with_times(points, _CURRENT_TIMES_MS)
