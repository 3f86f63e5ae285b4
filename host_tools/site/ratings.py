"""What a site file may only lower: the ratings of its product and of the product's cell.

The device knows neither; it bounds currents by the capacity and the rates it is told. That these
are the cell's is checked here.
"""

from __future__ import annotations

from typing import Any

from host_tools.site.products import Product

# (setting, of the product, unit, how much of the setting makes one)
_RATINGS = (
    ("charge_current_da", "charge_current_a", "A", 10),
    ("discharge_current_da", "discharge_current_a", "A", 10),
    ("capacity_dah", "cell_ah", "Ah", 10),
    ("charge_rate_pm", "cell_charge_rate", "C", 1000),
    ("discharge_rate_pm", "cell_discharge_rate", "C", 1000),
)
_RATES = (
    ("charge_current_da", "charge_current_a", "cell_charge_rate"),
    ("discharge_current_da", "discharge_current_a", "cell_discharge_rate"),
)
# Every rack must have answered and settled before a relay closes; only a simulated run is shorter.
_ARM = "outputs.arm_delay_ms"
LEAST_ARM_MS = 10000


def lowered(product: Product, site: dict[str, Any]) -> Product:
    """`product` with the ratings that a site file lowers; default limits go with them."""
    found = {
        field: min(site[key] / scale, getattr(product, field))
        for key, field, _, scale in _RATINGS
        if _is_number(site.get(key))
    }
    return product.model_copy(update=found)


def problems(product: Product, site: dict[str, Any]) -> list[str]:
    """What a site file asks for that its product or a device in the field does not bear."""
    found = []
    for key, field, unit, scale in _RATINGS:
        most = getattr(product, field)
        if _is_number(site.get(key)) and site[key] > most * scale:
            found.append(
                f"{key}: {site[key]} is above {most * scale:g}, the {most:g} {unit} of"
                f" {product.slug} with its cell; a site file may only lower it"
            )
    rated = lowered(product, site)
    for key, field, rate_field in _RATES:
        rate = getattr(rated, rate_field)
        most = rated.cell_ah * rate
        if getattr(rated, field) > most:
            found.append(
                f"{key}: {getattr(rated, field) * 10:g} is above {most * 10:g}, the {rate:g} C of"
                f" the cell at {rated.cell_ah:g} Ah (capacity_dah)"
            )
    cells = site.get("cells_per_rack", product.cells_per_rack)
    if cells != product.cells_per_rack:
        found.append(f"cells_per_rack: {cells}, but {product.slug} has {product.cells_per_rack}")
    outputs = site.get("outputs")
    arm_ms = outputs.get("arm_delay_ms") if isinstance(outputs, dict) else None
    if isinstance(arm_ms, int) and arm_ms < LEAST_ARM_MS:
        found.append(
            f"{_ARM}: {arm_ms} is below {LEAST_ARM_MS} ms, the least of a board in the field"
        )
    return found


def _is_number(value: object) -> bool:
    """True for a whole number; whatever else is there is told by the device's own check."""
    return isinstance(value, int) and not isinstance(value, bool)
