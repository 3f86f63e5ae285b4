"""Default protection limits of a product, in device units.

The set is that of a second line behind the rack BMS: level 1 warns and derates, level 2 stops a
direction, level 3 opens. A number is marked [published] where a maker, a standard or an open BMS
prints it for LFP, and [derived] where it follows from such numbers by arithmetic or is a choice of
this project; both are the site's integrator to confirm. Each module holds the rules of one kind.
"""

from __future__ import annotations

from host_tools.site.limits import ages, currents, interlocks, temperatures, voltages
from host_tools.site.limits.rows import KEYS, Rows
from host_tools.site.products import Product

Limits = dict[str, dict[str, dict[str, int]]]
_KINDS = (voltages, currents, temperatures, ages, interlocks)


def default_limits(product: Product) -> Limits:
    """All rules and levels of `product`; keys as the device's configuration wants them."""
    rows: Rows = {}
    for kind in _KINDS:
        rows |= kind.rows(product)
    return {
        rule: {level: dict(zip(KEYS, row, strict=True)) for level, row in levels.items()}
        for rule, levels in rows.items()
    }
