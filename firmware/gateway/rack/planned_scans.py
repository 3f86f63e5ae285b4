"""What of a register map is read in spare time; one set of scans for all its racks."""

from __future__ import annotations

from gateway.rack.scan import Scan
from gateway.rack.threshold_scan import ThresholdScan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.register_map import RegisterMap


def planned_scans(register_map: RegisterMap) -> tuple[Scan, ...]:
    """The scans of cells, temperatures, details and thresholds, as far as the map has any."""
    scans: list[Scan] = []
    at = 0
    for blocks, kind in (
        (register_map.cells, Scan),
        (register_map.temps, Scan),
        (register_map.details, Scan),
        (register_map.thresholds, ThresholdScan),
    ):
        if blocks:
            scans.append(kind(blocks, at))
            at = scans[-1].end
    return tuple(scans)
