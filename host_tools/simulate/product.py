"""What the simulator needs to know about a product."""

from __future__ import annotations

from typing import Protocol


class Product(Protocol):
    """Rated data of one site; any object with these attributes will do."""

    @property
    def slug(self) -> str:
        """Name for files and the command line."""

    @property
    def racks(self) -> int:
        """Racks on the site."""

    @property
    def cells_per_rack(self) -> int:
        """Cells in series."""

    @property
    def temps_per_rack(self) -> int:
        """Temperature sensors; divides `cells_per_rack`."""

    @property
    def cell_ah(self) -> float:
        """Rated capacity of a cell, Ah."""

    @property
    def cell_resistance_mohm(self) -> float:
        """Rated ohmic resistance of a cell, mOhm."""

    @property
    def charge_current_a(self) -> float:
        """Highest continuous charging current of a rack, A."""

    @property
    def discharge_current_a(self) -> float:
        """Highest continuous discharging current of a rack, A, a positive number."""
