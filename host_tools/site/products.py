"""Battery products: cells, racks and ratings, checked by the arithmetic that links them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

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
        return self


@cache
def _tables() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(PRODUCTS.read_text())


def slugs() -> list[str]:
    """Names of all products, in the order of the file."""
    return list(_tables()["products"])


def load_product(slug: str) -> Product:
    """The product called `slug`; UserError when there is none."""
    entry = _tables()["products"].get(slug)
    if entry is None:
        raise UserError(f"SITE: no product {slug!r}; there are: {', '.join(slugs())}")
    fields = {key: value for key, value in entry.items() if key != "cell"}
    cell = _tables()["cells"][str(entry["cell"])]
    try:
        return Product(
            slug=slug,
            cell_ah=cell["ah"],  # type: ignore[arg-type]
            cell_resistance_mohm=cell["resistance_mohm"],  # type: ignore[arg-type]
            **fields,  # type: ignore[arg-type]
        )
    except ValidationError as error:
        raise UserError(f"{PRODUCTS.name}: {slug}: {error.errors()[0]['msg']}") from error
