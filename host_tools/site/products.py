"""Battery products: cells, racks and ratings, checked by the arithmetic that links them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from host_tools.errors import UserError

PRODUCTS = Path(__file__).with_name("products.toml")
CELL_NOMINAL_V = 3.2
CELL_RANGE_V = (2.0, 3.65)
SYSTEM_CLASS_V = 1500.0


class Product(BaseModel):
    """One site product; a rack is one electrical string of cells in series."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str
    name: str
    cell_ah: float
    cell_resistance_mohm: float
    cell_charge_rate: float  # multiples of `cell_ah` per hour
    cell_discharge_rate: float
    cells_per_module: int
    modules_per_rack: int
    racks: int
    rack_voltage_low_v: float
    rack_voltage_high_v: float
    system_class_v: float = SYSTEM_CLASS_V
    charge_current_a: float
    discharge_current_a: float
    site_energy_kwh: float

    @property
    def cells_per_rack(self) -> int:
        """Cells in series."""
        return self.cells_per_module * self.modules_per_rack

    @property
    def temps_per_rack(self) -> int:
        """Temperature sensors: one for two cells."""
        return self.cells_per_rack // 2

    @property
    def rack_energy_kwh(self) -> float:
        """Rated energy of one rack."""
        return self.cells_per_rack * self.cell_ah * CELL_NOMINAL_V / 1000

    @model_validator(mode="after")
    def _arithmetic(self) -> Product:
        low, high = (self.cells_per_rack * volt for volt in CELL_RANGE_V)
        if not low < self.rack_voltage_low_v < self.rack_voltage_high_v:
            raise ValueError("rack voltage range does not fit the cell count")
        if self.rack_voltage_high_v > min(high, self.system_class_v):
            raise ValueError("rack voltage above its cells or the system class")
        if abs(self.rack_energy_kwh * self.racks / self.site_energy_kwh - 1) > 0.002:
            raise ValueError("site energy does not fit cells, capacity and racks")
        for current_a, rate in (
            (self.charge_current_a, self.cell_charge_rate),
            (self.discharge_current_a, self.cell_discharge_rate),
        ):
            if current_a > self.cell_ah * rate:
                raise ValueError(f"{current_a:g} A is more than the cell's {rate:g} C")
        return self


@cache
def _tables() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(PRODUCTS.read_text())


def slugs() -> list[str]:
    """Names of all products, in the order of the file."""
    return list(_tables()["products"])


def cells() -> list[str]:
    """Names of all cells, in the order of the file."""
    return list(_tables()["cells"])


def load_product(slug: str, cell: str = "") -> Product:
    """The product called `slug`; UserError when there is none.

    `cell` names another cell than the printed one: the C rate of rack and converter stay, so
    currents and energy go with the capacity. UserError when that cell cannot bear the rate.
    """
    entry = _tables()["products"].get(slug)
    if entry is None:
        raise UserError(f"SITE: no product {slug!r}; there are: {', '.join(slugs())}")
    fields: dict[str, Any] = {key: value for key, value in entry.items() if key != "cell"}
    printed = str(entry["cell"])
    if (cell or printed) not in cells():
        raise UserError(f"cell: no {cell!r}; there are: {', '.join(cells())}")
    used: dict[str, Any] = _tables()["cells"][cell or printed]
    by_capacity = used["ah"] / float(str(_tables()["cells"][printed]["ah"]))
    for name in ("charge_current_a", "discharge_current_a", "site_energy_kwh"):
        fields[name] = round(fields[name] * by_capacity, 2)
    try:
        return Product(
            slug=slug,
            cell_ah=used["ah"],
            cell_resistance_mohm=used["resistance_mohm"],
            cell_charge_rate=used["charge_rate"],
            cell_discharge_rate=used["discharge_rate"],
            **fields,
        )
    except ValidationError as error:
        if cell:
            raise UserError(
                f"cell: {cell}: {_message(error)}; {slug} needs a cell of a higher rate, or take"
                " another product"
            ) from error
        raise UserError(f"{slug}: {_message(error)}") from error


def _message(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")
